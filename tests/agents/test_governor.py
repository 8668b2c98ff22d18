"""The governor on the in-memory driver: what it grants and holds, what persons make of it."""

from __future__ import annotations

import msgspec
import pytest

from streams.agents.governor_state import DECISION, HOLD, KEPT_MS, VERSION
from streams.agents.precision import wilson
from streams.engine.memory import MemoryRecord
from streams.engine.processor import Processor
from streams.records import Breaker, undo_id
from tests.agents.governing import (
    DAY,
    HOUR,
    MINUTE,
    START,
    P,
    Play,
    agent,
    command,
    outcome,
    proposal,
)

UPHELD, OVERTURNED = "upheld", "overturned"


def granted(play):
    return [word[1] for word in play.said if word[0] == "granted"]


def held(play):
    return [word[1] for word in play.said if word[0] == "held"]


def undone(play):
    return sorted(word[1] for word in play.said if word[0] == "undone")


# Verdicts


def test_a_grant_is_an_enforcement_with_the_proposals_id_and_a_signal_to_the_account():
    asked = proposal(
        "e1",
        5 * MINUTE,
        "a1",
        end_user="u1",
        content_ref="c1",
        expires_after_s=86_400,
        strikes=2,
    )
    play = Play().feed(asked)
    assert play.on("enforcement") == [
        {
            "id": "e1",
            "account": "a1",
            "action": "restrict",
            "harm": "grooming",
            "severity": "high",
            "detections": ["d-e1"],
            "pattern": P,
            "version": "v1",
            "ruleset": "rs",
            "at": "2026-09-21T00:05:00.000Z",
            "expires_at": "2026-09-22T00:05:00.000Z",
            "end_user": "u1",
            "content_ref": "c1",
            "strikes": 2,
            "automated": "fully",
        }
    ]
    (signal,) = play.on("account-signals")
    assert len(signal.pop("id")) == 26
    assert signal == {
        "account": "a1",
        "at": "2026-09-21T00:05:00.000Z",
        "kind": "granted",
        "action": "restrict",
        "harm": "grooming",
        "severity": "high",
        "pattern": P,
        "version": "v1",
        "proposal": "e1",
        "decision": "e1",
        "content_ref": "c1",
        "end_user": "u1",
    }


def test_what_is_over_the_budget_is_held_as_a_review_item_with_priority_and_deadline():
    play = Play().feed(
        proposal("e1", budget_hour=1),
        proposal(
            "e2",
            MINUTE,
            "a2",
            budget_hour=1,
            severity="critical",
            dataset_ref="s1",
            review_within_s=3600,
        ),
    )
    assert play.said == [("granted", "e1", ""), ("held", "e2", "")]
    (item,) = play.on("review-queue")
    assert len(item.pop("id")) == 26
    assert item == {
        "account": "a2",
        "reason": "held",
        "proposal": "e2",
        "detections": ["d-e2"],
        "pattern": P,
        "priority": 1,
        "due_at": "2026-09-21T01:01:00.000Z",
        "dataset_ref": "s1",
        "version": "v1",
        "action": "restrict",
        "held_by": "budget_hour",
    }
    assert [signal["kind"] for signal in play.on("account-signals")] == ["granted", "held"]


@pytest.mark.parametrize(
    ("severity", "priority"),
    [("critical", 1), ("high", 2), ("medium", 3), ("low", 4), ("", 4)],
)
def test_the_more_severe_the_higher_the_priority_and_the_proposal_says_when_a_person_must_look(
    severity, priority
):
    asked = proposal("e1", budget_day=0, severity=severity, review_within_s=4 * 3600)
    (item,) = Play().feed(asked).on("review-queue")
    assert item["priority"] == priority
    assert item["due_at"] == "2026-09-21T04:00:00.000Z"


def test_hour_and_day_are_counted_apart_and_a_new_one_begins_at_the_full_hour():
    limits = {"budget_hour": 2, "budget_day": 3}
    at = [0, MINUTE, 59 * MINUTE, HOUR, HOUR + 1, DAY - 1, DAY]
    play = Play().feed(*(proposal(f"e{n}", moment, **limits) for n, moment in enumerate(at)))
    assert granted(play) == ["e0", "e1", "e3", "e6"]
    assert [item["held_by"] for item in play.on("review-queue")] == [
        "budget_hour",
        "budget_day",
        "budget_day",
    ]


