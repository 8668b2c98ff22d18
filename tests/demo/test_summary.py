from collections import Counter

from rich.console import Console

from streams.demo.summary import Figures, as_json, table
from streams.simulate.score import Score
from streams.simulate.truth import Hidden, Pattern

LADDER = Pattern(id="p-ladder", slug="refusal_ladder", title="Refusal ladder")
FIGURES = Figures(
    signals=1000,
    accounts=50,
    harmless=40,
    workers=2,
    played_s=2.0,
    outputs=Counter(detections=2),
    p50_s=0.1,
    p99_s=0.2,
)


def hidden(account, *, detectable=True, pace=1.0):
    return Hidden(
        campaign="refusal-ladder",
        instance=1,
        accounts=(account,),
        patterns=(LADDER,),
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
        pace=pace,
        detectable=detectable,
    )


def detection(account, mode="live"):
    return {
        "account": account,
        "pattern": "p-ladder",
        "title": "Refusal ladder",
        "at": "2026-01-05T12:05:00.000Z",
        "mode": mode,
    }


def test_the_summary_says_found_missed_and_not_detectable():
    score = Score([hidden("a1"), hidden("a2"), hidden("a3", detectable=False, pace=0.02)])
    score.note(detection("a1"))
    score.note(detection("b1"))
    score.note(detection("b2", mode="shadow"))
    console = Console(width=140)
    with console.capture() as captured:
        console.print(table(score, FIGURES))
    said = captured.get()
    rows = [line for line in said.splitlines() if "refusal-ladder" in line]
    assert ["found" in rows[0], "MISSED" in rows[1], "not detectable" in rows[2]] == [True] * 3
    assert "5 min" in rows[0]
    assert "refusal-ladder pace=0.02" in rows[2]
    assert "1 of 2 detectable ones found, 1 not detectable" in said
    assert "1 detection on 1 of 40 harmless accounts: Refusal ladder 1; 1 more in shadow" in said


def test_the_summary_as_json_has_the_same_numbers():
    score = Score([hidden("a1")])
    score.note(detection("a1"))
    found = as_json(score, FIGURES)
    assert found["campaigns"][0]["time_to_detect_ms"] == 5 * 60_000
    assert found["campaigns"][0]["evasion"] == "plain"
    assert found["signals_per_s"] == 500
