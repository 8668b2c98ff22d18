"""What verdicts, reviews, retractions and commands make of what was decided."""

from __future__ import annotations

import msgspec
import pytest

from streams.policy import (
    Effects,
    Established,
    Status,
    VerdictKind,
    Why,
)
from streams.policy.settling import MOST_NAMES
from tests.policy.desk import DAY, HOUR, Desk

NOTHING = Effects()
KINDS = tuple(VerdictKind)
MOVES = {
    ("reserved", "granted"): "granted",
    ("reserved", "held"): "held",
    ("reserved", "voided"): "voided",
    ("reserved", "undone"): "undone",
    ("held", "granted"): "granted",
    ("held", "voided"): "voided",
    ("held", "undone"): "undone",
    ("granted", "expired"): "expired",
    ("granted", "undone"): "undone",
    ("expired", "undone"): "undone",
}


# ------------------------------------------------------------------ verdicts


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_moves_an_action_only_along_its_way(status, kind):
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    action.status = status
    effects = desk.settle(action, kind)
    assert action.status == MOVES.get((status, kind), status)
    assert effects.changed == ((action.id,) if (status, kind) in MOVES else ())
    again = desk.settle(action, kind)
    assert again.changed == ()
    assert action.status == MOVES.get((status, kind), status)


@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_on_an_action_the_account_never_had_changes_nothing(kind):
    desk = Desk()
    action = desk.act()
    before = msgspec.msgpack.encode((desk.case.account, action))
    action.id = "other"
    assert desk.settle(action, kind) == NOTHING
    action.id = "d1-warn"
    assert msgspec.msgpack.encode((desk.case.account, action)) == before


def test_a_grant_counts_the_time_of_an_action_from_when_the_governor_said_so():
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    desk.settle(action, "held")
    desk.later(3 * DAY)
    assert desk.grant(action, "r1").changed == (action.id,)
    assert (action.expires_at, action.due) == (desk.now + DAY, desk.now + DAY)
    desk.later(DAY).settle(action, "expired")
    assert (action.status, action.due, desk.strikes()) == (Status.EXPIRED, 0, 1)


@pytest.mark.parametrize("end", ["voided", "undone"])
def test_a_grant_that_comes_after_the_end_is_to_be_reversed(end):
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    desk.settle(action, end)
    assert desk.grant(action) == Effects(undo=(action.id,))
    assert (action.status, desk.strikes(), action.due) == (end, 0, 0)


def test_undoing_every_action_leaves_no_strike():
    desk = Desk()
    for _ in range(5):
        desk.act("suspend")
        desk.later(DAY)
    for action in list(desk.case.actions.values()):
        desk.settle(action, "undone")
    assert desk.strikes() == 0


# ------------------------------------------------------------------ what leaned on what


def three_steps(desk):
    """A warning, a second one, and a restriction raised by both."""
    actions = []
    for _ in range(3):
        actions.append(desk.act("warn"))
        desk.later(DAY)
    assert [(one.action, one.rests_on) for one in actions] == [
        ("warn", 0), ("warn", 0), ("restrict", 2),
    ]  # fmt: skip
    return actions


@pytest.mark.parametrize("which", [0, 1])
def test_an_action_that_leaned_on_an_undone_one_goes_to_review_once(which):
    desk = Desk()
    actions = three_steps(desk)
    effects = desk.settle(actions[which], "undone")
    assert effects.review == (actions[2].id,)
    assert effects.changed == (actions[which].id,)
    assert effects.undo == ()  # the governor has told that itself
    assert actions[2].status is Status.GRANTED
    assert desk.settle(actions[1 - which], "undone").review == ()


def test_what_the_remaining_strikes_still_carry_needs_no_review():
    desk = Desk()
    actions = three_steps(desk)
    raised = desk.act("prevention.message")
    assert (raised.action, raised.strikes, raised.rests_on) == ("warn", 3, 1)
    assert desk.settle(actions[2], "undone").review == ()
    assert desk.settle(actions[1], "undone").review == ()
    assert desk.settle(actions[0], "undone").review == (raised.id,)


def test_what_was_asked_for_by_the_pattern_itself_leans_on_nothing():
    desk = Desk()
    first = desk.act("restrict")
    second = desk.later(DAY).act("restrict")
    assert (second.strikes, second.rests_on) == (1, 0)
    assert desk.settle(first, "undone").review == ()


