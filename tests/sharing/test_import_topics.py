"""A partner's topic on a real broker, on to the input topics."""

from __future__ import annotations

import asyncio
import json

from streams import admin
from streams.cli import main
from tests.adapters.test_topics import IDLE, PARTITIONS, make_topic, read, write
from tests.research.days import accounts_of, day
from tests.sharing.test_sharing import KEY, line


def test_signals_on_a_partners_topic_become_hits_once(kafka, prefix, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("VIGIL_SHARE_KEY", KEY.decode())
    ours, theirs = tmp_path / "day.jsonl", f"{prefix}theirs"
    day(ours, "none", accounts=20, signals=200)
    account = accounts_of(ours)[0]
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(make_topic(kafka, theirs))
    values = [json.dumps(one).encode() for one in (line(account), line("not-here"))]
    asyncio.run(write(kafka, [(theirs, None, one, []) for one in [*values, b"{}"]]))
    command = ["import", theirs, "--partner", "acme", "--accounts", str(ours)]
    command += ["--brokers", kafka, "--prefix", prefix, *IDLE]
    assert main(command) == 1
    assert "acme: 3 read, 1 written, 1 without meaning there, 1 refused" in capfd.readouterr().err
    assert main(command) == 0
    ((_, key, value),) = asyncio.run(read(kafka, f"{prefix}moderation-hits"))
    assert (key, value["account"], value["verdict"]) == (account, account, "suspected")
