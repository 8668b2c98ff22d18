"""From an offence through the policy and the governor to what is done to a person, and back."""

from __future__ import annotations

import pytest

from streams.agents.case_state import ACTION
from streams.agents.known_material import REMOVAL, ZERO_TOLERANCE
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    START,
    Play,
    activity,
    correlation,
    decree,
    hit,
    load,
    order,
    refused,
    review,
)

PATTERN = "6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff"
EACH = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 1}
"""
TWO_SOURCES = """
type: event_count
rules: [hit]
group-by: [account]
timespan: 7d
condition: {gte: 3}
"""
KNOWN = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}


@pytest.fixture
def ruled(tmp_path):
    """Running agents with one rule that fires at each refusal."""

    def made(
        action: str = "suspend", harm: str = "grooming", more: str = "", body: str = EACH
    ) -> Play:
        vigil = f"harm: {harm}\naction: {action}\ncooldown: 10m\n{more}"
        return Play(load(tmp_path, correlation(body, vigil=vigil, head="level: high")))

    return made


def done(play: Play, account: str = "a1") -> list[str]:
    return [one["action"] for one in play.enforcement if one["account"] == account]


def queued(play: Play) -> list[str]:
    return [one["reason"] for one in play.out.get("review-queue", [])]


def nth(play: Play, number: int) -> str:
    return play.enforcement[number]["id"]


# The ladder


def test_strikes_lead_from_a_message_over_a_warning_to_a_restriction_that_ends(ruled):
    play = ruled("warn")
    for number in range(3):
        play.feed(refused(number * 2 * HOUR))
    assert done(play) == ["warn", "warn", "restrict"]
    restriction = play.enforcement[-1]
    assert [one["strikes"] for one in play.enforcement] == [0, 1, 2]
    assert [one["why"] for one in play.enforcement] == ["asked", "asked", "raised"]
    assert restriction["expires_at"] == "2026-09-28T18:13:20.000Z"
    play.until(8 * DAY)
    assert done(play) == ["warn", "warn", "restrict", "expire"]
    assert play.enforcement[-1]["undoes"] == restriction["id"]
    assert play.enforcement[-1]["at"] == restriction["expires_at"]


def test_a_burst_is_one_action(ruled):
    play = ruled("warn").feed(*(refused(number * 15 * MINUTE) for number in range(4)))
    assert len(play.detections) == 4
    assert done(play) == ["warn"]


def test_what_is_over_the_budget_is_held_and_a_person_releases_it(ruled):
    play = ruled("restrict", more="budget: 1").feed(refused(0), refused(1, "a2"))
    assert (done(play), done(play, "a2")) == (["restrict"], [])
    (item,) = play.out["review-queue"]
    assert (item["reason"], item["held_by"], item["account"]) == ("held", "budget_hour", "a2")
    play.feed(decree("release", MINUTE, PATTERN, item["proposal"]))
    assert done(play, "a2") == ["restrict"]
    released = play.enforcement[-1]
    assert (released["automated"], released["reviewer"]) == ("partially", "r9")
    play.feed(review(HOUR, "a2", decision=released["id"], outcome="overturned", reviewer="r9"))
    assert done(play, "a2") == ["restrict"], "who released it doesn't judge it"


def test_undoing_a_version_takes_back_its_actions_and_their_strikes(ruled):
    play = ruled("warn").feed(refused(0), refused(2 * HOUR), refused(4 * HOUR), refused(0, "a2"))
    version = play.enforcement[0]["version"]
    play.feed(decree("undo", 5 * HOUR, PATTERN, version)).until(6 * HOUR)
    assert done(play) == ["warn", "warn", "restrict", "undo", "undo", "undo"]
    assert done(play, "a2") == ["warn", "undo"]
    statuses = {action.status for _, action in play.store.scan(ACTION, "a1")}
    assert statuses == {"undone"}


# Reviews


def test_an_overturned_decision_is_taken_back_and_what_leaned_on_it_goes_to_a_person(ruled):
    play = ruled("warn").feed(*(refused(number * 2 * HOUR) for number in range(3)))
    play.feed(review(5 * HOUR, decision=nth(play, 0), outcome="overturned"))
    assert done(play) == ["warn", "warn", "restrict", "undo"]
    assert play.enforcement[-1]["undoes"] == nth(play, 0)
    assert queued(play) == ["needs_review"]
    play.feed(refused(26 * HOUR))
    assert play.enforcement[-1]["strikes"] == 2, "one of three was taken back"


def test_the_pattern_hears_what_reviews_say(ruled):
    play = ruled("warn").feed(refused(0))
    play.feed(review(HOUR, decision=nth(play, 0), outcome="upheld"))
    (outcome,) = (one for one in play.out["proposals"] if one["kind"] == "outcome")
    assert (outcome["pattern"], outcome["outcome"]) == (PATTERN, "upheld")
    assert outcome["decision"] == nth(play, 0)


def test_a_review_of_a_decision_the_account_never_had_changes_nothing(ruled):
    play = ruled("warn").feed(refused(0), refused(0, "a2"))
    play.feed(review(HOUR, "a2", decision=nth(play, 0), outcome="overturned"))
    assert (done(play), done(play, "a2")) == (["warn"], ["warn"])
    assert all(one["kind"] == "propose" for one in play.out["proposals"])


def test_an_appeal_goes_to_a_person_who_is_not_the_one_that_judged_before(ruled):
    play = ruled("warn").feed(refused(0))
    about = {"decision": nth(play, 0)}
    play.feed(review(HOUR, **about, outcome="upheld", reviewer="r1"))
    play.feed(review(2 * HOUR, **about, outcome="appealed", stage="appeal", reviewer="adv1"))
    assert queued(play) == ["appeal"]
    appeal = {**about, "outcome": "overturned", "stage": "appeal"}
    play.feed(review(3 * HOUR, **appeal, reviewer="r1"))
    play.feed(review(3 * HOUR, **appeal, reviewer="adv1"))
    assert done(play) == ["warn"]
    play.feed(review(4 * HOUR, **appeal, reviewer="r2"))
    assert done(play) == ["warn", "undo"]
    play.feed(refused(30 * HOUR))
    assert play.enforcement[-1]["strikes"] == 0


# Who is not punished


def test_after_signs_of_a_takeover_credentials_are_locked_and_a_person_is_asked(ruled):
    play = ruled("suspend").feed(activity("credentials.changed", 0), refused(2 * DAY))
    assert done(play) == ["credentials.lock"]
    assert play.enforcement[0]["why"] == "takeover"
    assert queued(play) == ["needs_review"]


def test_a_suspected_minor_is_protected(ruled):
    play = ruled("suspend").feed(activity("account.age_signal", 0, age_band="minor"), refused(DAY))
    assert done(play) == ["protect"]
    assert play.enforcement[0]["why"] == "minor"


def test_an_end_user_has_strikes_of_their_own(ruled):
    by_user = EACH.replace("[account]", "[account, end_user]")
    play = ruled("warn", body=by_user)
    play.feed(
        *(refused(n * 2 * HOUR, end_user="u1") for n in range(3)), refused(9 * HOUR, end_user="u2")
    )
    assert [(one["end_user"], one["action"]) for one in play.enforcement] == [
        ("u1", "warn"), ("u1", "warn"), ("u1", "restrict"), ("u2", "warn"),
    ]  # fmt: skip


def test_a_snoozed_account_is_left_alone_until_the_snooze_ends(ruled):
    play = ruled("warn").feed(order("snooze", 0, until=START + DAY), refused(HOUR))
    assert (len(play.detections), done(play)) == (1, [])
    play.feed(refused(DAY + HOUR))
    assert done(play) == ["warn"]


def suspected(at, source="user_report", **fields):
    return hit(at, source=source, **fields)


def filed(at, account, **fields):
    return activity("report.filed", at, account, peer="a1", **fields)


def test_reports_by_linked_accounts_count_once_and_get_nobody_punished(ruled):
    def brigade(**alike):
        play = ruled("restrict", "csam", "lateness: 10m\nevidence: 2", TWO_SOURCES)
        for number in range(10):
            created = activity("account.created", number * MINUTE, f"p{number}")
            play.feed(created, filed(HOUR + number * MINUTE, f"p{number}", **alike))
        play.feed(suspected(2 * HOUR, "classifier"))
        reports = range(10)
        play.feed(*(suspected(3 * HOUR + n * MINUTE, reporter=f"p{n}") for n in reports))
        return play.detections

    assert brigade(device="d1") == [], "a shared device"
    assert brigade() == [], "made in one burst"


def test_reports_by_accounts_that_have_nothing_in_common_count_each(ruled):
    play = ruled("restrict", "csam", "lateness: 10m\nevidence: 2", TWO_SOURCES)
    for number in range(2):
        play.feed(activity("account.created", number * 3 * HOUR, f"p{number}"))
        play.feed(filed(number * 3 * HOUR + 1, f"p{number}", device=f"d{number}"))
    play.feed(suspected(20 * HOUR, "classifier"))
    play.feed(*(suspected(21 * HOUR + n, reporter=f"p{n}") for n in range(2)))
    assert len(play.detections) == 1


def test_a_brigade_alone_leads_to_no_more_than_a_warning(ruled):
    body = TWO_SOURCES.replace("gte: 3", "gte: 5")
    play = ruled("suspend", "csam", "lateness: 10m", body)
    play.feed(*(suspected(n, reporter=f"p{n}") for n in range(10)))
    assert done(play) == ["warn"]


# Known material


def test_known_material_is_acted_on_at_once_whatever_the_rules_budgets_and_snoozes(tmp_path):
    play = Play(load(tmp_path, HIT)).feed(order("snooze", 0, until=START + DAY))
    play.feed(hit(HOUR, content_ref="c1", **KNOWN))
    assert done(play) == ["preserve", "content.remove", "suspend"]
    assert {one["pattern"] for one in play.enforcement} == {ZERO_TOLERANCE.id}
    assert {one["why"] for one in play.enforcement} == {"zero_tolerance"}
    mine = [one for one in play.detections if one["pattern"] == ZERO_TOLERANCE.id]
    assert [one["id"] for one in mine] == play.enforcement[0]["detections"]
    play.feed(hit(2 * HOUR, content_ref="c2", **KNOWN))
    assert done(play)[3:] == ["preserve", "content.remove", "suspend"], "each has its own"


def test_known_material_after_a_takeover_locks_the_credentials(tmp_path):
    play = Play(load(tmp_path, HIT)).feed(activity("credentials.changed", 0))
    play.feed(hit(DAY, content_ref="c1", **KNOWN))
    assert done(play) == ["preserve", "content.remove", "credentials.lock"]
    assert queued(play) == ["report_confirmation", "needs_review"]


def test_who_ingested_a_data_set_is_no_offender(tmp_path):
    play = Play(load(tmp_path, HIT))
    play.feed(
        hit(0, **{**KNOWN, "surface": "training_dataset"}, content_ref="c1", dataset_ref="s1")
    )
    assert done(play) == ["content.remove", "dataset.quarantine"]
    assert queued(play) == ["report_confirmation", "needs_review"]


def test_confirmed_content_is_removed_from_everybody_who_holds_it_now_and_later(tmp_path):
    play = Play(load(tmp_path, HIT))
    play.feed(activity("upload.created", 0, "a2", content_ref="c1"))
    play.feed(hit(HOUR, content_ref="c1", **KNOWN))
    play.feed(activity("content.shared", 2 * HOUR, "a3", content_ref="c1"))
    for account in ("a2", "a3"):
        assert done(play, account) == ["content.remove"]
    assert {one["pattern"] for one in play.enforcement if one["account"] != "a1"} == {REMOVAL.id}
    assert done(play) == ["preserve", "content.remove", "suspend"], (
        "and not twice where it was found"
    )


# Forgetting


def test_an_erased_account_leaves_nothing_and_what_was_to_end_later_ends_now(ruled):
    play = ruled("restrict")
    play.feed(activity("credentials.changed", 0), refused(5 * DAY), filed(5 * DAY, "a2"))
    assert done(play) == ["restrict"]
    play.feed(order("erase", 6 * DAY))
    assert done(play) == ["restrict", "expire"]
    play.store.savepoint()
    left = [full for full, _ in play.store.items() if b"a1" in full]
    assert left == [b"Aa1"], "the command, so that it isn't obeyed twice"
    governor = play.driver.processors[2].store
    governor.savepoint()
    assert not [full for full, _ in governor.items() if full[:1] == b"D"]
    play.feed(review(7 * DAY, decision=nth(play, 0), outcome="overturned"))
    assert done(play) == ["restrict", "expire"]