def test_strikes_granted_after_an_action_was_decided_don_t_carry_it():
    desk = Desk()
    late = desk.take(desk.offence("warn", pattern="slow"))
    (held,) = desk.case.actions.values()
    desk.settle(held, "held")
    desk.later(DAY)
    actions = three_steps(desk)
    desk.grant(held)
    assert late.why is Why.ASKED
    assert desk.strikes() == 4
    assert desk.settle(actions[0], "undone").review == (actions[2].id,)


def test_strikes_of_the_same_burst_don_t_carry_what_they_didn_t_raise():
    desk = Desk()
    actions = [desk.act("warn"), desk.later(DAY).act("warn")]
    milder = desk.later(DAY).act("prevention.message")
    raised = desk.later(HOUR).act("warn")
    assert (milder.action, raised.action, raised.rests_on) == ("warn", "restrict", 2)
    assert desk.settle(actions[0], "undone").review == (raised.id,)


def test_strikes_of_somebody_else_carry_nothing():
    desk = Desk()
    actions = three_steps(desk)
    others = [desk.act("warn", end_user="u1"), desk.act("warn", "fraud")]
    for other in others:
        assert desk.settle(other, "undone").review == ()
    assert desk.settle(actions[0], "undone").review == (actions[2].id,)


def test_what_is_taken_back_itself_needs_no_review_any_more():
    desk = Desk()
    actions = three_steps(desk)
    desk.settle(actions[2], "undone")
    assert desk.settle(actions[0], "undone").review == ()


# ------------------------------------------------------------------ reviews


def test_overturning_reverses_the_action_and_the_strike():
    desk = Desk()
    action = desk.act("restrict")
    effects = desk.review(action.id, "overturned")
    assert effects == Effects((action.id,), undo=(action.id,), outcome="overturned")
    assert (action.status, action.due, desk.strikes()) == (Status.UNDONE, 0, 0)


def test_upholding_changes_nothing_but_what_is_known_of_the_pattern():
    desk = Desk()
    action = desk.act("restrict")
    assert desk.review(action.id, "upheld") == Effects((action.id,), outcome="upheld")
    assert (action.status, desk.strikes()) == (Status.GRANTED, 1)


def test_an_overturned_one_on_which_others_leaned_sends_them_to_review():
    desk = Desk()
    actions = three_steps(desk)
    effects = desk.review(actions[0].id, "overturned")
    assert effects.undo == (actions[0].id,)
    assert effects.review == (actions[2].id,)
    assert effects.changed == (actions[0].id,)


@pytest.mark.parametrize("outcome", ["upheld", "overturned", "appealed", "unsure"])
def test_a_review_of_a_decision_the_account_never_had_changes_nothing(outcome):
    desk = Desk()
    action = desk.act("restrict")
    before = msgspec.msgpack.encode((desk.case.account, action))
    assert desk.review("never", outcome) == NOTHING
    assert msgspec.msgpack.encode((desk.case.account, action)) == before


def test_an_outcome_nobody_knows_changes_nothing():
    desk = Desk()
    action = desk.act("restrict")
    assert desk.review(action.id, "unsure") == NOTHING


@pytest.mark.parametrize("first", ["upheld", "overturned"])
def test_the_same_outcome_again_is_told_once(first):
    desk = Desk()
    action = desk.act("restrict")
    assert desk.review(action.id, first).outcome == first
    for reviewer in ("r1", "r2"):
        again = desk.review(action.id, first, reviewer)
        assert (again.outcome, again.undo, again.review) == ("", (), ())


def test_what_was_overturned_stays_so():
    desk = Desk()
    action = desk.act("restrict")
    desk.review(action.id, "overturned")
    assert desk.review(action.id, "upheld", "r2", "appeal") == NOTHING
    assert action.status is Status.UNDONE


def test_who_upheld_it_may_still_find_that_it_was_wrong():
    desk = Desk()
    action = desk.act("restrict")
    desk.review(action.id, "upheld", "r1")
    assert desk.review(action.id, "overturned", "r1").undo == (action.id,)


@pytest.mark.parametrize("outcome", ["upheld", "overturned"])
def test_the_word_of_who_released_an_action_doesn_t_count(outcome):
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    desk.settle(action, "held")
    desk.grant(action, "r1")
    assert desk.review(action.id, outcome, "r1") == NOTHING
    assert desk.review(action.id, outcome, "r2").outcome == outcome


