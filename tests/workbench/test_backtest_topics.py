"""A backtest of what the topics of a real broker hold says what one of the same file says."""

from __future__ import annotations

import json
from time import time

from kafka import KafkaProducer

from streams import admin
from streams.cli import main
from streams.recording import Recording
from streams.workbench.backtest.topics import InputTopics
from tests.patterns.driving import HOUR, START
from tests.workbench.test_backtest import named, pattern, rules, traffic, write

SHIFT = int(time() * 1000) - 40 * HOUR - START
"""Kafka deletes by time stamp: signals of years ago would be gone as soon as they are written."""


def recent(lines):
    return [
        line
        | {"ts": line["ts"] + SHIFT, "value": line["value"] | {"at": line["value"]["at"] + SHIFT}}
        for line in lines
        if line["topic"] != "detections"
    ]


async def test_what_the_topics_hold_is_compared_as_a_file_of_it_would_be(
    kafka, prefix, tmp_path, capsys
):
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=3)
    lines = recent(traffic(7, accounts=9, signals=800))
    producer = KafkaProducer(bootstrap_servers=kafka)
    for line in lines:
        producer.send(prefix + line["topic"], json.dumps(line["value"], indent=1).encode(),
                      line["key"].encode(), timestamp_ms=line["ts"])  # fmt: skip
    for bad in (b"\xff", b"{not json", b"", None):
        producer.send(prefix + "activity", bad, b"a1", timestamp_ms=lines[-1]["ts"])
    producer.send(prefix + "activity", b"{}", b"\xff", timestamp_ms=lines[-1]["ts"])
    producer.flush()
    producer.close()

    path = tmp_path / "inputs.jsonl.zst"
    read: list[int] = []

    async def recorded(since_ms=0):
        async with InputTopics(
            {"bootstrap_servers": kafka}, prefix=prefix, since_ms=since_ms
        ) as inputs:
            return inputs.total, await inputs.record(path, read.append)

    # A null value is a record; what no line can hold is left out.
    assert await recorded() == (len(lines) + 5, len(lines) + 1)
    assert sum(read) == len(lines) + 5
    kept = [one for batch in Recording(path, ("activity", "moderation-hits", "reviews")).batches()
            for one in batch if one[2] is not None]  # fmt: skip
    expected = sorted((one["ts"], one["value"]["id"]) for one in lines)
    assert sorted((ts, json.loads(value)["id"]) for _, _, value, ts in kept) == expected
    half = lines[len(lines) // 2]["ts"]
    _, later = await recorded(half)
    assert later == sum(line["ts"] >= half for line in lines) + 1


def test_the_command_reads_topics_and_leaves_nothing_behind(kafka, prefix, tmp_path, capsys, monkeypatch):  # fmt: skip
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=2)
    lines = recent(traffic(8, accounts=5, signals=300))
    producer = KafkaProducer(bootstrap_servers=kafka)
    for line in lines:
        producer.send(prefix + line["topic"], json.dumps(line["value"]).encode(),
                      line["key"].encode(), timestamp_ms=line["ts"])  # fmt: skip
    producer.flush()
    producer.close()
    old = rules(tmp_path / "old", pattern("ladder"))
    rules(tmp_path / "new", pattern("ladder", count=4))
    where = ["--rules", str(tmp_path / "new"), "--against", str(tmp_path / "old"), "--json"]
    path = write(tmp_path / "same.jsonl", lines)
    assert main(["backtest", *where, str(path)]) == 0
    from_file = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert main(["backtest", *where, "--brokers", kafka, "--prefix", prefix]) == 0
    captured = capsys.readouterr()
    from_topics = json.loads(captured.out)
    assert captured.err == f"{len(lines)} records read from the input topics\n"
    for one in (from_file, from_topics):
        for figure in ("took_s", "signals_per_s"):
            del one[figure]
    assert from_topics == from_file
    assert from_topics["old"]["accounts_acted_upon"] > 0
    assert named(old, "ladder").mode == "live"
    assert not list(tmp_path.glob("vigil-backtest-*"))


def test_topics_or_files_but_not_both_and_not_neither(kafka, prefix, tmp_path, capsys):
    path = write(tmp_path / "a.jsonl", [])
    assert main(["backtest", "--rules", "catalogue"]) == 2
    assert "name a recording, or --brokers" in capsys.readouterr().err
    assert main(["backtest", "--rules", "catalogue", "--brokers", "x:1", str(path)]) == 2
    assert "without FILEs" in capsys.readouterr().err
    assert main(["backtest", "--rules", "catalogue", "--since", "yesterday"]) == 2
    assert "--since" in capsys.readouterr().err
    nothing = ["--brokers", kafka, "--prefix", prefix]
    assert main(["backtest", "--rules", "catalogue", *nothing]) == 3, "there are no topics"
    assert main(["backtest", "--rules", "catalogue", str(path)]) == 0, "an empty recording is fine"