def test_a_proposal_that_comes_late_counts_in_its_own_hour():
    budget = {"budget_hour": 1}
    play = Play().feed(
        proposal("e1", 5 * HOUR, **budget),
        proposal("e2", 2 * HOUR, **budget),
        proposal("e3", 2 * HOUR + MINUTE, **budget),
        proposal("e4", 5 * HOUR + MINUTE, **budget),
        proposal("e5", -40 * DAY, **budget),
        proposal("e6", -40 * DAY + 1, **budget),
    )
    assert granted(play) == ["e1", "e2", "e5"]


def test_a_pattern_without_a_budget_is_granted_everything_and_one_of_0_nothing():
    many = [proposal(f"e{n}", n) for n in range(200)]
    assert len(granted(Play().feed(*many))) == 200
    assert granted(Play().feed(proposal("e1", budget_hour=0))) == []


def test_patterns_have_budgets_of_their_own():
    play = Play().feed(
        proposal("e1", budget_hour=1), proposal("e2", budget_hour=1, pattern="another")
    )
    assert granted(play) == ["e1", "e2"]


def test_versions_of_a_pattern_share_its_budget_and_the_limit_is_what_the_proposal_says():
    play = Play().feed(
        proposal("e1", budget_hour=1),
        proposal("e2", budget_hour=1, version="v2"),
        proposal("e3", budget_hour=2, version="v2"),
    )
    assert granted(play) == ["e1", "e3"]


def test_zero_tolerance_is_granted_whatever_the_budget_and_the_breaker_and_counts_in_neither():
    zero = {"zero": True, "action": "content.remove", "budget_hour": 0}
    play = Play().feed(
        *(proposal(f"z{n}", n, **zero) for n in range(100)),
        proposal("e1", 100, budget_hour=1),
        command("undo", "v1", 200),
        proposal("z100", 300, **zero),
        proposal("e2", 400, budget_hour=5),
    )
    assert granted(play) == [*(f"z{n}" for n in range(100)), "e1", "z100"]
    assert held(play) == ["e2"]


def test_what_is_granted_asks_for_a_checkpoint_at_once_and_what_is_held_does_not():
    for fields, urgent in (({"zero": True}, True), ({}, True), ({"budget_hour": 0}, False)):
        _, key, value, ts = proposal("e1", **fields).record
        processor = Processor(agent(), 0, 1)
        processor.inputs.add(1, [MemoryRecord(key, value, 0, ts)], 1, 1)
        assert processor.step(1) == 1
        assert processor.outbox.urgent == urgent


# What a person does


def test_a_released_action_is_partially_automated_names_the_reviewer_and_runs_from_now_on():
    play = Play().feed(
        proposal("e1", account="a1", budget_hour=0, expires_after_s=3_600),
        command("release", "e1", 30 * MINUTE),
    )
    (enforcement,) = play.on("enforcement")
    assert (enforcement["id"], enforcement["account"]) == ("e1", "a1")
    assert (enforcement["automated"], enforcement["reviewer"]) == ("partially", "p1")
    assert enforcement["at"] == "2026-09-21T00:30:00.000Z"
    assert enforcement["expires_at"] == "2026-09-21T01:30:00.000Z"
    assert play.on("account-signals")[-1]["reviewer"] == "p1"


def test_a_released_action_takes_nothing_from_the_budget():
    play = Play().feed(
        proposal("e1", budget_hour=1),
        proposal("e2", 1, budget_hour=2, version="v1"),
        proposal("e3", 2, budget_hour=2),
        command("release", "e3", 3),
        proposal("e4", HOUR, budget_hour=1, budget_day=3),
    )
    assert granted(play) == ["e1", "e2", "e3", "e4"]


