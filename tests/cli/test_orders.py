"""What a person orders, end to end: commands on a real broker, and a worker that carries them out."""

from __future__ import annotations

import json
import os
import time

import pytest

from streams import admin
from streams.cli import main
from streams.signals import Schema
from tests.agents.governing import HOUR, proposal
from tests.faults.drill import read, wait_until
from tests.faults.governing import Governors

BY = ["--reviewer", "rv-17", "--reason", "reviewed"]


@pytest.fixture(scope="module")
def governors(kafka, tmp_path_factory):
    """One worker for all tests here; each has a pattern of its own."""
    directory = tmp_path_factory.mktemp("governor")
    with Governors(kafka, f"orders{os.getpid()}.", directory) as governors:
        governors.start("w1")
        yield governors


@pytest.fixture
def vigil(governors, capsys):
    """Runs a command on that deployment; (exit code, its JSON or text, stderr)."""

    def vigil(*arguments, code=0):
        where = ["--brokers", governors.brokers, "--prefix", governors.prefix]
        capsys.readouterr()
        assert main([*arguments, *where]) == code
        captured = capsys.readouterr()
        if "--json" in arguments and code == 0:
            return json.loads(captured.out)
        return captured.err if code else captured.out

    return vigil


@pytest.fixture
def decided(governors):
    """Writes inputs of now, and returns once each has been heard."""

    def decided(pattern, *inputs, words):
        today = int(time.time() * 1000) // HOUR * HOUR
        governors.write(inputs, since_ms=today)
        wait_until(lambda: len(told(governors, pattern)) >= words, f"{words} words on {pattern}")

    return decided


def told(governors, pattern):
    """What accounts were told about a pattern: (kind, proposal)."""
    signals = governors.committed("account-signals")
    return [(one["kind"], one["proposal"]) for one in signals if one["pattern"] == pattern]


def test_what_is_held_is_shown_and_released_or_voided_by_a_named_person(vigil, decided, governors):
    limits = {"pattern": "p-holds", "budget_hour": 1}
    decided(
        "p-holds",
        proposal("h1", **limits),
        proposal("h2", 1, severity="low", **limits),
        proposal("h3", 2, severity="critical", **limits),
        proposal("h4", 3, severity="low", **limits),
        words=4,
    )
    queue = ["queue", "--pattern", "p-holds", "--json"]
    holds = vigil(*queue)
    assert [one["proposal"] for one in holds] == ["h3", "h2", "h4"]
    assert holds[0]["priority"] == 1
    assert holds[0]["held_by"] == "budget_hour"
    (released,) = vigil("release", "h3", *BY, "--json")
    assert released["effect"] == "restrict will be done to a-h3"
    assert released["written"] is True
    assert vigil("void", "--all-of", "p-holds", *BY).count("will not be done to a-h") >= 2
    wait_until(lambda: vigil(*queue) == [], "nothing to be held")
    (enforcement,) = [one for one in governors.committed("enforcement") if one["id"] == "h3"]
    assert enforcement["reviewer"] == "rv-17"
    assert enforcement["automated"] == "partially"
    assert sorted(word for word in told(governors, "p-holds") if word[0] != "held") == [
        ("granted", "h1"),
        ("granted", "h3"),
        ("voided", "h2"),
        ("voided", "h4"),
    ]
    assert "Nothing was written" in vigil("release", "h2", "h3", *BY, code=2)


def test_a_version_is_undone_and_resumed_and_a_mistyped_one_is_told(vigil, decided, governors):
    mine = {"pattern": "p-undo"}
    decided("p-undo", *(proposal(f"u{n}", n, **mine) for n in range(3)), words=3)
    err = vigil("undo", "p-undo", "v2", *BY, code=2)
    assert "Its versions are v1" in err
    assert "isn't stopped" in vigil("resume", "p-undo", "v1", *BY, code=2)
    assert "never heard of" in vigil("resume", "p-nowhere", "v1", *BY, code=2)
    (dry,) = vigil("undo", "p-undo", "v1", *BY, "--dry-run", "--json")
    assert dry["written"] is False
    (undo,) = vigil("undo", "p-undo", "v1", *BY, "--json")
    assert undo["id"] == dry["id"], "the same order is one order"
    assert undo["effect"] == "3 actions will be reversed, its proposals held"
    wait_until(lambda: len(told(governors, "p-undo")) == 6, "the undo")
    (version,) = vigil("queue", "--patterns", "--pattern", "p-undo", "--json")
    assert (version["standing"], version["granted"], version["why"]) == (0, 3, "undone")
    assert version["precision_interval"] == [0.0, 1.0]
    decided("p-undo", proposal("u3", 3, **mine), words=7)
    (resume,) = vigil("resume", "p-undo", "v1", *BY, "--json")
    assert resume["effect"] == "proposals will be granted again; 1 stay held"
    wait_until(
        lambda: not vigil("queue", "--patterns", "--pattern", "p-undo", "--json")[0]["stopped"],
        "the version to be resumed",
    )
    decided("p-undo", proposal("u4", 4, **mine), words=8)
    assert ("granted", "u4") in told(governors, "p-undo")
    (one,) = vigil("undo", "p-undo", "u4", *BY, "--json")
    assert one["effect"] == "restrict against a-u4 will be reversed"
    wait_until(lambda: ("undone", "u4") in told(governors, "p-undo"), "one to be undone")
    assert "nor an action of it that stands" in vigil("undo", "p-undo", "u4", *BY, code=2)
    (again,) = vigil("undo", "p-undo", "v1", *BY, "--json")
    assert again["id"] != undo["id"], "there is something new to undo"


