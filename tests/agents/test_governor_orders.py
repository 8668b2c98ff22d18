"""The governor on the in-memory driver: what persons release, void and undo."""

from __future__ import annotations

from streams.agents.governor_state import HOLD, KEPT_MS
from streams.records import undo_id
from tests.agents.governing import (
    DAY,
    HOUR,
    MINUTE,
    START,
    P,
    Play,
    command,
    granted,
    outcome,
    proposal,
    undone,
)

UPHELD, OVERTURNED = "upheld", "overturned"


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