def test_a_voided_action_is_never_done_and_the_account_is_told():
    play = Play().feed(
        proposal("e1", budget_hour=0),
        command("void", "e1", 1),
        command("release", "e1", 2),
        proposal("e1", 3),
    )
    assert play.said == [("held", "e1", ""), ("voided", "e1", "p1")]


def test_a_release_or_void_of_what_is_not_held_does_nothing():
    play = Play().feed(
        proposal("e1"), command("release", "e1", 1), command("void", "e1", 2),
        command("release", "elsewhere", 3),
    )  # fmt: skip
    assert play.said == [("granted", "e1", "")]


def test_what_nobody_looked_at_as_long_as_anything_is_kept_is_voided_not_forgotten():
    play = Play().feed(proposal("e1", budget_hour=0)).until(KEPT_MS - 1)
    assert play.said == [("held", "e1", "")]
    assert play.until(KEPT_MS).said[1:] == [("voided", "e1", "")]
    assert play.store.get(HOLD, P, "e1") is None


# Undo


def test_an_undo_reverses_what_stands_of_one_version_once_and_says_which():
    play = Play().feed(
        proposal("e1", account="a1", content_ref="c1"),
        proposal("e2"),
        proposal("e3", version="v2"),
        proposal("e4", budget_hour=0),
        command("undo", "v1", MINUTE),
    )
    assert undone(play) == ["e1", "e2"]
    undo = next(one for one in play.on("enforcement") if one.get("undoes") == "e1")
    assert undo == {
        "id": undo_id(P, "v1", "a1", "e1"),
        "account": "a1",
        "action": "undo",
        "harm": "grooming",
        "severity": "high",
        "detections": ["d-e1"],
        "pattern": P,
        "version": "v1",
        "ruleset": "rs",
        "at": "2026-09-21T00:01:00.000Z",
        "content_ref": "c1",
        "undoes": "e1",
        "strikes": 1,
        "automated": "not",
        "reviewer": "p1",
    }
    play.feed(command("undo", "v1", 2 * MINUTE))
    assert undone(play) == ["e1", "e2"]


def test_what_an_undone_version_goes_on_to_propose_is_held_until_a_person_resumes_it():
    play = Play().feed(
        proposal("e1"),
        command("undo", "v1", 1),
        proposal("e2", 2),
        proposal("e3", 3, version="v2"),
        command("resume", "v1", 4),
        proposal("e4", 5),
    )
    assert granted(play) == ["e1", "e3", "e4"]
    assert [item["held_by"] for item in play.on("review-queue")] == ["undone"]


def test_released_and_expired_actions_are_undone_too_and_overturned_or_voided_ones_are_not():
    play = Play().feed(
        proposal("e1", expires_after_s=60),
        proposal("e2", budget_hour=0),
        command("release", "e2", 1),
        proposal("e3", 2),
        outcome("r1", "e3", OVERTURNED, 3),
        proposal("e4", 4, budget_hour=0),
        command("void", "e4", 5),
        command("undo", "v1", DAY),
    )
    assert undone(play) == ["e1", "e2"]


def test_confirmed_material_is_not_let_out_in_bulk_a_person_looks_at_each():
    zero = {"zero": True, "severity": "critical"}
    play = Play().feed(
        proposal("e1", action="content.remove", content_ref="c1", **zero),
        proposal("e2", action="suspend", **zero),
        proposal("e3", action="content.remove"),
        command("undo", "v1", 1),
    )
    assert undone(play) == ["e2", "e3"]
    (item,) = play.on("review-queue")
    assert (item["reason"], item["proposal"], item["content_ref"]) == ("needs_review", "e1", "c1")
    play.feed(command("undo", "e1", 2))
    assert undone(play) == ["e1", "e2", "e3"]


def test_one_action_is_undone_by_its_id_and_its_version_goes_on():
    play = Play().feed(
        proposal("e1"), proposal("e2"), command("undo", "e2", 1), command("undo", "none", 2)
    )
    assert undone(play) == ["e2"]
    assert granted(play.feed(proposal("e3", 3)))[-1] == "e3"