@pytest.fixture
def topics(kafka, prefix):
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=1)
    return ["--brokers", kafka, "--prefix", prefix]


def test_snooze_and_erase_write_what_a_worker_accepts(topics, kafka, prefix, capsys):
    assert main(["snooze", "a1", "--for", "24h", *BY, *topics, "--json"]) == 0
    assert main(["snooze", "a1", "--until", "2099-01-01T00:00:00Z", *BY, *topics]) == 0
    assert main(["erase", "a1", *BY, *topics]) == 0
    assert main(["erase", "a1", *BY, *topics]) == 0
    assert "a worker carries them out" in capsys.readouterr().err.lower()
    records = read(kafka, f"{prefix}account-commands", 1)
    assert [key for key, _ in records] == [b"a1"] * 4
    values = [json.loads(value) for _, value in records]
    assert [value["kind"] for value in values] == ["snooze", "snooze", "erase", "erase"]
    assert values[1]["until"] == "2099-01-01T00:00:00.000Z"
    assert values[2]["id"] == values[3]["id"], "twice on a day is once"
    assert len({value["id"] for value in values}) == 3
    decode = Schema.load().decoder("account-commands")
    for key, value in records:
        assert decode(Record(key, value)).reviewer == "rv-17"


class Record:
    headers = ()
    offset = 0

    def __init__(self, key, value):
        self.key, self.value, self.timestamp = key, value, int(time.time() * 1000)


WRONG = [
    (["snooze", "a1", *BY], "--for or --until"),
    (["snooze", "a1", "--for", "soon", *BY], "write 90m"),
    (["snooze", "a1", "--until", "2020-01-01T00:00:00Z", *BY], "is past"),
    (["snooze", "a b", "--for", "1h", *BY], "account would be refused (malformed_id)"),
    (["snooze", "a1", "--for", "1h", "--reviewer", "a@b", "--reason", "appeal"], "reviewer would"),
    (["erase", "a1", "--reviewer", "r", "--reason", "because"], "must be one of person_request"),
    (["erase", "a1", "--reason", "other"], "Missing option '--reviewer'"),
    (["release", *BY], "name the proposals"),
    (["release", "e1", "--all-of", "p", *BY], "name the proposals"),
    (["void", "e1", "--version", "v", *BY], "--version goes with"),
    (["void", "--all-of", "p", *BY], "nothing is held of p"),
    (["undo", "p", "v", *BY], "never heard of that pattern"),
    (["queue", "--patterns", "--account", "a1"], "name one"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG)
def test_wrong_use_is_told_and_nothing_is_written(arguments, told, governors, capsys):
    where = ["--brokers", governors.brokers, "--prefix", governors.prefix]
    assert main([*arguments, *where]) == 2
    assert told in capsys.readouterr().err
    assert read(governors.brokers, f"{governors.prefix}account-commands") == []


def test_no_variable_says_where_to_erase_or_who_orders(topics, kafka, monkeypatch, capsys):
    monkeypatch.setenv("VIGIL_BROKERS", kafka)
    monkeypatch.setenv("VIGIL_REVIEWER", "somebody")
    assert main(["erase", "a1", *BY]) == 2
    assert "must stand on the command line" in capsys.readouterr().err
    assert main(["snooze", "a1", "--for", "1h", "--reason", "appeal", *topics]) == 2
    assert "--reviewer" in capsys.readouterr().err
    assert main(["queue", "--prefix", topics[3]]) == 0
    assert "Nothing is held" in capsys.readouterr().err


@pytest.mark.parametrize("order", [["queue"], ["snooze", "a", "--for", "1h", *BY]])
def test_without_the_topics_it_ends_with_3(order, kafka, prefix, capsys):
    assert main([*order, "--brokers", kafka, "--prefix", prefix]) == 3
    assert "vigil topics create" in capsys.readouterr().err
