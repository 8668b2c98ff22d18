"""`vigil backtest` as a command: what it prints, what it advises, when it says no."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from rich.console import Console

from streams.cli import main
from streams.workbench.backtest import show
from streams.workbench.backtest.advice import advice
from streams.workbench.backtest.comparison import compare
from streams.workbench.backtest.shards import Task
from tests.patterns.driving import DAY, HOUR, MINUTE, START
from tests.workbench.test_backtest import named, pattern, rules, write


def recording(path, accounts=30, refusals=3, outcome=None, days=2):
    """Each account is refused so often in one go; a day later a review of an unknown decision."""
    lines = []
    for account in range(accounts):
        begin = START + account * (days - 1) * DAY // accounts
        for number in range(refusals + account % 3):
            at = begin + number * MINUTE
            value = {
                "id": f"s{number}",
                "account": f"a{account}",
                "at": at,
                "kind": "prompt.refused",
            }
            lines.append({"topic": "activity", "key": f"a{account}", "value": value, "ts": at})
        if outcome:
            said = outcome if isinstance(outcome, str) else outcome(account)
            value = {"id": "r", "account": f"a{account}", "at": begin + HOUR, "decision": "x",
                     "stage": "first", "outcome": said, "reviewer": "r1"}  # fmt: skip
            lines.append(
                {"topic": "reviews", "key": f"a{account}", "value": value, "ts": begin + HOUR}
            )
    return write(path, sorted(lines, key=lambda line: line["ts"]))


@pytest.fixture
def bench(tmp_path, capsys):
    """Runs the command over a recording with an old and a new rule set."""

    def run(old, new, *arguments, code=0, **traffic):
        rules(tmp_path / "old", *old)
        rules(tmp_path / "new", *new)
        path = recording(tmp_path / "day.jsonl", **traffic)
        where = ["--rules", str(tmp_path / "new"), "--against", str(tmp_path / "old"), str(path)]
        assert main(["backtest", *where, *arguments]) == code
        return capsys.readouterr()

    return run


LOW, HIGH = [pattern("ladder", count=3)], [pattern("ladder", count=4)]


def test_json_has_the_whole_answer(bench, tmp_path):
    found = json.loads(bench(LOW, HIGH, "--json").out)
    assert found["signals"] == 120
    (row,) = (row for row in found["patterns"] if row["title"] == "ladder")
    assert row["change"] == "changed"
    assert (row["old"]["finds"], row["new"]["finds"], row["kept"]) == (30, 20, 20)
    assert (row["lost"]["finds"], row["gained"]["finds"]) == (10, 0)
    assert row["kept_later_by_ms"] == MINUTE
    assert len(row["lost"]["examples"]) == 5
    assert found["old"]["accounts_acted_upon"] == 30
    assert found["new"]["accounts_acted_upon"] == 20
    assert found["accounts_acted_upon_only_by"] == {"old": 10, "new": 0}
    assert found["new"]["proposed"]["warn"]["total"] == 20
    assert found["new"]["granted"]["total"] == 20
    assert found["new"]["held"] == {"total": 0, "per_day": 0, "most": 0, "most_on": None, "by": {}}


def test_an_example_is_a_detection_that_replay_finds(bench, tmp_path, capsys):
    found = json.loads(bench(LOW, HIGH, "--json").out)
    (row,) = (row for row in found["patterns"] if row["title"] == "ladder")
    assert main(["replay", str(tmp_path / "day.jsonl"), "--rules", str(tmp_path / "old")]) == 0
    assert row["lost"]["examples"][0]["id"] in capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_screen(tmp_path, width):
    ladder = pattern("ladder").replace("title: ladder", "title: " + "long name " * 9)
    rules(tmp_path / "old", ladder)
    rules(tmp_path / "new", ladder.replace("gte: 3", "gte: 4"), pattern("devices", status="test"))
    path = recording(tmp_path / "day.jsonl", outcome="overturned")
    task = Task((str(tmp_path / "old"),), (str(tmp_path / "new"),), None, (path,))
    comparison = compare(task, 1, lambda _: None)
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(show.for_people(comparison, advice(comparison), width))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in (
        "long name long",
        "−10",
        "n=20",
        "in the review queue",
        "Advice",
        "vigil explain ID",
    ):
        assert word in text.replace("\n", " "), word


def test_reviewers_are_counted_what_stands_in_their_queue(bench):
    """What is granted is nobody's work, and no more is what is only told."""
    queues = {}
    for name, new in (
        ("granted", pattern("ladder", action="warn")),
        ("over budget", pattern("ladder", action="warn", more="budget: 0")),
        ("only told", pattern("ladder", action="")),
        ("shadow", pattern("ladder", action="restrict", status="test")),
    ):
        found = json.loads(bench(LOW, [new], "--json").out)
        queues[name] = found["new"]["review_queue"]["by"]
        (row,) = (row for row in found["patterns"] if row["title"] == "ladder")
        held = row["new"]["held"]
        assert held == ({"budget_hour": 30} if name == "over budget" else {})
        assert found["new"]["held"]["by"] == held
    assert queues == {"granted": {}, "over budget": {"held": 30}, "only told": {}, "shadow": {}}


