"""What is done at once, and who is spared."""

from __future__ import annotations

import pytest

from streams.policy import (
    LADDER,
    Established,
    Status,
    Why,
    decide,
    established,
    notice,
    snooze,
)
from streams.signals.records import CATEGORIES, SOURCES, SURFACES, VERDICTS
from tests.policy.desk import DAY, HOUR, START, ZERO, Desk, did

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
