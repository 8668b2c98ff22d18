"""`vigil explain`, from raw signals to the rung of the policy: what the three agents did together."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streams.agents.known_material import REMOVAL, ZERO_TOLERANCE
from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet
from streams.recording import by_ts
from streams.workbench.explain.data import as_data
from streams.workbench.explain.page import render
from streams.workbench.explain.recorded import MOST_SHARING
from streams.workbench.explain.story import Story, tell
from streams.workbench.explain.terminal import for_people
from streams.workbench.explain.understanding import Understanding
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    SCHEMA,
    START,
    activity,
    correlation,
    hit,
    load,
    refused,
    review,
)  # fmt: skip

LADDER = correlation(
    "type: event_count\nrules: [refused]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 3}",
    vigil="harm: spam\naction: warn\ncooldown: 10m",
)
SHARED = correlation(
    "type: value_count\nrules: [hit]\ngroup-by: [device]\ntimespan: 1h\n"
    "condition: {field: account, gte: 2}",
    vigil="harm: csam\naction: restrict",
)
DERIVED = correlation(
    "type: event_count\nrules: [told]\ngroup-by: [account]\ntimespan: 30d\ncondition: {gte: 1}",
    vigil="harm: spam",
).replace("7aff", "7afe") + """---
title: Granted
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a0a
name: told
status: stable
logsource: {product: vigil, service: account-signals}
detection:
  it: {kind: granted}
  condition: it
"""  # fmt: skip

Line = dict[str, Any]


class Told:
    """Signals, orders, and what the three agents say of them, as lines of a recording."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self.lines: list[Line] = []
        self.said: list[Line] = []
        self._driver = MemoryDriver(all_agents(ruleset))

    def give(self, *signals: tuple[str, Line]) -> Told:
        """Give them to the agents."""
        lines = [
            {"topic": topic, "key": value.get("account") or value["pattern"], "value": value,
             "ts": value["at"]}
            for topic, value in signals
        ]  # fmt: skip
        self.lines += lines
        records = [
            (one["topic"], one["key"].encode(), json.dumps(one["value"]).encode(), one["ts"])
            for one in lines
        ]
        self.said += [
            {"topic": one.topic, "key": one.key.decode(), "value": json.loads(one.value),
             "ts": one.ts}
            for one in self._driver.feed(sorted(records, key=by_ts))
        ]  # fmt: skip
        assert not self.on("dead-letters")
        return self

    def on(self, topic: str) -> list[Line]:
        """What was said on a topic."""
        return [one["value"] for one in self.said if one["topic"] == topic]

    def order(self, kind: str, target: str, at: int) -> tuple[str, Line]:
        """A person's command about the pattern of the first proposal."""
        pattern = self.on("proposals")[0]["pattern"]
        value = {
            "id": f"o{at}",
            "pattern": pattern,
            "kind": kind,
            "target": target,
            "reviewer": "p1",
            "reason": "reviewed",
        }
        return "pattern-commands", {**value, "at": START + at}

    def write(self, path: Path, *topics: str) -> Path:
        """A recording of the signals, and of what was said on some topics."""
        said = [one for one in self.said if one["topic"] in topics]
        lines = sorted((*self.lines, *said), key=lambda line: line["ts"])
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path


EVERYTHING = ("detections", "enforcement", "review-queue", "proposals", "account-signals")


def burst(at: int, account: str = "a1") -> list[tuple[str, Line]]:
    return [refused(at + n * MINUTE, account) for n in range(3)]


def shown(story: Story) -> tuple[str, str]:
    """What a person reads on a terminal and on a page."""
    console = Console(width=120, highlight=False, file=io.StringIO())
    with console.capture() as captured:
        console.print(for_people(story, 120))
    json.dumps(as_data(story))
    return captured.get(), render(story)


@pytest.mark.parametrize("topics", [(), EVERYTHING, ("detections", "enforcement", "review-queue")])
def test_an_enforcement_is_followed_to_the_rung_and_the_strikes_that_raised_it(tmp_path, topics):
    told = Told(load(tmp_path, LADDER))
    for day in range(3):
        told.give(*burst(day * DAY))
    last = told.on("enforcement")[-1]
    assert (last["action"], last["why"]) == ("restrict", "raised")
    story = tell(last["id"], [told.write(tmp_path / "day.jsonl", *topics)], told.ruleset)
    (action,) = story.actions
    assert story.notes == []
    assert action.why == "a higher rung than the pattern asks for, because of 2 strikes"
    assert action.rung == "3 of 7 of the ladder 'default': restrict for 1 d, from 2 strikes on"
    assert (action.strikes, action.state) == (2, "stands")
    assert action.expires_at == story.at + DAY
    assert ("granted", "Vigil") in [(step.what, step.by) for step in action.steps]
    evidence = [moment.id for moment in story.moments if moment.evidence]
    assert evidence == list(story.detection.evidence)
    for text in shown(story):
        assert "because of 2 strikes" in text
        assert "restrict for 1 d, from 2 strikes on" in text


