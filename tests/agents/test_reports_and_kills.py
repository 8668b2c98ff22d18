"""Whatever comes and however often the worker is killed: the same reports, each hit in one of them."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, NamedTuple

import msgspec
import pytest

from streams.agents.accounts import INPUTS, accounts_agent
from streams.engine.outbox import Output
from tests.agents.governing import Partition
from tests.patterns.driving import DAY, HIT, HOUR, START, hit, load, order, review

ACCOUNTS = ("a1", "a2", "a3")
PEOPLE = ("r1", "r2", "r3")
END = START + 500 * DAY


class Said(NamedTuple):
    """One record on its way in."""

    topic: str
    value: dict[str, Any]

    @property
    def record(self) -> tuple[str, bytes, bytes, int]:
        key = self.value["account"].encode()
        return self.topic, key, msgspec.json.encode(self.value), self.value["at"]


class Calm(random.Random):
    """Never kills, never commits before the end."""

    def random(self) -> float:
        return 0.5


def known(dice: random.Random, number: int) -> Said:
    fields = {
        "id": f"h{number}",
        "source": "hash_match",
        "verdict": "confirmed",
        "surface": dice.choice(["upload", "message", "training_dataset"]),
        "content_ref": dice.choice([None, "c1", "c2", "c3"]),
        "dataset_ref": dice.choice([None, "s1"]),
        "device": dice.choice([None, "d1"]),
        "ai_generated": dice.choice([None, "yes", "no"]),
    }
    return Said(*hit(dice.randrange(5 * DAY), dice.choice(ACCOUNTS), **fields))


def later(dice: random.Random, report: dict[str, Any], number: int) -> list[Said]:
    """What people do about a report, some of it at the very moment something else comes."""
    at = dice.randrange(6 * DAY) // HOUR * HOUR
    about = (at, report["account"])
    reviewer = dice.choice(PEOPLE)
    kind = dice.choice(["confirm", "retract", "review", "review", "erase"])
    if kind == "review":
        decision = dice.choice([report["id"], *report["detections"]])
        looked = {"decision": decision, "content_ref": "c1", "viewed": True, "reviewer": reviewer}
        return [Said(*review(*about, id=f"v{number}", **looked))]
    target = {} if kind == "erase" else {"target": report["id"]}
    return [Said(*order(kind, *about, id=f"o{number}", reviewer=reviewer, **target))]


def logs(said: list[Said]) -> list[list[Said]]:
    ordered = sorted(said, key=lambda one: one.value["at"])
    return [[one for one in ordered if one.topic == topic] for topic in INPUTS]


def decoded(outputs: list[Output], topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.value) for one in outputs if one.topic == topic]


@pytest.mark.parametrize("seed", range(30))
def test_kills_and_repetitions_change_no_report(tmp_path, seed):
    dice = random.Random(seed)
    agent = accounts_agent(ruleset := load(tmp_path, HIT), ruleset.schema)
    hits = [known(dice, number) for number in range(dice.randint(1, 25))]
    drafts = decoded(Partition(agent, logs(hits), Calm()).run(START + 5 * DAY).outputs, "reports")
    orders = [
        one
        for number in range(dice.randint(0, 12))
        for one in later(dice, dice.choice(drafts), number)
    ]
    said = [*hits, *orders, *dice.sample(hits, len(hits) // 3)]
    whole = Partition(agent, logs(said), Calm()).run(END).outputs
    killed = Partition(agent, logs(said), dice).run(END)
    assert killed.outputs == whole
    assert not decoded(whole, "dead-letters")

    newest = {one["id"]: one for one in decoded(whole, "reports")}
    if not any(one.value.get("kind") == "erase" for one in orders):
        found = Counter(id_ for one in newest.values() for id_ in one["detections"])
        made = decoded(whole, "detections")
        wanted = {one["id"] for one in made if one["title"] == "Known material"}
        assert found == Counter(wanted), "each in one report"
    amended: dict[str, int] = {}
    for one in decoded(whole, "reports"):
        assert one.get("amended", 0) >= amended.get(one["id"], 0)
        amended[one["id"]] = one.get("amended", 0)
    for one in newest.values():
        confirmed_by, doubted_by = one.get("confirmed_by"), one.get("doubted_by")
        if one["status"] == "retracted":
            assert one["retracted_by"] not in (None, confirmed_by or doubted_by)
        assert (one["status"] == "confirmed") <= (confirmed_by is not None)
    # After a year and a bit nothing of a report is left.
    assert not [full for full in killed.topic if full[:1] == b"I"]
