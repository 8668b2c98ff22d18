"""What an offence leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.policy import (
    LADDER,
    Established,
    Status,
    Why,
    decide,
    established,
    load,
    notice,
    snooze,
)
from streams.records import PROPOSABLE
from streams.signals.records import CATEGORIES, SOURCES, SURFACES, VERDICTS
from tests.policy.desk import DAY, HOUR, START, Desk, did

ZERO = {"established": Established.ACCOUNT, "harm": "csam"}
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
    assert desk.decide("warn").after == ""
    (action,) = desk.case.actions.values()
    desk.grant(action)
    desk.later(DAY)
    decision = desk.decide("warn", detection="again")
    assert (decision.strikes, decision.after) == (1, "warn")


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


def test_a_pattern_whose_proposal_waits_proposes_nothing_weaker_and_shields_nobody():
    desk = Desk()
    desk.decide("warn", pattern="a")
    (action,) = desk.case.actions.values()
    desk.settle(action, "held")
    desk.later(DAY)
    assert desk.decide("warn", pattern="a").why is Why.PENDING
    assert did(desk.decide("warn", pattern="b")) == ["warn"]
    assert did(desk.decide("restrict", pattern="a")) == ["restrict"]


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


# ------------------------------------------------------------------ zero tolerance


def test_zero_tolerance_is_exactly_what_it_says():
    for category in CATEGORIES:
        for source in SOURCES:
            for verdict in VERDICTS:
                for surface in (*SURFACES, None):
                    found = established(category, source, verdict, surface)
                    if (category, source, verdict) != ("csam", "hash_match", "confirmed"):
                        assert found is Established.NOTHING
                    elif surface in ("input", "output", "upload", "message"):
                        assert found is Established.ACCOUNT
                    else:
                        expected = Established.NOTHING if surface is None else Established.DATASET
                        assert found is expected


def test_zero_tolerance_reports_preserves_removes_and_suspends_at_once():
    desk = Desk()
    decision = desk.decide(asked="content.remove", content_ref="c1", **ZERO)
    assert did(decision) == ["preserve", "content.remove", "suspend"]
    assert (decision.why, decision.report, decision.review) == (Why.ZERO_TOLERANCE, True, False)
    assert all(step.immediate for step in decision.steps)
    assert {one.status for one in desk.case.actions.values()} == {Status.GRANTED}
    assert {one.content_ref for one in desk.case.actions.values()} == {"c1"}
    assert desk.case.actions["d1-suspend"].due == 0
    assert desk.strikes("csam") == 1


@pytest.mark.parametrize("asked", [*LADDER, "content.remove", "protect"])
def test_nothing_holds_zero_tolerance_whatever_the_pattern_asked_for(asked):
    desk = Desk()
    desk.act("suspend", "csam")
    snooze(desk.case, desk.now + DAY, desk.now)
    limits = {"capped": True, "cause": 1, "reports_only": True}
    for _ in range(3):
        decision = desk.decide(asked=asked, **ZERO, **limits)
        assert did(decision) == ["preserve", "content.remove", "suspend"]


def test_ten_matches_of_one_upload_are_one_strike_and_ten_suspensions():
    desk = Desk()
    for _ in range(10):
        desk.later(1000).decide(asked="content.remove", **ZERO)
    assert desk.strikes("csam") == 1
    suspensions = [one for one in desk.case.actions.values() if one.action == "suspend"]
    for number, one in enumerate(suspensions, 1):
        assert desk.review(one.id, "overturned").undo == (one.id,)
        assert desk.strikes("csam") == (number < 10)


def test_zero_tolerance_reads_none_of_the_account_s_actions():
    class Unread(dict):
        def values(self):
            raise AssertionError("read")

    desk = Desk()
    desk.case.actions = Unread()
    decision = decide(desk.policy, desk.case, desk.offence(**ZERO), desk.now)
    assert did(decision)[-1] == "suspend"
    assert did(decide(desk.policy, desk.case, desk.offence("protect"), desk.now)) == ["protect"]


def test_known_material_in_a_data_set_is_removed_and_a_person_looks_but_it_is_no_offence():
    desk = Desk()
    known = {"established": Established.DATASET, "dataset_ref": "s1"}
    decision = desk.decide(asked="suspend", harm="csam", **known)
    assert did(decision) == ["content.remove", "dataset.quarantine"]
    assert all(step.immediate and not step.rung for step in decision.steps)
    assert (decision.report, decision.review) == (True, True)
    assert desk.strikes("csam") == 0
    assert did(desk.decide("warn", "csam")) == ["warn"]


@pytest.mark.parametrize("surface", ["training_dataset", "finetune_upload"])
def test_ingesting_a_data_set_is_no_offence_but_a_person_looks(surface):
    desk = Desk()
    decision = desk.decide("suspend", "csem", surface=surface)
    assert (did(decision), decision.why, decision.review) == ([], Why.INGESTED, True)


# ------------------------------------------------------------------ victims


def taken_over(desk, at):
    assert notice(desk.policy, desk.case.account, "credentials.changed", at)


@pytest.mark.parametrize("act", [-72 * HOUR, 0, 72 * HOUR])
def test_signs_of_a_takeover_turn_suspension_into_a_lock_and_a_review(act):
    desk = Desk()
    taken_over(desk, START)
    desk.later(200 * HOUR)
    decision = desk.decide("suspend", act_at=START + act)
    assert (did(decision), decision.why, decision.review) == (
        ["credentials.lock"], Why.TAKEOVER, True,
    )  # fmt: skip
    (action,) = desk.case.actions.values()
    desk.grant(action)
    assert (desk.strikes(), action.due) == (0, 0)


@pytest.mark.parametrize("act", [-72 * HOUR - 1, 72 * HOUR + 1])
def test_beyond_the_window_a_sign_says_nothing(act):
    desk = Desk()
    taken_over(desk, START)
    desk.later(200 * HOUR)
    assert did(desk.decide("suspend", act_at=START + act)) == ["suspend"]


def test_a_takeover_turns_zero_tolerance_s_suspension_too_and_nothing_else_of_it():
    desk = Desk()
    taken_over(desk, START)
    decision = desk.decide(asked="content.remove", **ZERO)
    assert did(decision) == ["preserve", "content.remove", "credentials.lock"]
    assert (decision.report, decision.review) == (True, True)
    assert desk.strikes("csam") == 0


def test_during_a_takeover_warnings_are_given_as_ever_and_a_burst_is_still_one_action():
    desk = Desk()
    taken_over(desk, START)
    assert did(desk.decide("warn")) == ["warn"]
    assert desk.act("restrict").action == "credentials.lock"
    assert desk.decide("restrict").why is Why.COOLING


def test_a_pattern_that_asks_for_a_lock_is_a_sign_of_a_takeover_itself():
    desk = Desk()
    desk.decide("credentials.lock")
    assert did(desk.later(DAY).decide("suspend")) == ["credentials.lock"]


def test_a_lock_put_in_place_of_a_suspension_is_no_new_sign():
    desk = Desk()
    taken_over(desk, START)
    desk.later(48 * HOUR)
    assert desk.act("suspend").action == "credentials.lock"
    assert did(desk.later(48 * HOUR).decide("suspend")) == ["suspend"]


def test_a_lock_for_an_end_user_says_nothing_about_the_customer():
    desk = Desk()
    desk.decide("credentials.lock", end_user="u1")
    assert did(desk.later(DAY).decide("suspend")) == ["suspend"]


@pytest.mark.parametrize("band", ["minor", "teen"])
def test_suspected_minors_get_what_protects_them_and_no_strikes(band):
    desk = Desk()
    notice(desk.policy, desk.case.account, "account.age_signal", START, band)
    assert did(desk.decide("prevention.message")) == ["prevention.message"]
    for asked, review in (("warn", False), ("restrict", True), ("suspend", True)):
        decision = desk.later(DAY).decide(asked)
        assert (did(decision), decision.why, decision.review) == (["protect"], Why.MINOR, review)
    for action in desk.case.actions.values():
        desk.grant(action)
    assert desk.strikes() == 0


def test_known_material_on_a_suspected_minor_s_account_is_removed_and_reported_and_they_protected():
    desk = Desk()
    decision = desk.decide(asked="content.remove", age_band="minor", **ZERO)
    assert did(decision) == ["preserve", "content.remove", "protect"]
    assert (decision.report, decision.review) == (True, True)


def test_an_end_user_s_age_is_not_the_customer_s():
    desk = Desk()
    notice(desk.policy, desk.case.account, "account.age_signal", START, "minor")
    assert did(desk.decide("warn", end_user="u1")) == ["warn"]
    assert did(desk.decide("warn", end_user="u2", age_band="teen")) == ["protect"]
