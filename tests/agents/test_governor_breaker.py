"""The governor on the in-memory driver: what stops a version of a pattern."""

from __future__ import annotations

import pytest

from streams.agents.governor_state import VERSION
from streams.agents.precision import wilson
from streams.records import Breaker
from tests.agents.governing import (
    DAY,
    HOUR,
    MINUTE,
    P,
    Play,
    command,
    granted,
    held,
    outcome,
    proposal,
    undone,
)

UPHELD, OVERTURNED = "upheld", "overturned"


def quiet(days=2, version="v1"):
    """A history: one proposal an hour."""
    return [proposal(f"q{n}", n * HOUR, version=version) for n in range(24 * days)]


def burst(count, at, name="b", **fields):
    return [proposal(f"{name}{n}", at + n, **fields) for n in range(count)]


def test_a_surge_against_the_patterns_own_history_turns_grants_into_holds_and_says_so_once():
    play = Play().feed(*quiet(), *burst(40, 48 * HOUR))
    assert len(granted(play)) == 48 + 20
    assert held(play) == [f"b{n}" for n in range(20, 40)]
    first, *others = play.on("review-queue")
    assert len(first.pop("id")) == 26
    assert first == {
        "account": "a-b20",
        "reason": "breaker",
        "proposal": "b20",
        "detections": ["d-b20"],
        "pattern": P,
        "priority": 1,
        "due_at": "2026-09-23T01:00:00.020Z",
        "version": "v1",
        "action": "restrict",
        "held_by": "surge",
    }
    assert {item["reason"] for item in others} == {"held"}
    assert {item["held_by"] for item in others} == {"surge"}
    record = play.store.get(VERSION, P, "v1")
    assert (record.why, record.measured, record.limit) == ("surge", 21, 20)


def test_it_stays_so_until_a_person_resumes_the_version_which_accepts_that_hour():
    play = Play().feed(*quiet(), *burst(25, 48 * HOUR), *burst(1, 48 * HOUR + 30, "later"))
    assert held(play)[-1] == "later0"
    play.feed(command("resume", "v1", 48 * HOUR + 40), *burst(30, 48 * HOUR + 50, "same"))
    assert granted(play)[-30:] == [f"same{n}" for n in range(30)]
    # Three times the busiest hour is what a surge is measured by, and that was this one.
    play.feed(*burst(3 * 56, 49 * HOUR, "next"))
    assert held(play)[-1] == "later0"
    play.feed(*burst(1, 49 * HOUR + 200, "over"))
    assert held(play)[-1] == "over0"


def test_a_version_all_of_whose_actions_are_held_can_be_undone_all_the_same():
    play = Play().feed(
        proposal("e1", budget_hour=0), command("undo", "v1", 1), proposal("e2", HOUR)
    )
    assert [item["held_by"] for item in play.on("review-queue")] == ["budget_hour", "undone"]


def test_history_older_than_a_week_is_none():
    busy = burst(15, 0)
    again = burst(25, 7 * DAY + 30 * MINUTE, "again")
    assert held(Play().feed(*busy, *again)) == []
    later = burst(25, 7 * DAY + HOUR, "again")
    assert held(Play().feed(*busy, *later)) == [
        "again20",
        "again21",
        "again22",
        "again23",
        "again24",
    ]


def test_a_new_pattern_has_no_history_to_be_held_against():
    assert held(Play().feed(*burst(100, 0), *burst(100, 23 * HOUR, "more"))) == []


def test_a_surge_of_one_version_stops_that_version_only():
    play = Play().feed(*quiet(), *burst(25, 48 * HOUR, version="v2"))
    play.feed(proposal("new", 49 * HOUR, version="v3"), proposal("old", 49 * HOUR, version="v2"))
    assert granted(play)[-1] == "new"
    assert held(play)[-1] == "old"


def reviews(upheld, overturned, first=0, **fields):
    outcomes = [UPHELD] * upheld + [OVERTURNED] * overturned
    return [
        outcome(f"r{n}", f"e{n}", said, HOUR + n, **fields)
        for n, said in enumerate(outcomes, start=first)
    ]


def test_precision_under_its_floor_stops_a_version_once_20_decisions_were_reviewed():
    play = Play().feed(*(proposal(f"e{n}", n) for n in range(30)))
    play.feed(*reviews(14, 5))
    assert play.on("review-queue") == []
    play.feed(proposal("x1", HOUR + 20), *reviews(1, 0, first=19))
    (item,) = play.on("review-queue")
    assert (item["reason"], item["held_by"], item["proposal"]) == ("breaker", "precision", "e19")
    play.feed(proposal("x2", HOUR + 60), proposal("x3", HOUR + 60, version="v2"))
    assert held(play) == ["x2"]
    assert granted(play)[-1] == "x3"
    record = play.store.get(VERSION, P, "v1")
    assert (record.why, record.measured, record.limit) == ("precision", 0.75, 0.8)


def test_precision_at_its_floor_stops_nothing():
    play = Play().feed(*(proposal(f"e{n}", n) for n in range(30)), *reviews(16, 4))
    assert play.on("review-queue") == []


def test_only_the_newest_outcomes_are_judged_and_after_a_resume_only_those_that_follow():
    play = Play(newest=40).feed(*reviews(500, 0), *reviews(0, 8, first=500))
    assert play.on("review-queue") == []
    play.feed(*reviews(0, 1, first=508))
    assert len(play.on("review-queue")) == 1
    play.feed(command("resume", "v1", 2 * HOUR), *reviews(0, 19, first=509))
    assert len(play.on("review-queue")) == 1
    play.feed(*reviews(0, 1, first=528))
    assert len(play.on("review-queue")) == 2


def test_a_decision_counts_once_with_what_its_latest_review_said():
    two = Breaker(precision=0.6, reviews=2)
    play = Play(two).feed(
        outcome("r1", "e1", OVERTURNED),
        outcome("r2", "e1", UPHELD),
        outcome("r1", "e1", OVERTURNED),  # the first one again
        outcome("r3", "e2", UPHELD),
        outcome("r4", "e2", UPHELD),
    )
    assert play.on("review-queue") == []
    play.feed(outcome("r5", "e2", OVERTURNED))
    assert len(play.on("review-queue")) == 1


def test_who_released_an_action_is_no_judge_of_the_pattern():
    play = Play(Breaker(reviews=1)).feed(
        proposal("e1", budget_hour=0),
        command("release", "e1", 1),
        outcome("r1", "e1", OVERTURNED, 2, reviewer="p1"),
    )
    assert play.said == [("held", "e1", ""), ("granted", "e1", "p1")]
    assert undone(play.feed(command("undo", "v1", 3))) == []
    play.feed(outcome("r2", "e1", OVERTURNED, 4, reviewer="q1"))
    assert [item["reason"] for item in play.on("review-queue")] == ["held"]  # undone already


@pytest.mark.parametrize(
    ("upheld", "overturned", "low", "high"),
    [(8, 2, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 0, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval_has_its_published_values(upheld, overturned, low, high):
    assert wilson(upheld, overturned) == pytest.approx((low, high), abs=5e-5)