def said(captured):
    return "\n".join(json.loads(captured.out)["advice"])


def test_advice_on_precision_under_the_floor_comes_with_interval_and_number(bench):
    text = said(bench(LOW, LOW, "--json", outcome=lambda n: "upheld" if n % 2 else "overturned"))
    assert "reviewers upheld 15 of 30 (50%; 95 % interval 33% to 67%)" in text
    assert "raise its threshold" in text
    assert said(bench(LOW, LOW, "--json", outcome="upheld")) == ""
    few = bench(LOW, LOW, "--json", outcome="overturned", accounts=19)
    assert said(few) == "", "fewer than twenty outcomes say too little"


def test_advice_tells_a_good_loss_from_a_bad_one(bench):
    assert "loses 10 finds that reviewers had upheld" in said(
        bench(LOW, HIGH, "--json", outcome="upheld")
    )
    assert "had overturned 10 of 10: the change does what it should" in said(
        bench(LOW, HIGH, "--json", outcome="overturned")
    )


def test_advice_on_load_budget_and_what_nobody_has_judged(bench):
    text = said(
        bench(HIGH, [pattern("ladder", action="restrict", more="budget: 0")], "--json", days=1)
    )
    assert "Reviewers would find 30.0 items in their queue a day instead of 0.0" in text
    assert "goes over its budget; 30 of 30 actions would be held for a person" in text
    assert "nobody has judged 10 of the 10 finds it gains" in text
    text = said(bench([pattern("ladder", status="test")], LOW, "--json"))
    assert "would go live with 0 known outcomes for 30 finds" in text
    text = said(bench(LOW, [*LOW, pattern("devices", span="30d")], "--json"))
    assert "devices: finds nothing in this recording" in text
    assert "its window of 30d is longer than this recording of 1.0 days" in text


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("max_lost = 9", "finds lost: 10, at most 9 are allowed"),
        ("max_lost_upheld = 0", "upheld finds lost: 10, at most 0"),
        ("min_precision = 1.1", "precision of 'ladder': 1.00 (n=20), the floor is 1.1"),
        ("[max_actions_per_day]\nwarn = 1", "warn a day: 20, at most 1"),
        ("max_looks_per_day = 0\nmax_gained_per_day = 0\nmax_lost = 10\nmin_outcomes = 50", None),
    ],
)
def test_a_gate_that_is_not_satisfied_ends_with_1_and_says_why(bench, tmp_path, gate, message):
    (tmp_path / "gate.toml").write_text(gate)
    where = ["--gate", str(tmp_path / "gate.toml")]
    captured = bench(LOW, HIGH, *where, outcome="upheld", days=1, code=1 if message else 0)
    assert (message or "") in captured.err
    assert ("gate: " in captured.err) == bool(message)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("max_lst = 0", "max_lst"),
        ("max_lost = 'none'", "max_lost"),
        ("max_lost", "is not TOML"),
        ("[max_actions_per_day]\nwarm = 1", "there is no action 'warm'"),
        (None, "can't be read"),
    ],
)
def test_a_gate_that_is_none_is_wrong_use(bench, tmp_path, gate, message):
    if gate is not None:
        (tmp_path / "gate.toml").write_text(gate)
    captured = bench(LOW, LOW, "--gate", str(tmp_path / "gate.toml"), code=2)
    assert "gate.toml" in captured.err
    assert message in captured.err


