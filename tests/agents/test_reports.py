"""From a hit on known material to a report a person has confirmed, and what is kept for it."""

from __future__ import annotations

import pytest

from streams.agents.case_state import ACTION, CASE
from streams.agents.reports import INCIDENT
from streams.reporting.incident import MOST_HITS
from streams.signals.times import a_year_after, format_ms, parse_ms
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    START,
    Play,
    activity,
    hit,
    load,
    order,
    refused,
    review,
)

KNOWN = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}
YEAR = a_year_after(START) - START


@pytest.fixture
def play(tmp_path):
    return Play(load(tmp_path, HIT))


def known(at: int, content: str | None = "c1", account: str = "a1", **fields):
    return hit(at, account, content_ref=content, **{**KNOWN, **fields})


def reports(play: Play) -> list[dict]:
    return play.out.get("reports", [])


def newest(play: Play) -> dict[str, dict]:
    """Each report as it stands."""
    return {one["id"]: one for one in reports(play)}


def the_report(play: Play) -> dict:
    (report,) = newest(play).values()
    return report


def queued(play: Play, reason: str) -> list[dict]:
    return [one for one in play.out.get("review-queue", []) if one["reason"] == reason]


def confirm(at: int, report: dict, reviewer: str = "r1"):
    return order("confirm", at, report["account"], target=report["id"], reviewer=reviewer)


def retract(at: int, report: dict, reviewer: str = "r1"):
    return order("retract", at, report["account"], target=report["id"], reviewer=reviewer)


# Drafts


def test_a_hit_on_known_material_makes_a_draft_and_asks_a_person_to_confirm_it(play):
    play.feed(known(HOUR, act_at=START, device="d1"))
    report = the_report(play)
    assert (report["kind"], report["account"], report["status"]) == ("cybertipline", "a1", "draft")
    assert report["due_at"] == format_ms(START + 5 * HOUR)
    assert report["preserve_until"] == format_ms(START + HOUR + YEAR)
    assert report["draft"] == {
        "incidentSummary": {
            "incidentType": "Child Pornography (possession, manufacture, and distribution)",
            "incidentDateTime": format_ms(START),
        },
        "personOrUserReported": {
            "espIdentifier": "a1",
            "deviceId": [
                {
                    "idType": "platform reference",
                    "idValue": "d1",
                    "eventName": "Upload",
                    "dateTime": format_ms(START),
                }
            ],
            "disabledDate": format_ms(START + HOUR),
        },
        "files": [
            {
                "fileName": "c1",
                "fileViewedByEsp": False,
                "uploadedToEspTimestamp": format_ms(START),
            }
        ],
    }
    (item,) = queued(play, "report_confirmation")
    assert (item["proposal"], item["priority"], item["due_at"]) == (
        report["id"],
        1,
        report["due_at"],
    )


def test_a_data_set_with_known_material_makes_a_draft_about_nobody_s_suspension(play):
    play.feed(known(0, surface="training_dataset", dataset_ref="s1"))
    report = the_report(play)
    assert report["dataset_ref"] == "s1"
    assert "disabledDate" not in report["draft"]["personOrUserReported"]


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "match"},
        {"source": "classifier"},
        {"source": "human"},
        {"category": "csem"},
        {"surface": None},
    ],
)
def test_nothing_less_than_known_material_makes_a_draft(play, fields):
    play.feed(known(0, **fields))
    assert not reports(play)


def test_later_hits_amend_the_same_draft_and_the_same_hit_doesn_t(play):
    first = known(0)
    play.feed(first, known(HOUR, "c2", message=None), known(2 * HOUR, "c2"), first)
    report = the_report(play)
    assert report["amended"] == 2
    assert len(report["detections"]) == 3
    assert [one["fileName"] for one in report["draft"]["files"]] == ["c1", "c2"]
    assert len(queued(play, "report_confirmation")) == 1


def test_a_hit_that_everything_else_has_forgotten_is_still_known_to_its_report(tmp_path):
    play = Play(load(tmp_path, REFUSED))
    first = known(0)
    play.feed(first, *(known(n, f"c{n}") for n in range(1, 70)))
    play.feed(first, confirm(HOUR, the_report(play)), first)
    assert len(the_report(play)["detections"]) == 70


def test_what_comes_after_a_day_or_a_confirmation_or_is_about_another_is_another_report(play):
    play.feed(known(0), known(DAY + 1, "c2"))
    assert len(newest(play)) == 2
    play.feed(confirm(DAY + HOUR, list(newest(play).values())[1]), known(DAY + 2 * HOUR, "c3"))
    assert len(newest(play)) == 3
    play.feed(known(DAY + 3 * HOUR, "c3", end_user="u1"), known(DAY + 3 * HOUR, "c3", "a2"))
    found = list(newest(play).values())
    assert [one["account"] for one in found] == ["a1", "a1", "a1", "a1", "a2"]
    assert found[3]["draft"]["personOrUserReported"]["associatedAccount"] == "u1"