def test_what_became_of_it_since_is_told_with_who_did_it(tmp_path):
    told = Told(load(tmp_path, LADDER.replace("cooldown", "budget: 1\n  cooldown")))
    told.give(*burst(0, "a0"), *burst(10 * MINUTE))
    (held,) = told.on("review-queue")
    path = tmp_path / "day.jsonl"
    (action,) = tell(held["id"], [told.write(path)], told.ruleset).actions
    assert action.state == "held"
    assert action.steps[-1].what == "held for a person: the pattern's budget for the hour was spent"
    told.give(told.order("release", held["proposal"], HOUR))
    told.give(review(2 * HOUR, decision=held["proposal"], outcome="overturned", reviewer="r2"))
    for topics in ((), EVERYTHING):
        (action,) = tell(held["proposal"], [told.write(path, *topics)], told.ruleset).actions
        assert [(step.what.partition(":")[0], step.by) for step in action.steps] == [
            ("proposed", "Vigil"),
            ("held for a person", "Vigil"),
            ("released", "p1"),
            ("overturned (first)", "r2"),
            ("undone", "r2"),
        ]
        assert action.state == "undone, by r2"


def test_what_is_voided_or_over_is_said_to_be_so(tmp_path):
    told = Told(load(tmp_path, LADDER.replace("cooldown", "budget: 1\n  cooldown")))
    told.give(*burst(0, "a0"), *burst(10 * MINUTE))
    (held,) = told.on("review-queue")
    told.give(told.order("void", held["proposal"], HOUR))
    path = tmp_path / "day.jsonl"
    (action,) = tell(held["proposal"], [told.write(path)], told.ruleset).actions
    assert (action.state, action.steps[-1].what) == ("voided, by p1", "voided")
    told = Told(load(tmp_path, LADDER.replace("action: warn", "action: restrict")))
    told.give(*burst(0), activity("login.succeeded", 9 * DAY))
    (restrict,) = (one for one in told.on("enforcement") if one["action"] == "restrict")
    (action,) = tell(restrict["id"], [told.write(path)], told.ruleset).actions
    assert (action.state, action.steps[-1].what) == ("over", "its time is over")


@pytest.mark.parametrize("topics", [(), EVERYTHING, ("detections", "enforcement", "review-queue")])
def test_what_accounts_share_is_told_with_the_signals_of_all_of_them(tmp_path, topics):
    told = Told(load(tmp_path, SHARED))
    told.give(
        *(activity("login.succeeded", n, f"a{n % 3}", device=f"own{n % 3}") for n in range(9)),
        hit(MINUTE, "a1", device="d1", id="h1"),
        hit(2 * MINUTE, "a2", device="d1", id="h2"),
        activity("login.succeeded", 3 * MINUTE, "a3", device="d1"),
    )
    found = {one["account"]: one for one in told.on("detections")}
    assert found.keys() == {"a1", "a2"}
    path = told.write(tmp_path / "day.jsonl", *topics)
    story = tell(found["a2"]["id"], [path], told.ruleset)
    assert story.notes == []
    assert story.sharing == 2
    signals = [one for one in story.moments if one.kind == "signal"]
    assert [(one.account, one.id) for one in signals if one.evidence] == [
        ("a1", "h1"),
        ("a2", "h2"),
    ]
    assert [one.account for one in signals if one.account not in ("a1", "a2")] == ["a3"]
    assert len([one for one in signals if one.account == "a2"]) == 4, "everything of its own"
    assert len([one for one in signals if one.account == "a1"]) == 1, "of others what is shared"
    (action,) = story.actions
    assert (action.action, action.state) == ("restrict", "stands")
    enforced = next(one for one in told.on("enforcement") if one["account"] == "a2")
    assert tell(enforced["id"], [path], told.ruleset).detection == story.detection
    for text in shown(story):
        assert "device:d1" in text
        assert "with 2 other accounts" in text


def test_of_a_crowd_those_of_the_evidence_are_told_and_the_rest_is_counted(tmp_path):
    told = Told(load(tmp_path, SHARED))
    crowd = (activity("login.succeeded", n, f"c{n}", device="d1") for n in range(MOST_SHARING + 5))
    told.give(*crowd, hit(HOUR, "a1", device="d1", id="h1"), hit(HOUR, "a2", device="d1", id="h2"))
    found = next(one for one in told.on("detections") if one["account"] == "a2")
    story = tell(found["id"], [told.write(tmp_path / "day.jsonl")], told.ruleset)
    assert story.sharing == MOST_SHARING
    assert "6 more accounts share it" in story.notes[-1]
    assert {one.account for one in story.moments if one.evidence} == {"a1", "a2"}