def test_a_bad_line_is_2_and_names_it_also_when_a_process_found_it(tmp_path):
    rules(tmp_path / "old", *LOW)
    path = recording(tmp_path / "day.jsonl")
    path.write_text(path.read_text() + "secret\n")
    command = [sys.executable, "-m", "streams.cli", "backtest", "--rules", str(tmp_path / "old")]
    for jobs in ("1", "2"):
        run = subprocess.run(
            [*command, "--jobs", jobs, str(path)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 2, run.stderr
        assert f"{path}:121: not a line of the form" in run.stderr
        assert "secret" not in run.stderr
    assert main(["backtest", "--rules", str(tmp_path / "nowhere"), str(path)]) == 2


def test_titles_of_rules_do_not_steer_the_terminal(tmp_path):
    sly = pattern("ladder").replace("title: ladder", r'title: "Sly \e[2J"')
    old = rules(tmp_path / "old", sly)
    rules(tmp_path / "new", sly.replace("gte: 3", "gte: 4"))
    path = recording(tmp_path / "day.jsonl")
    task = Task((str(tmp_path / "old"),), (str(tmp_path / "new"),), None, (path,))
    comparison = compare(task, 1, lambda _: None)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(show.for_people(comparison, advice(comparison), 100))
    assert "\x1b" not in captured.get()
    assert named(old, "Sly \x1b[2J").title in [row.title for row in comparison.rows]


def test_a_pattern_about_entities_finds_what_accounts_share(tmp_path, capsys):
    rules(tmp_path / "old", *LOW)
    rules(tmp_path / "new", *LOW, pattern("shared", count=2, action="restrict"))
    lines = []
    for number in range(6):  # too few a head for the other pattern
        value = {"id": f"s{number}", "account": f"a{number // 2}", "at": START + number * MINUTE,
                 "kind": "prompt.refused", "device": "d1"}  # fmt: skip
        key, ts = value["account"], value["at"]
        lines.append({"topic": "activity", "key": key, "value": value, "ts": ts})
    path = write(tmp_path / "day.jsonl", lines)
    where = ["--rules", str(tmp_path / "new"), "--against", str(tmp_path / "old"), str(path)]
    assert main(["backtest", *where, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (row,) = (row for row in found["patterns"] if row["title"] == "shared")
    assert (row["change"], row["new"]["finds"], row["new"]["accounts"]) == ("new", 3, 3)
    assert row["gained"]["finds"] == 3
    assert found["new"]["proposed"]["restrict"]["total"] == row["new"]["proposed"] == 3
    assert found["new"]["accounts_acted_upon"] == 3


def test_a_breaker_that_opens_is_told(tmp_path, capsys):
    rules(tmp_path / "old", *LOW)
    begins = [("a0", START), *((f"b{number}", START + 8 * DAY) for number in range(30))]
    lines = [
        {"topic": "activity", "key": account, "ts": at + number * MINUTE,
         "value": {"id": f"s{number}", "account": account, "at": at + number * MINUTE,
                   "kind": "prompt.refused"}}
        for account, at in begins for number in range(3)
    ]  # fmt: skip
    path = write(tmp_path / "day.jsonl", sorted(lines, key=lambda line: line["ts"]))
    assert main(["backtest", "--rules", str(tmp_path / "old"), "--against", str(tmp_path / "old"), str(path), "--json"]) == 0  # fmt: skip
    text = said(capsys.readouterr())
    assert "ladder: its breaker opens, because it surges; 10 of 31 actions would be held" in text


def test_a_policy_that_differs_is_said_to(bench, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "policy.toml").write_text("[budgets]\nwarn = {hour = 0}\n")
    captured = bench(LOW, LOW, "--json")
    found = json.loads(captured.out)
    assert found["old"]["policy"] != found["new"]["policy"]
    assert (found["old"]["held"]["total"], found["new"]["held"]["total"]) == (0, 30)