@pytest.mark.parametrize("outcome", ["upheld", "overturned"])
def test_the_word_of_whose_review_brought_it_about_doesn_t_count(outcome):
    desk = Desk()
    action = desk.act("restrict", reviewer="r1")
    assert desk.review(action.id, outcome, "r1") == NOTHING
    assert desk.review(action.detections[0], outcome, "r1") == NOTHING
    assert desk.review(action.id, outcome, "r2").outcome == outcome


@pytest.mark.parametrize("outcome", ["upheld", "overturned"])
def test_who_appeals_doesn_t_decide(outcome):
    desk = Desk()
    action = desk.act("restrict")
    assert desk.review(action.id, "appealed", "r1", "appeal") == Effects(
        changed=(action.id,), appeal=True
    )
    assert desk.review(action.id, "appealed", "r1", "appeal") == NOTHING
    for stage in ("first", "appeal"):
        assert desk.review(action.id, outcome, "r1", stage) == NOTHING
    assert desk.review(action.id, outcome, "r2", "appeal").outcome == outcome


@pytest.mark.parametrize("outcome", ["upheld", "overturned"])
def test_who_judged_first_doesn_t_decide_the_appeal(outcome):
    desk = Desk()
    action = desk.act("restrict")
    for reviewer in ("r1", "r2"):
        desk.review(action.id, "upheld", reviewer)
        assert desk.review(action.id, outcome, reviewer, "appeal") == NOTHING
    desk.review(action.id, outcome, "r3", "appeal")
    assert action.outcome == outcome


def test_who_decided_an_appeal_may_still_find_that_it_was_wrong():
    desk = Desk()
    action = desk.act("restrict")
    desk.review(action.id, "upheld", "r1", "appeal")
    assert desk.review(action.id, "overturned", "r1", "appeal").undo == (action.id,)


def test_nobody_appeals_against_what_was_taken_back():
    desk = Desk()
    action = desk.act("restrict")
    desk.settle(action, "undone")
    assert desk.review(action.id, "appealed", "r1", "appeal") == NOTHING


def test_a_flood_of_appeals_stays_bounded():
    desk = Desk()
    action = desk.act("restrict")
    told = [desk.review(action.id, "appealed", f"r{n}", "appeal").appeal for n in range(100)]
    assert told == [True] * MOST_NAMES + [False] * (100 - MOST_NAMES)
    for number in range(100):
        desk.review(action.id, "upheld", f"j{number}")
    assert len(action.hands) == len(action.judges) == MOST_NAMES


def test_a_review_of_a_detection_is_about_all_that_came_of_it():
    desk = Desk()
    desk.decide("content.remove", "csam", established=Established.ACCOUNT)
    effects = desk.review("d1", "overturned")
    names = ("d1-content.remove", "d1-preserve", "d1-suspend")
    assert (effects.undo, effects.changed, effects.outcome) == (names, names, "overturned")
    assert desk.strikes("csam") == 0


def test_a_review_of_one_action_of_several_is_about_that_one():
    desk = Desk()
    desk.decide("content.remove", "csam", established=Established.ACCOUNT)
    assert desk.review("d1-suspend", "overturned").undo == ("d1-suspend",)
    assert desk.case.actions["d1-content.remove"].status is Status.GRANTED


@pytest.mark.parametrize("status", ["reserved", "held"])
def test_overturning_a_proposal_nobody_granted_takes_back_a_later_grant(status):
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    if status == "held":
        desk.settle(action, "held")
    assert desk.review(action.id, "overturned").undo == ()
    assert desk.grant(action).undo == (action.id,)
    assert desk.strikes() == 0


@pytest.mark.parametrize("status", ["voided", "undone"])
def test_a_review_of_what_never_came_or_was_taken_back_still_speaks_about_the_pattern(status):
    desk = Desk()
    desk.decide("restrict")
    (action,) = desk.case.actions.values()
    desk.settle(action, status)
    effects = desk.review(action.id, "overturned")
    assert (effects.outcome, effects.undo, effects.changed) == ("overturned", (), (action.id,))
    assert action.status == status


# ------------------------------------------------------------------ retraction


def test_a_retracted_detection_takes_all_back_that_came_of_it():
    desk = Desk()
    actions = three_steps(desk)
    effects = desk.retract(actions[0].detections[0])
    assert (effects.undo, effects.review) == ((actions[0].id,), (actions[2].id,))
    assert effects.outcome == ""
    assert desk.retract(actions[0].detections[0]) == NOTHING
    assert desk.retract("never") == NOTHING