def test_a_draft_is_bounded_and_nothing_is_left_out(play):
    play.feed(*(known(n, f"c{n}") for n in range(MOST_HITS + 5)))
    assert [len(one["detections"]) for one in newest(play).values()] == [MOST_HITS, 5]


def test_generative_ai_is_said_only_where_a_hit_says_so(play):
    play.feed(
        known(0, "c1", ai_generated="unknown"),
        known(1, "c2", ai_generated="no"),
        known(2, "c3", ai_generated="yes"),
        known(3, "c4"),
    )
    said = [one.get("generativeAi") for one in the_report(play)["draft"]["files"]]
    assert said == [None, None, True, None]


def test_after_signs_of_a_takeover_the_report_says_so(play):
    play.feed(activity("credentials.changed", 0), known(DAY))
    person = the_report(play)["draft"]["personOrUserReported"]
    assert person["compromisedAccount"] is True
    assert "disabledDate" not in person


# Who looked at what


def viewed(play: Play) -> list[bool]:
    return [one["fileViewedByEsp"] for one in the_report(play)["draft"]["files"]]


def test_a_file_was_viewed_only_if_a_review_of_this_very_content_says_so(play):
    play.feed(known(0, "c1"), known(1, "c2"))
    report = the_report(play)
    decision = report["detections"][0]
    looked = {"decision": decision, "outcome": "upheld"}
    play.feed(
        review(HOUR, **looked),
        review(HOUR, **looked, content_ref="c1"),
        review(HOUR, **looked, content_ref="c1", viewed=False),
        review(HOUR, **looked, viewed=True),
        review(HOUR, **looked, content_ref="c3", viewed=True),
        review(HOUR, decision="elsewhere", outcome="upheld", content_ref="c1", viewed=True),
        review(HOUR, "a2", **looked, content_ref="c1", viewed=True),
    )
    assert viewed(play) == [False, False]
    play.feed(review(HOUR, **looked, content_ref="c1", viewed=True))
    assert viewed(play) == [True, False]
    play.feed(review(HOUR, decision=report["id"], outcome="upheld", content_ref="c2", viewed=True))
    assert viewed(play) == [True, True]
    assert the_report(play)["amended"] == 3


def test_a_confirmed_report_stays_as_the_person_saw_it(play):
    play.feed(known(0))
    report = the_report(play)
    play.feed(confirm(1, report))
    about = {"decision": report["detections"][0], "outcome": "upheld"}
    play.feed(review(2, **about, content_ref="c1", viewed=True))
    assert viewed(play) == [False]


# Confirming and retracting


def statuses(play: Play) -> list[str]:
    return [one["status"] for one in reports(play)]


def test_confirming_names_the_person_and_preserves_for_a_year_from_then(play):
    play.feed(known(0))
    play.feed(confirm(HOUR, the_report(play), "r7"))
    report = the_report(play)
    assert (report["status"], report["confirmed_by"]) == ("confirmed", "r7")
    assert report["preserve_until"] == format_ms(START + HOUR + YEAR)
    kept = play.enforcement[-1]
    assert (kept["action"], kept["reviewer"], kept["automated"]) == ("preserve", "r7", "not")
    assert kept["expires_at"] == report["preserve_until"]
    play.feed(confirm(2 * HOUR, report, "r8"))
    assert statuses(play) == ["draft", "confirmed"]


def test_who_confirmed_can_t_retract_and_somebody_else_can(play):
    play.feed(known(0))
    play.feed(confirm(1, the_report(play), "r1"), retract(2, the_report(play), "r1"))
    assert statuses(play) == ["draft", "confirmed"]
    play.feed(retract(3, the_report(play), "r2"))
    assert statuses(play) == ["draft", "confirmed", "retracted"]
    assert the_report(play)["retracted_by"] == "r2"
    play.feed(confirm(4, the_report(play), "r3"), retract(5, the_report(play), "r4"))
    assert len(statuses(play)) == 3, "final"


def test_a_draft_is_retracted_by_two_people_and_confirmed_by_one(play):
    play.feed(known(0))
    play.feed(retract(1, the_report(play), "r1"), retract(2, the_report(play), "r1"))
    assert statuses(play) == ["draft", "draft"]
    assert the_report(play)["doubted_by"] == "r1"
    play.feed(retract(3, the_report(play), "r2"))
    assert statuses(play)[-1] == "retracted"
    play.feed(known(HOUR, "c2"))
    assert len(newest(play)) == 2, "what comes later is not lost with it"


