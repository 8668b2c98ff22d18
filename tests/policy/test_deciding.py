"""What an offence leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.policy import (
    LADDER,
    Status,
    Why,
    decide,
    load,
    snooze,
)
from streams.records import PROPOSABLE
from tests.policy.desk import DAY, HOUR, START, ZERO, Desk, did

PASSING = [action for action in PROPOSABLE if action not in LADDER]


def climbed(desk, times, asked="prevention.message", harm="spam"):
    found = []
    for _ in range(times):
        action = desk.act(asked, harm)
        found.append((action.action, action.lasts // DAY))
        desk.later(2 * DAY)
    return found


# ------------------------------------------------------------------ the ladder


def test_each_standing_strike_leads_one_rung_further_as_far_as_the_pattern_s_action_reaches():
    assert climbed(Desk(), 4) == [("prevention.message", 0)] + 3 * [("warn", 0)]
    assert climbed(Desk(), 9, "warn") == [
        ("warn", 0),
        ("warn", 0),
        ("restrict", 1),
        ("restrict", 3),
        ("restrict", 7),
        ("restrict", 30),
        ("restrict", 30),
        ("restrict", 30),
        ("restrict", 30),
    ]
    assert climbed(Desk(), 9, "restrict")[-2:] == [("suspend", 30), ("suspend", 30)]


def test_child_safety_has_a_steeper_ladder():
    assert climbed(Desk(), 6, "restrict", "csam") == [
        ("restrict", 7),
        ("restrict", 7),
        ("restrict", 7),
        ("restrict", 30),
        ("suspend", 30),
        ("suspend", 0),
    ]


def test_a_pattern_s_action_is_the_least_where_the_ladder_has_it():
    for asked in LADDER:
        desk = Desk()
        decision = desk.decide(asked)
        assert (did(decision), decision.why) == ([asked], Why.ASKED)


def test_a_ladder_without_the_action_asked_for_gives_the_next_milder_one():
    shipped = load()
    short = replace(shipped.default, rungs=shipped.default.rungs[:2])
    desk = Desk(replace(shipped, default=short))
    decision = desk.decide("suspend")
    assert (did(decision), decision.why) == (["warn"], Why.LOWERED)


def test_only_strikes_of_the_same_harm_raise():
    desk = Desk()
    climbed(desk, 5, "restrict", "fraud")
    decision = desk.decide("warn", "spam")
    assert (did(decision), decision.strikes, decision.after) == (["warn"], 0, "")


def test_what_is_only_reserved_held_voided_or_undone_is_no_strike():
    desk = Desk()
    desk.decide("warn", pattern="a")
    assert desk.strikes() == 0
    (action,) = desk.case.actions.values()
    for kind in ("held", "granted", "undone"):
        desk.settle(action, kind)
        assert desk.strikes() == (kind == "granted")


def test_a_strike_decays_to_the_millisecond():
    desk = Desk()
    action = desk.act()
    decay = desk.policy.ladder("spam").decay
    desk.now = action.at + decay - 1
    assert desk.strikes() == 1
    desk.later(1)
    assert desk.strikes() == 0
    assert did(desk.decide("warn")) == ["warn"]


def test_a_decision_says_which_strikes_stood_and_what_was_done_last():
    desk = Desk()
    assert desk.decide("warn", pattern="never granted").after == ""
    for asked, after in (("warn", ""), ("restrict", "warn"), ("warn", "restrict")):
        assert desk.later(DAY).decide(asked).after == after
        desk.grant(list(desk.case.actions.values())[-1])
    assert desk.later(DAY).decide("warn").strikes == 3


# ------------------------------------------------------------------ ceilings


@pytest.mark.parametrize("asked", LADDER)
def test_what_an_entity_says_never_leads_to_more_than_a_restriction_and_is_no_strike(asked):
    desk = Desk()
    climbed(desk, 9, "suspend")
    before = desk.strikes()
    decision = desk.decide(asked, cause=1)
    assert did(decision)[0] in ("warn", "restrict")
    (action,) = [one for one in desk.case.actions.values() if one.status is Status.RESERVED]
    desk.grant(action)
    desk.later(DAY)
    assert desk.strikes() == before


@pytest.mark.parametrize("why", ["capped", "reports_only"])
@pytest.mark.parametrize("asked", LADDER)
def test_part_of_the_truth_or_users_word_alone_never_leads_to_more_than_a_warning(asked, why):
    desk = Desk()
    climbed(desk, 9, "suspend")
    decision = desk.decide(asked, **{why: True})
    assert did(decision) == ["warn"]


# ------------------------------------------------------------------ what passes


@pytest.mark.parametrize("asked", PASSING)
@pytest.mark.parametrize("limits", [{}, {"cause": 1}, {"capped": True}, {"age_band": "minor"}])
def test_actions_that_protect_or_are_about_content_pass_as_they_are(asked, limits):
    desk = Desk()
    snooze(desk.case, desk.now + DAY, desk.now)
    for _ in range(2):
        decision = desk.decide(asked, surface="training_dataset", **limits)
        assert (did(decision), decision.why, decision.review) == ([asked], Why.PASSED, False)
    assert desk.strikes() == 0


# ------------------------------------------------------------------ one burst is one action


def test_one_burst_is_one_action():
    desk = Desk()
    desk.act("warn", pattern="a")
    for pattern in ("a", "b", "c"):
        decision = desk.later(HOUR).decide("warn", pattern=pattern)
        assert (did(decision), decision.why) == ([], Why.COOLING)
    desk.later(3 * HOUR)
    assert did(desk.decide("warn")) == ["warn"]


def test_a_burst_doesn_t_hold_off_something_stronger_nor_raise_it_and_is_one_strike():
    desk = Desk()
    desk.act("warn")
    action = desk.later(60_000).act("restrict")
    assert (action.action, action.lasts, action.rests_on) == ("restrict", DAY, 0)
    assert desk.strikes() == 1
    desk.later(DAY)
    assert desk.decide("warn").strikes == 1


def test_an_action_for_another_ladder_holds_nothing_off():
    desk = Desk()
    desk.act("restrict", "spam")
    assert desk.act("warn", "csam").harm == "csam"
    assert desk.decide("warn", "grooming").why is Why.COOLING


def test_an_undone_or_voided_action_holds_nothing_off():
    desk = Desk()
    action = desk.act("warn")
    assert desk.decide("warn").why is Why.COOLING
    desk.settle(action, "undone")
    assert did(desk.decide("warn")) == ["warn"]
    desk.settle(desk.case.actions["d3-warn"], "voided")
    assert did(desk.decide("warn")) == ["warn"]


def test_a_pattern_whose_proposal_is_held_proposes_nothing_weaker_and_shields_nobody():
    desk = Desk()
    desk.decide("warn", pattern="a")
    (action,) = desk.case.actions.values()
    desk.settle(action, "held")
    desk.later(DAY)
    assert desk.decide("warn", pattern="a").why is Why.PENDING
    assert did(desk.decide("warn", pattern="b")) == ["warn"]
    assert did(desk.decide("restrict", pattern="a")) == ["restrict"]


def test_a_verdict_that_has_not_come_yet_holds_off_no_longer_than_the_cool_down():
    desk = Desk()
    desk.decide("warn", pattern="a")
    assert desk.decide("warn", pattern="a").why is Why.COOLING
    desk.later(DAY)
    assert did(desk.decide("warn", pattern="a")) == ["warn"]


def test_a_held_action_doesn_t_hold_off_other_patterns_within_the_cool_down():
    desk = Desk()
    desk.decide("warn", pattern="a")
    (action,) = desk.case.actions.values()
    assert desk.decide("warn", pattern="b").why is Why.COOLING
    desk.settle(action, "held")
    assert did(desk.decide("warn", pattern="b")) == ["warn"]


def test_the_same_detection_again_leads_to_nothing_whatever_became_of_it():
    desk = Desk()
    offence = desk.offence("warn")
    desk.take(offence)
    for kind in ("reserved", "granted", "undone"):
        if kind != "reserved":
            desk.settle(*desk.case.actions.values(), kind)
        assert desk.later(DAY).take(offence).why is Why.REPEATED
    assert len(desk.case.actions) == 1


def test_remembering_the_same_ids_again_changes_nothing():
    desk = Desk()
    offence = desk.offence(**ZERO)
    decision = decide(desk.policy, desk.case, offence, desk.now)
    assert len(desk.remember(offence, decision)) == 3
    clock = desk.case.account.clock
    assert desk.remember(offence, decision._replace(moment=decision.moment + 1)) == []
    assert desk.case.account.clock == clock


# ------------------------------------------------------------------ end users


def test_strikes_and_cool_down_are_the_end_user_s_not_the_customer_s():
    desk = Desk()
    for _ in range(3):
        desk.act("restrict", end_user="u1")
        desk.later(DAY)
    assert (desk.strikes(end_user="u1"), desk.strikes(), desk.strikes(end_user="u2")) == (3, 0, 0)
    desk.act("warn", end_user="u1")
    assert did(desk.decide("warn", end_user="u2")) == ["warn"]
    assert did(desk.decide("warn")) == ["warn"]
    assert {one.end_user for one in desk.case.actions.values()} == {"u1", "u2", None}


# ------------------------------------------------------------------ snooze


def test_a_snooze_holds_off_the_ladder_until_it_ends():
    desk = Desk()
    snooze(desk.case, START + DAY, START)
    assert desk.later(DAY - 1).decide("suspend").why is Why.SNOOZED
    assert did(desk.later(1).decide("suspend")) == ["suspend"]


def test_a_snooze_lasts_400_days_at_most_and_a_past_moment_ends_it():
    desk = Desk()
    snooze(desk.case, START + 10_000 * DAY, START)
    assert desk.case.account.snoozed_until == START + 400 * DAY
    snooze(desk.case, START, START)
    assert did(desk.decide()) == ["warn"]
