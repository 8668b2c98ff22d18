from collections import Counter

from rich.console import Console

from streams.demo.score import Score
from streams.demo.summary import Figures, as_json, table
from streams.simulate.truth import Hidden, Pattern

LADDER = Pattern(id="p-ladder", slug="refusal_ladder", title="Refusal ladder")


def hidden(*accounts, detectable=True):
    return Hidden(
        campaign="refusal-ladder",
        instance=1,
        accounts=accounts,
        patterns=(LADDER,),
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
        pace=1.0,
        detectable=detectable,
    )


def detection(account, pattern="p-ladder", at="2026-01-05T12:05:00.000Z"):
    return {"account": account, "pattern": pattern, "title": "Refusal ladder", "at": at}


FIGURES = Figures(
    signals=1000,
    accounts=50,
    workers=2,
    played_s=2.0,
    outputs=Counter(detections=2),
    p50_s=0.1,
    p99_s=0.2,
)


def test_a_campaign_is_found_when_each_account_is_found_by_an_expected_pattern():
    score = Score([hidden("a1", "a2")])
    score.note(detection("a1"))
    assert [one.hidden.campaign for one in score.missed] == ["refusal-ladder"]
    score.note(detection("a2", pattern="p-another"))
    assert score.missed, "another pattern's detection doesn't count"
    score.note(detection("a2"))
    assert not score.missed


def test_the_time_to_detect_is_event_time_from_the_first_act_to_the_earliest_detection():
    score = Score([hidden("a1", "a2")])
    score.note(detection("a1", at="2026-01-05T12:30:00.000Z"))
    score.note(detection("a2", at="2026-01-05T12:05:00.000Z"))
    assert score.outcomes[0].took_ms == 5 * 60_000


def test_detections_on_harmless_accounts_are_false_positives():
    score = Score([hidden("a1")])
    for account in ("b1", "b1", "b2"):
        score.note(detection(account))
    assert score.false_titles == {"Refusal ladder": 3}
    assert score.false_accounts == {"b1", "b2"}


def test_a_campaign_nobody_is_expected_to_find_is_never_missed():
    assert not Score([hidden("a1", detectable=False)]).missed


def test_the_summary_says_found_missed_and_not_detectable():
    score = Score([hidden("a1"), hidden("a2"), hidden("a3", detectable=False)])
    score.note(detection("a1"))
    console = Console(width=140)
    with console.capture() as captured:
        console.print(table(score, FIGURES))
    rows = [line for line in captured.get().splitlines() if "refusal-ladder" in line]
    assert ["found" in rows[0], "MISSED" in rows[1], "not detectable" in rows[2]] == [True] * 3
    assert "5 min" in rows[0]


def test_the_summary_as_json_has_the_same_numbers():
    score = Score([hidden("a1")])
    score.note(detection("a1"))
    found = as_json(score, FIGURES)
    assert found["campaigns"][0]["time_to_detect_ms"] == 5 * 60_000
    assert found["signals_per_s"] == 500
