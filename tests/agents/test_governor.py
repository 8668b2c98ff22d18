"""The governor on the in-memory driver: what it grants and holds; nothing counts twice."""

from __future__ import annotations

import msgspec
import pytest

from streams.agents.governor_state import DECISION, KEPT_MS
from streams.engine.memory import MemoryRecord
from streams.engine.processor import Processor
from tests.agents.governing import (
    DAY,
    HOUR,
    MINUTE,
    P,
    Play,
    agent,
    command,
    granted,
    held,
    outcome,
    proposal,
    undone,
)

UPHELD, OVERTURNED = "upheld", "overturned"


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


def test_what_is_decided_about_a_proposal_asks_for_a_checkpoint_at_once():
    for fields in ({"zero": True}, {}, {"budget_hour": 0}):
        _, key, value, ts = proposal("e1", **fields).record
        processor = Processor(agent(), 0, 1)
        processor.inputs.add(1, [MemoryRecord(key, value, 0, ts)], 1, 1)
        assert processor.step(1) == 1
        assert processor.outbox.urgent


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
