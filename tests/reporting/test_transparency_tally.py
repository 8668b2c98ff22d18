"""What is counted, from records to figures: on records made by hand, and on a simulated day."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import main
from streams.reporting.transparency.report import make
from streams.reporting.transparency.stages import CONDUCT, stage_of
from streams.reporting.transparency.tables import WHOLE
from streams.reporting.transparency.tally import LED_TO, Period, Tally, count
from streams.reporting.transparency.times import Times
from streams.signals.times import format_ms
from tests.patterns.driving import DAY, HOUR, MINUTE, SCHEMA, START, hit, review

MAY = Period(START, START + 30 * DAY)
Said = tuple[str, dict[str, Any]]


def detection(at: int, id_: str, account: str = "a1", **fields: Any) -> Said:
    value = {"id": id_, "account": account, "at": format_ms(START + at), "harm": "csam",
             "mode": "live", "evidence": ["h1"], **fields}  # fmt: skip
    return "detections", value


def done(at: int, action: str, account: str = "a1", **fields: Any) -> Said:
    value = {"id": f"e{at}{action}", "account": account, "at": format_ms(START + at),
             "harm": "csam", "action": action, "detections": ["d1"], **fields}  # fmt: skip
    return "enforcement", value


def counted(*said: Said, period: Period = MAY) -> Tally:
    lines = [
        (topic, value["account"].encode(), json.dumps(value).encode(), START + 40 * DAY)
        for topic, value in said
    ]
    return count(lambda topics: [one for one in lines if one[0] in topics], SCHEMA, period)


def told(tally: Tally, name: str) -> dict[tuple[str, ...], tuple[int, int]]:
    table = getattr(tally, name)
    return {
        (row, *leaf): (table.accounts((row, leaf)), table.events((row, leaf)))
        for row in table.rows
        for leaf in table.leaves
        if table.accounts((row, leaf))
    }


@pytest.mark.parametrize(
    ("source", "surface", "stage"),
    [
        ("hash_match", "training_dataset", "dataset"),
        ("hash_match", "finetune_upload", "dataset"),
        ("classifier", "upload", "input"),
        ("classifier", "message", "input"),
        ("human", "output", "output"),
        ("user_report", "output", "user report"),
        ("trusted_flagger", None, "user report"),
        ("classifier", None, "not said"),
    ],
)
def test_a_hit_belongs_to_one_stage(source, surface, stage):
    assert stage_of(source, surface) == stage


def test_an_action_goes_back_to_the_newest_hit_of_its_evidence():
    tally = counted(
        hit(0, id="h1", surface="input"),
        hit(5 * MINUTE, id="h2", surface="output"),
        detection(6 * MINUTE, "d1", evidence=["h1", "x", "h2"]),
        done(8 * MINUTE, "warn"),
        detection(6 * MINUTE, "d2", "a2", evidence=["r1", "h2"]),  # another account's h2
        done(8 * MINUTE, "restrict", "a2", detections=["d2"]),
    )
    assert told(tally, "acted_on") == {("output", *LED_TO): (1, 1), (CONDUCT, *LED_TO): (1, 1)}
    assert tally.to_action["action", "warn"].median() == pytest.approx(3 * MINUTE, rel=0.02)
    assert ("action", "restrict") not in tally.to_action


def test_conduct_of_the_same_harm_and_person_an_hour_later_is_a_recurrence():
    warned = (detection(0, "d1"), done(MINUTE, "warn"))
    later = MINUTE + HOUR + 1

    def again(*more: Said) -> bool:
        return ("csam", "warn", "again") in told(counted(*warned, *more), "done")

    assert not again()
    assert again(detection(later, "d2"))
    assert not again(detection(MINUTE + HOUR, "d2"))
    assert not again(detection(later, "d2", harm="spam"))
    assert not again(detection(later, "d2", mode="shadow"))
    assert not again(detection(later, "d2", "a2"))
    assert not again(detection(later, "d2", entity="device:x"))
    assert not again(detection(later, "d2", end_user="u1"))
    assert not again(detection(31 * DAY, "d2"))  # after the period
    assert not again(detection(later, "d2"), detection(later, "d3", retracts="d2"))


def test_an_appeal_is_open_until_it_is_decided_and_what_was_overturned_stays_so():
    base = (detection(0, "d1"), done(MINUTE, "warn", id="e1"))
    appeal = review(HOUR, decision="e1", outcome="appealed", stage="appeal", reviewer="a")

    def reviews(*said: Said) -> dict[tuple[str, ...], tuple[int, int]]:
        return told(counted(*base, *said), "reviewed")

    assert reviews() == {}
    assert reviews(appeal) == {("csam", "appeal", "open"): (1, 1)}
    decided = review(3 * HOUR, decision="e1", outcome="overturned", stage="appeal")
    after = review(5 * HOUR, decision="e1", outcome="upheld", stage="appeal")
    assert reviews(appeal, decided, after) == {("csam", "appeal", "overturned"): (1, 1)}
    tally = counted(*base, appeal, decided, after)
    assert tally.to_decision["harm", "csam"].median() == pytest.approx(2 * HOUR, rel=0.02)
    assert reviews(review(HOUR, decision="d1")) == {("csam", "first look", "upheld"): (1, 1)}
    assert reviews(review(HOUR, "a2", decision="e1")) == {}  # not a decision of that account
    assert reviews(review(HOUR, decision="e1", stage="second", outcome="odd")) == {}


def test_what_was_overturned_is_not_counted_among_what_was_taken_back_otherwise():
    base = (detection(0, "d1"), done(MINUTE, "warn", id="e1"))
    undo = done(2 * HOUR, "undo", undoes="e1")
    assert ("csam", "undo") in told(counted(*base, undo), "done")
    for decision in ("e1", "d1"):
        overturned = review(HOUR, decision=decision, outcome="overturned")
        assert ("csam", "undo") not in told(counted(*base, undo, overturned), "done")
    upheld = review(HOUR, decision="e1")
    assert ("csam", "undo") in told(counted(*base, undo, upheld), "done")


def test_what_zero_tolerance_does_together_is_withheld_together():
    def zero(account: str, person: str) -> tuple[Said, ...]:
        return tuple(done(0, a, account, id=f"{account}{a}") for a in ("preserve", "content.remove", person))  # fmt: skip

    both = [zero(f"a{n}", "suspend") for n in range(9)] + [zero("b1", "credentials.lock")]
    others = [(done(0, "warn", f"c{n}"),) for n in range(9)]
    sheet = make(counted(*(one for said in both + others for one in said)), MAY).done
    assert sheet.told("csam", ("credentials.lock",)) is None
    for action in ("preserve", "content.remove", "suspend"):
        assert sheet.told("csam", (action,)) is None


def test_a_median_does_not_tell_that_a_withheld_figure_is_not_small():
    def appeals(harm: str, *names: str) -> Iterable[Said]:
        for name in names:
            yield done(0, "warn", name, harm=harm, id=f"e{name}")
            for at, outcome in ((HOUR, "appealed"), (3 * HOUR, "upheld")):
                yield review(at, name, decision=f"e{name}", stage="appeal", outcome=outcome)

    few = (*appeals("csam", "a"), *appeals("spam", *"bcdef"))
    report = make(counted(*few), MAY)
    assert report.reviewed.told("spam", ("appeal",)) is None
    # Six in all, and were it known that five or more are spam's, one would be csam's.
    assert report.to_decision["", ""] is not None
    assert report.to_decision["harm", "spam"] is None


def test_the_period_takes_its_beginning_in_and_leaves_its_end_out():
    tally = counted(
        *(hit(at, f"a{n}") for n, at in enumerate((-1, 0, 30 * DAY - 1, 30 * DAY))),
        *(done(at, "warn", f"a{n}") for n, at in enumerate((-1, 0, 30 * DAY - 1, 30 * DAY))),
    )
    assert told(tally, "found") == {("csam", "not said"): (2, 2)}
    assert told(tally, "done") == {("csam", "warn", "not again"): (2, 2)}


def test_a_service_s_end_users_are_people_of_their_own():
    tally = counted(*(hit(n, end_user=f"u{n % 3}") for n in range(6)), hit(9), hit(10))
    assert told(tally, "found") == {("csam", "not said"): (4, 8)}


def test_words_nobody_declared_come_in_nowhere():
    tally = counted(
        hit(0, category="he wrote: meet me"),
        done(0, "warn", harm="he wrote: meet me"),
        done(0, "he wrote: meet me"),
        ("enforcement", {"account": "a1"}),
    )
    assert told(tally, "found") == {}
    assert told(tally, "done") == {("none stated", "warn", "not again"): (1, 1)}
    report = make(tally, MAY)
    assert "moderation-hits: left out as no records of it: 1" in report.notes
    assert "he wrote" not in repr(report)


@given(times=st.lists(st.integers(1000, 10**9), min_size=1))
def test_a_median_is_off_by_less_than_its_two_digits(times):
    kept = Times()
    for number, ms in enumerate(times):
        kept.add(number, ms)
    assert kept.median() == pytest.approx(sorted(times)[(len(times) - 1) // 2], rel=0.07)


# A simulated day, and a recount that knows nothing of the product


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Path:
    """A small simulated day, what was decided about it, and what people said of that."""
    where = tmp_path_factory.mktemp("day")
    assert main(["simulate", "--accounts", "400", "--signals", "9000", "--out", str(where / "day.jsonl"), "--seed", "4"]) == 0  # fmt: skip
    replayed(where, "day.jsonl", into="first.jsonl")
    dice = random.Random(7)
    with (where / "people.jsonl").open("w", encoding="utf-8") as file:
        for number, line in enumerate(lines(where / "first.jsonl", "enforcement")):
            value = line["value"]
            for later, stage, outcome in (
                (1, "appeal", "appealed"),
                (3, "appeal", dice.choice(["upheld", "upheld", "overturned"])),
            )[: dice.randrange(3)]:
                said = {
                    "id": f"p{number}.{later}", "account": value["account"], "stage": stage,
                    "at": line["ts"] + later * HOUR, "decision": value["id"], "outcome": outcome,
                    "reviewer": f"r{later}",
                }  # fmt: skip
                file.write(json.dumps({"topic": "reviews", "value": said}) + "\n")
    replayed(where, "day.jsonl", "people.jsonl", into="decided.jsonl")
    return where


def replayed(where: Path, *names: str, into: str) -> None:
    with (where / into).open("wb") as file:
        subprocess.run([sys.executable, "-m", "streams.cli", "replay", *(where / name for name in names)], stdout=file, check=True)  # fmt: skip


def lines(path: Path, topic: str) -> Iterable[dict[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if line["topic"] == topic:
            yield line


FILES = ("day.jsonl", "people.jsonl", "decided.jsonl")
WHEN = ("--from", "2026-01-01", "--to", "2026-01-07")


def reported(capsys, day: Path, *more: str, files: Iterable[str] = FILES) -> dict[str, Any]:
    assert main(["report", "transparency", *WHEN, "--json", *more, *(str(day / f) for f in files)]) == 0  # fmt: skip
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def figures(report: dict[str, Any], name: str) -> dict[tuple[str, ...], Any]:
    table = next(one for one in report["tables"] if one["name"] == name)
    return {(one[table["by"]], *one["column"]): one for one in table["figures"]}


def test_a_simulated_day_s_figures_are_those_of_a_plain_recount(day, capsys):
    people: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    events: Counter[tuple[str, ...]] = Counter()
    for line in lines(day / "day.jsonl", "moderation-hits"):
        value = line["value"]
        if value["at"] >= "2026-01-01":
            cell = value["category"], stage_of(value["source"], value.get("surface"))
            people[cell].add(value["account"] + value.get("end_user", ""))
            events[cell] += 1
    report = reported(capsys, day, "--k", "3")
    seen = 0
    for where, one in figures(report, "found").items():
        if len(where) == 2 and where[0] != "all":
            assert len(people[where]) < 3 or one["accounts"] in (None, len(people[where]))
            if one["accounts"] is not None:
                assert (one["accounts"], one["hits"]) == (len(people[where]), events[where])
                seen += one["accounts"] > 0
    assert seen >= 2
    done_ = Counter(
        line["value"]["action"]
        for line in lines(day / "decided.jsonl", "enforcement")
        if "2026-01-01" <= line["value"]["at"] < "2026-01-07"
        and line["value"]["action"] not in ("expire", "undo")
    )
    whole = figures(report, "done")
    for action, number in done_.items():
        assert whole["all", action]["actions"] in (None, number)
    assert any(whole["all", action]["actions"] for action in done_)
    assert figures(report, "reviewed")["all", "appeal"]["decisions"] > 5
    assert report["median_ms"]["appeal_to_decision"][0] == {"by": "all", "of": "all", "ms": 2 * HOUR}  # fmt: skip


def test_the_order_of_files_and_lines_changes_nothing(day, capsys, tmp_path):
    texts = [text for f in FILES for text in (day / f).read_text(encoding="utf-8").splitlines()]
    random.Random(3).shuffle(texts)
    (tmp_path / "mixed.jsonl").write_text("\n".join(texts), encoding="utf-8")
    whole = json.dumps(reported(capsys, day))  # as text: also in the same order
    assert json.dumps(reported(capsys, tmp_path, files=["mixed.jsonl"])) == whole
    assert json.dumps(reported(capsys, day, files=FILES[::-1])) == whole


def test_what_is_told_of_a_simulated_day_adds_up_wherever_nothing_is_withheld(day, capsys):
    report = reported(capsys, day, "--k", "3")
    complete = 0
    for name in ("found", "acted_on", "done", "reviewed"):
        table = figures(report, name)
        for row, *column in table:
            parts = [one for where, one in table.items() if where[0] == row and list(where[1:-1]) == column and len(where) == len(column) + 2]  # fmt: skip
            told_ = [one["accounts"] for one in (table[row, *column], *parts)]
            if parts and None not in told_:
                assert told_[0] == sum(told_[1:])
                complete += told_[0] > 0
    assert complete >= 2


def test_an_empty_recording_is_an_empty_report_that_says_so(capsys, tmp_path):
    (tmp_path / "empty.jsonl").touch()
    report = reported(capsys, tmp_path, files=["empty.jsonl"])
    assert {one["distinct_accounts"] for one in report["tables"]} == {0}
    assert report["notes"][0] == "moderation-hits: there is no record"
    assert WHOLE == ""