def test_a_large_undo_goes_on_as_time_passes_and_spares_what_was_granted_after_it():
    play = Play(undo_step=10)
    play.feed(*(proposal(f"e{n}", n) for n in range(95)))
    play.feed(command("undo", "v1", 100), command("resume", "v1", 101))
    assert len(undone(play)) == 10
    play.feed(*(proposal(f"late{n}", 102 + n) for n in range(20)))
    assert len(undone(play)) == 10
    for step in range(2, 10):
        play.until(100 + 100 * (step - 1))
        assert len(undone(play)) == 10 * step
    play.until(HOUR)
    assert undone(play) == sorted(f"e{n}" for n in range(95))
    assert play.store.timers.next > START + HOUR


def test_of_a_large_undo_a_step_is_all_that_is_done_at_once_however_long_time_stood_still():
    play = Play(undo_step=10)
    play.feed(*(proposal(f"e{n}", n) for n in range(95)), command("undo", "v1", 100))
    processor = play.driver.processors[0]
    processor.checkpoint()
    steps = []
    at = DAY
    while processor.pass_time(START + at, 1_000):
        steps.append(len(processor.checkpoint().outputs))
        at += 100
    assert steps == [20] * 8 + [10]


# The breaker


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


# Twice, erased, refused


def test_the_same_again_changes_nothing():
    once = [
        proposal("e1", budget_hour=1),
        proposal("e2", 1, budget_hour=1),
        proposal("e3", 2, budget_hour=1),
        command("release", "e2", 3),
        command("void", "e3", 4),
        outcome("r1", "e1", UPHELD, 5),
        command("undo", "v1", 6),
        command("resume", "v1", 7),
        proposal("e4", 8, budget_hour=2),
    ]
    play = Play().feed(*once)
    before = play.said
    assert play.feed(*once).said == before
    assert undone(play) == ["e1", "e2"]


def test_what_is_kept_of_an_erased_accounts_decision_goes():
    def forget(decision, at):
        return outcome(f"f-{decision}", decision, UPHELD, at, kind="forget")

    play = Play().feed(
        proposal("e1"),
        proposal("e2", budget_hour=0),
        proposal("e3"),
        outcome("r1", "e1", UPHELD),
        forget("e1", 1),
        forget("e2", 2),
        command("release", "e2", 3),
        command("undo", "v1", 4),
    )
    assert undone(play) == ["e3"]
    assert granted(play) == ["e1", "e3"]
    assert b"a-e1" not in play.kept
    assert b"a-e2" not in play.kept
    assert b"a-e3" in play.kept


def test_a_decision_is_kept_for_400_days():
    play = Play().feed(proposal("e1"), proposal("e1", KEPT_MS - 1))
    assert granted(play) == ["e1"]
    assert len([k for k, _ in play.store.items() if k.startswith(DECISION.tag)]) == 1
    assert undone(play.feed(proposal("e2", KEPT_MS), command("undo", "v1", KEPT_MS))) == ["e2"]


BAD = {
    "not_json": b"{",
    "wrong_type": b'{"id": 5}',
    "missing_field": {"action": ""},
    "malformed_id": {"version": "a/b"},
    "key_mismatch": None,
    "null_value": None,
    "null_key": None,
    "too_large": {"ruleset": "x" * 70_000},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_proposal_that_cannot_be_read_is_a_dead_letter_and_traffic_goes_on(reason):
    topic, key, value, ts = proposal("e1").record
    match BAD[reason]:
        case bytes() as body:
            value = body
        case dict() as changes:
            value = proposal("e1", **changes).record[2]
    if reason == "key_mismatch":
        key = b"another"
    elif reason == "null_key":
        key = None
    elif reason == "null_value":
        value = None
    play = Play()
    outputs = list(play.driver.feed([(topic, key, value, ts), proposal("e2").record]))
    assert [output.topic for output in outputs] == [
        "dead-letters",
        "enforcement",
        "account-signals",
    ]
    assert msgspec.json.decode(outputs[0].value)["reason"] == reason


def test_what_a_newer_vigil_adds_to_a_proposal_is_passed_over():
    assert granted(Play().feed(proposal("e1", brand_new="x"))) == ["e1"]