def test_a_command_about_a_report_the_account_never_had_changes_nothing(play):
    play.feed(known(0), known(0, "c1", "a2"))
    first, second = newest(play).values()
    play.feed(confirm(1, {**first, "account": "a2"}), confirm(1, {**second, "id": "nothing"}))
    assert statuses(play) == ["draft", "draft"]


def test_who_overturns_what_led_to_a_report_is_asked_to_retract_it(play):
    play.feed(known(0))
    suspended = play.enforcement[-1]["id"]
    play.feed(review(HOUR, decision=suspended, outcome="overturned"))
    (item,) = queued(play, "needs_review")
    assert (item["proposal"], item["priority"]) == (the_report(play)["id"], 1)
    assert the_report(play)["status"] == "draft", "one review doesn't keep a report back"


# The clock


def test_preservation_names_its_date_and_ends_then(play):
    play.feed(known(0))
    preserve = play.enforcement[0]
    assert preserve["action"] == "preserve"
    assert parse_ms(preserve["expires_at"]) - parse_ms(preserve["at"]) == YEAR
    play.until(YEAR + DAY)
    ended = play.enforcement[-1]
    assert (ended["action"], ended["undoes"]) == ("expire", preserve["id"])
    assert ended["at"] == preserve["expires_at"]


def test_a_draft_nobody_confirms_is_brought_up_when_due_and_every_day_after(play):
    play.feed(known(0)).until(DAY).until(2 * DAY).until(2 * DAY + 5 * HOUR)
    items = queued(play, "report_confirmation")
    assert len(items) == 4, "opened, due after four hours, and twice more"
    assert len({one["id"] for one in items}) == 4
    assert {one["due_at"] for one in items} == {the_report(play)["due_at"]}


def test_a_person_is_told_thirty_days_before_preservation_ends_and_then_it_is_let_go(play):
    play.feed(known(0))
    play.feed(confirm(HOUR, the_report(play))).until(YEAR - 30 * DAY)
    assert not queued(play, "needs_review")
    play.until(YEAR - 30 * DAY + HOUR)
    (item,) = queued(play, "needs_review")
    assert (item["action"], item["proposal"]) == ("preserve", the_report(play)["id"])
    play.until(YEAR + DAY)
    assert len(queued(play, "needs_review")) == 1
    assert not list(play.store.scan(INCIDENT, "a1"))
    assert [one["action"] for one in play.enforcement[-2:]] == ["expire", "expire"]


# Forgetting


def test_what_is_preserved_is_not_erased_before_its_time_and_then_it_is(play):
    play.feed(refused(0), known(0), known(0, "c2", "a2"))
    play.feed(order("erase", DAY), order("erase", DAY, "a3"))
    assert [one["action"] for one in play.enforcement if one["account"] == "a1"] == [
        "preserve",
        "content.remove",
        "suspend",
    ], "nothing ends"
    assert len(list(play.store.scan(INCIDENT, "a1"))) == 1
    assert len(list(play.store.scan(ACTION, "a1"))) == 3
    play.feed(confirm(DAY + HOUR, newest(play)[the_first(play)], "r1"))
    assert newest(play)[the_first(play)]["status"] == "confirmed", "it can still be reported"
    play.until(YEAR + 40 * DAY)
    play.store.savepoint()
    assert not [full for full, _ in play.store.items() if b"a1" in full]


def the_first(play: Play) -> str:
    return reports(play)[0]["id"]


def test_a_retracted_report_keeps_nothing_from_being_erased_but_what_is_ordered_preserved(play):
    play.feed(known(0, surface="training_dataset", dataset_ref="s1"))
    report = the_report(play)
    play.feed(order("erase", MINUTE))
    assert len(list(play.store.scan(ACTION, "a1"))) == 2
    play.feed(retract(HOUR, report, "r1"), retract(2 * HOUR, report, "r2"))
    assert not list(play.store.scan(ACTION, "a1"))
    assert not list(play.store.scan(INCIDENT, "a1"))
    assert play.store.get(CASE, "a1") is None or not play.store.get(CASE, "a1").erase_until


def test_what_comes_after_an_erasure_is_not_erased_with_what_was_preserved(play):
    play.feed(known(0), order("erase", HOUR), known(300 * DAY, "c9"))
    play.until(YEAR + DAY)
    kept = [one.content_ref for _, one in play.store.scan(ACTION, "a1")]
    assert kept == ["c9", "c9", "c9"]