def test_derived_evidence_is_followed_back_to_what_came_in(tmp_path):
    told = Told(load(tmp_path, f"{LADDER}---\n{DERIVED}"))
    told.give(*burst(0))
    derived = next(one for one in told.on("detections") if one.get("derived"))
    for topics in ((), EVERYTHING):
        path = told.write(tmp_path / "day.jsonl", *topics)
        story = tell(derived["id"], [path], told.ruleset)
        assert story.notes == []
        (link,) = story.behind
        assert (link.what, link.title) == ("granted: warn", "Correlation")
        assert link.detection == told.on("enforcement")[0]["detections"][0]
        assert [one.topic for one in story.moments if one.evidence] == ["account-signals"]
        assert len([one for one in story.moments if one.behind]) == 3
        for text in shown(story):
            assert "What that follows from" in text


def test_what_cannot_be_followed_back_is_said(tmp_path):
    told = Told(load(tmp_path, f"{LADDER}---\n{DERIVED}"))
    told.give(*burst(0))
    derived = next(one for one in told.on("detections") if one.get("derived"))
    other = load(tmp_path, HIT)
    path = told.write(tmp_path / "day.jsonl", "detections", "enforcement")
    story = tell(derived["id"], [path], other)
    assert "1 of the derived signals it rests on can't be followed back" in story.notes[-1]


def test_the_rules_in_the_code_are_explained_in_words(tmp_path):
    told = Told(load(tmp_path, LADDER))
    known = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}
    told.give(
        activity("upload.created", 0, "a2", content_ref="c1"),
        hit(MINUTE, "a1", content_ref="c1", id="h1", **known),
    )
    path = told.write(tmp_path / "day.jsonl")
    suspension = next(one for one in told.on("enforcement") if one["action"] == "suspend")
    story = tell(suspension["id"], [path], told.ruleset)
    assert (story.title, story.notes) == (ZERO_TOLERANCE.title, [])
    assert "a hash match confirmed" in story.condition
    assert {one.action for one in story.actions} == {"suspend", "preserve", "content.remove"}
    assert all(one.why.startswith("zero tolerance") for one in story.actions)
    removed = next(one for one in told.on("detections") if one["account"] == "a2")
    story = tell(removed["id"], [path], told.ruleset)
    assert (story.title, story.sharing, story.notes) == (REMOVAL.title, 1, [])
    (link,) = story.behind
    assert link.what == "what it holds is confirmed: content.remove content_ref:c1"
    (action,) = story.actions
    assert (
        action.why
        == "content the account holds is confirmed, whoever put it there: removed, no more"
    )
    marked = [(one.account, one.id) for one in story.moments if one.evidence]
    assert ("a1", "h1") in marked
    assert all("confirmed" in text for text in shown(story))


def test_what_the_governor_said_then_counts_and_not_what_it_would_say_of_one_account(tmp_path):
    """Offline, with one account's signals, no budget is ever spent."""
    told = Told(load(tmp_path, LADDER.replace("cooldown", "budget: 1\n  cooldown")))
    told.give(*burst(0, "a0"), *burst(10 * MINUTE), *burst(DAY))
    *_, detection, pending = told.on("detections")
    path = tmp_path / "day.jsonl"
    for topics in ((), EVERYTHING, ("detections", "enforcement", "review-queue")):
        story = tell(detection["id"], [told.write(path, *topics)], told.ruleset)
        assert [one.state for one in story.actions] == ["held"]
        assert story.notes == []
        assert tell(pending["id"], [path], told.ruleset).actions == []
    story = tell(detection["id"], [told.write(path, "detections")], told.ruleset)
    assert "What was decided is not recorded here" in story.notes[-1]


def test_why_nothing_was_done_is_told(tmp_path):
    told = Told(load(tmp_path, LADDER))
    told.give(*burst(0), *burst(HOUR))
    assert len(told.on("enforcement")) == 1
    path = told.write(tmp_path / "day.jsonl")
    story = tell(told.on("detections")[-1]["id"], [path], told.ruleset)
    assert "the cool-down" in story.nothing
    silent = Told(load(tmp_path, LADDER.replace("  action: warn\n", "")))
    silent.give(*burst(0))
    story = tell(silent.on("detections")[0]["id"], [silent.write(path)], silent.ruleset)
    assert story.nothing == "nothing: it only detects"


FREE = "please meet me at the old bridge"


def test_nothing_free_gets_through_in_any_record_of_vigils(tmp_path):
    told = Told(load(tmp_path, LADDER.replace("cooldown", "budget: 1\n  cooldown")))
    told.give(*burst(0, "a0"), *burst(10 * MINUTE))
    (held,) = told.on("review-queue")
    told.give(told.order("release", held["proposal"], HOUR))
    understood = Understanding(SCHEMA)
    numbers = {"strikes", "priority", "budget_hour", "budget_day", "review_within_s", "breaker"}
    for topic in EVERYTHING:
        for value in told.on(topic):
            if value.get("kind") in ("outcome", "forget"):
                continue
            assert understood(topic, json.dumps(value).encode()) is not None, (topic, value)
            for name in value.keys() - {"title", "cause", "zero"} - numbers:
                bad = json.dumps({**value, name: FREE}).encode()
                assert understood(topic, bad) is None, (topic, name)
