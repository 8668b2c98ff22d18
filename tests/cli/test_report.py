"""`vigil report` from a recording: what is listed, shown and exported, and what is refused."""

from __future__ import annotations

import contextlib
import json
from xml.etree import ElementTree as ET

import pytest
from kafka import KafkaProducer

from streams import admin
from streams.cli import main
from tests.faults.drill import read
from tests.patterns.driving import DAY, HIT, HOUR, START, Play, hit, load, order

KNOWN = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}


@pytest.fixture
def play(tmp_path):
    play = Play(load(tmp_path, HIT))
    for account, at in (("a1", 0), ("a2", HOUR), ("a3", 2 * HOUR)):
        play.feed(hit(at, account, content_ref=f"c-{account}", ai_generated="yes", **KNOWN))
    ids = {one["account"]: one["id"] for one in play.out["reports"]}
    return play.feed(
        order("confirm", 3 * HOUR, "a1", target=ids["a1"], reviewer="rv-1"),
        order("retract", 3 * HOUR, "a3", target=ids["a3"], reviewer="rv-1"),
        order("retract", 4 * HOUR, "a3", target=ids["a3"], reviewer="rv-2"),
    )


@pytest.fixture
def recording(play, tmp_path):
    path = tmp_path / "out.jsonl"
    lines = [
        {"topic": topic, "key": one["account"], "value": one, "ts": 0}
        for topic in ("reports", "enforcement")
        for one in play.out[topic]
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def vigil(recording, capsys):
    def vigil(*arguments, code=0):
        capsys.readouterr()
        assert main(["report", *arguments, "--from", str(recording)]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return vigil


def listed(vigil, *arguments):
    found = json.loads(vigil("list", "--json", *arguments))
    return [(one["account"], one["status"]) for one in found]


def test_drafts_come_first_and_retracted_ones_only_when_asked_for(vigil):
    assert listed(vigil) == [("a2", "draft"), ("a1", "confirmed")]
    assert listed(vigil, "--all") == [("a2", "draft"), ("a1", "confirmed"), ("a3", "retracted")]
    assert listed(vigil, "--account", "a1") == [("a1", "confirmed")]


def test_a_confirmed_report_is_exported_and_nothing_else_is(vigil, tmp_path):
    ids = {one["account"]: one["id"] for one in json.loads(vigil("list", "--json", "--all"))}
    reporter = tmp_path / "reporter.toml"
    reporter.write_text('service = "Example images"\nemail = "safety@example.org"\n')
    vigil("export", "--to", str(tmp_path / "r"), "--reporter", str(reporter))
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [
        f"{ids['a1']}.json",
        f"{ids['a1']}.xml",
    ]
    root = ET.fromstring((tmp_path / "r" / f"{ids['a1']}.xml").read_bytes())
    assert root.findtext("personOrUserReported/espIdentifier") == "a1"
    assert root.findtext("personOrUserReported/espService") == "Example images"
    assert "is draft, not confirmed" in vigil("export", ids["a2"], code=2)
    assert "is retracted, not confirmed" in vigil("export", ids["a3"], code=2)
    assert "there is no report" in vigil("show", "nothing", code=2)
    assert json.loads(vigil("show", ids["a2"][:10]))["account"] == "a2"


def test_a_source_has_to_be_named(capsys):
    assert main(["report", "list"]) == 2
    assert "--brokers, or --from" in capsys.readouterr().err


# Orders, through a real broker


@pytest.fixture
def written(kafka, prefix, play):
    """The reports are on a broker; runs a command there, and returns what it says."""
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=2)
    with contextlib.closing(KafkaProducer(**connection)) as producer:
        for one in play.out["reports"]:
            value = json.dumps(one).encode()
            producer.send(f"{prefix}reports", value, one["account"].encode()).get(timeout=30)
    return ["--brokers", kafka, "--prefix", prefix, "--reason", "reviewed"]


def test_what_a_person_orders_is_what_the_agent_obeys(written, play, capsys, kafka, prefix):
    ids = {one["account"]: one["id"] for one in play.out["reports"]}

    def order_(kind, account, reviewer, code=0):
        capsys.readouterr()
        given = main(["report", kind, ids[account], "--reviewer", reviewer, *written])
        assert given == code
        return capsys.readouterr().err if code else capsys.readouterr().out

    order_("confirm", "a2", "rv-1")
    assert "was the first person" in order_("retract", "a1", "rv-1", code=2)
    order_("retract", "a1", "rv-2")
    assert "is final" in order_("confirm", "a3", "rv-9", code=2)
    assert "confirmed already, by rv-1" in order_("confirm", "a1", "rv-9", code=2)
    for _, raw in read(kafka, f"{prefix}account-commands", partitions=2):
        value = json.loads(raw)
        play.feed(("account-commands", {**value, "at": START + DAY}))
    now = {one["account"]: one["status"] for one in play.out["reports"]}
    assert now == {"a1": "retracted", "a2": "confirmed", "a3": "retracted"}
