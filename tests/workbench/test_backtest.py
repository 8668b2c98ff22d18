"""A backtest comes to what two replays come to, whatever the recording, and however it is split."""

from __future__ import annotations

import json
import multiprocessing
import random
import threading
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver
from streams.patterns import Pattern, RuleSet, load_rules
from streams.replay import replay
from streams.workbench.backtest import sides
from streams.workbench.backtest.finds import GRANTED, Finds
from streams.workbench.backtest.passes import DECISIONS, both, run
from streams.workbench.backtest.shards import ProcessGone, Task, shard
from streams.workbench.backtest.survey import READ, Survey
from streams.workbench.backtest.tally import Tally
from tests.patterns.driving import DAY, HIT, MINUTE, REFUSED, SCHEMA, START

PATTERNS = {
    "ladder": """
type: event_count
rules: [refused]
group-by: [account]
timespan: {span}
condition: {{gte: {count}}}
""",
    "devices": """
type: value_count
rules: [refused]
group-by: [account]
timespan: {span}
condition: {{field: device, gte: {count}}}
""",
    "grouped": """
type: event_count
rules: [refused]
group-by: [account, device]
timespan: {span}
condition: {{gte: {count}}}
""",
    "ordered": """
type: temporal_ordered
rules: [refused, hit]
group-by: [account]
timespan: {span}
""",
    "absent": """
type: event_count
rules: [hit]
group-by: [account]
timespan: {span}
condition: {{gte: {count}}}
""",
    "average": """
type: value_avg
rules: [hit]
group-by: [account]
timespan: {span}
condition: {{field: score, gte: 0.{count}}}
""",
    "shared": """
type: value_count
rules: [refused]
group-by: [device]
timespan: {span}
condition: {{field: account, gte: {count}}}
""",
}
REVIEWED = """
title: Reviewed
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a09
name: reviewed
status: stable
logsource: {product: vigil, service: reviews}
detection:
  it: {outcome: upheld}
  condition: it
"""


def pattern(name: str, *, count: int = 3, span: str = "20m", status: str = "stable", action: str = "warn", more: str = "") -> str:  # fmt: skip
    """One rule file of the templates."""
    number = list(PATTERNS).index(name)
    body = PATTERNS[name].format(count=count, span=span).strip().replace("\n", "\n  ")
    return f"""
title: {name}
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b0{number}
status: {status}
correlation:
  {body}
vigil:
  harm: csam
  {f"action: {action}" if action else ""}
  {more}
"""


def rules(directory: Path, *patterns: str) -> RuleSet:
    directory.mkdir(exist_ok=True)
    needed = [REVIEWED] if any("reviewed" in one for one in patterns) else []
    (directory / "rules.yml").write_text("---".join((*patterns, REFUSED, HIT, *needed)))
    return load_rules([directory], SCHEMA)


def named(ruleset: RuleSet, title: str) -> Pattern:
    return next(one for one in ruleset.patterns if one.title == title)


def task(directory: Path, *files: Path) -> Task:
    return Task((str(directory / "old"),), (str(directory / "new"),), None, files)


def traffic(seed: int, accounts: int = 6, signals: int = 400) -> list[dict[str, Any]]:
    """Lines with everything that may happen: late ones, ids told again soon and long after, bad
    records, reviews, outputs of Vigil's own."""
    source = random.Random(seed)
    lines: list[dict[str, Any]] = []
    at = START
    for number in range(signals):
        at += source.randrange(4 * MINUTE)
        account = f"a{source.randrange(accounts)}"
        late = source.choice((0, 0, 0, source.randrange(15 * MINUTE)))
        value: dict[str, Any] = {"id": f"s{number}", "account": account, "at": at - late}
        topic = "activity"
        match source.randrange(12):
            case 0 | 1:
                topic = "moderation-hits"
                value |= {"category": "csam", "source": "classifier", "verdict": "suspected"}
                value |= {"score": source.randrange(101) / 100}
            case 2:
                value |= {"kind": "nonsense"}
            case 3:
                topic = "detections"
            case 4:
                topic = "reviews"
                value |= {"decision": f"d{number}", "stage": "first", "reviewer": "r1"}
                value |= {"outcome": source.choice(("upheld", "overturned", "unclear"))}
            case _:
                value |= {"kind": "prompt.refused", "device": f"d{source.randrange(4)}"}
        lines.append({"topic": topic, "key": account, "value": value, "ts": at})
        again = source.choice(lines)
        if again["topic"] != "detections" and source.random() < 0.15:
            lines.append(again | {"ts": at})
    return lines


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def replayed(ruleset: RuleSet, files: list[Path]) -> tuple[Counter[Any], int]:
    """What replay finds and decides, as `told` has it, and the number of dead letters."""
    outputs = replay(MemoryDriver(all_agents(ruleset)), files, READ)
    found, done, taken_back, refused = [], {}, set(), 0
    verdicts: dict[str, str] = {}
    for output in outputs:
        value = msgspec.json.decode(output.value)
        if "retracts" in value:
            taken_back.add(value["retracts"])
        elif output.topic == "detections":
            found.append((value["id"], value["mode"] == "live"))
        elif output.topic == "proposals" and value["kind"] == "propose":
            verdicts[value["id"]] = ""
        elif output.topic == "enforcement" and "undoes" not in value:
            done[value["detections"][0]] = value["action"]
            verdicts[value["id"]] = GRANTED
        elif output.topic == "review-queue" and value["reason"] == "held":
            verdicts[value["proposal"]] = value["held_by"]
        refused += output.topic == "dead-letters"
    left = [(id_, live, done.get(id_)) for id_, live in found if id_ not in taken_back]
    return Counter([*left, *verdicts.items()]), refused


def told(finds: Finds) -> Counter[Any]:
    """The detections, live or not and what was done about them, and the verdicts on proposals."""
    found = [(find.id, find.live, find.action) for find in finds.by_id.values()]
    return Counter([*found, *((id_, one.verdict) for id_, one in finds.proposed.items())])


def inputs_only(path: Path, lines: list[dict[str, Any]]) -> Path:
    return write(path, [line for line in lines if line["topic"] in READ])


def surveyed(task_: Task, of: int = 1) -> tuple[tuple[Finds, Finds], list[Survey]]:
    """What both sides come to with the accounts split into so many shares."""
    with TemporaryDirectory() as directory:
        found = [shard(task_, n, of, Path(directory), lambda _: None) for n in range(of)]
        return both(task_, task_.load(), found, lambda _: None), found


def figures_of(task_: Task, processes: int = 1) -> Tally:
    return run(task_, task_.load(), processes, lambda _: None)


UNLESS = "unless: {rules: [reviewed], within: %s}"
SETS = [
    (pattern("ladder"), pattern("ordered")),
    (pattern("ladder", count=4), pattern("ordered")),
    (pattern("ladder", status="test"), pattern("ordered", span="40m")),
    (pattern("grouped"), pattern("devices", action="restrict"), pattern("ordered")),
    (pattern("grouped", more="cooldown: 2m"), pattern("devices", count=2, action="")),
    (pattern("ladder", span="40d", count=9), pattern("devices")),
    (pattern("absent", count=1, more=UNLESS % "30m"), pattern("average", more="rollout: 50")),
    (pattern("absent", count=1, more=UNLESS % "40m"), pattern("average", count=7)),
    (pattern("absent", count=1, status="test", more=UNLESS % "30m"), pattern("average")),
    (
        pattern("ladder", action="prevention.message", more="budget: 1"),
        pattern("shared", action="restrict"),
    ),
    (pattern("ladder", count=2), pattern("shared", count=2, span="40m", action="restrict")),
    (pattern("devices", more="budget: 1"), pattern("shared", count=2, span="40m", status="test")),
]


@pytest.mark.parametrize("seed", range(32))
def test_both_sides_find_what_two_replays_find_however_the_accounts_are_split(tmp_path, seed):
    source = random.Random(seed)
    lines = traffic(seed)
    if seed % 3 == 0:
        source.shuffle(lines)
    half = len(lines) // 2
    files = [write(tmp_path / "1.jsonl", lines[:half]), write(tmp_path / "2.jsonl", lines[half:])]
    plain = [
        inputs_only(tmp_path / "3.jsonl", lines[:half]),
        inputs_only(tmp_path / "4.jsonl", lines[half:]),
    ]
    old, new = (rules(tmp_path / name, *source.choice(SETS)) for name in ("old", "new"))
    sides_, parts = surveyed(task(tmp_path, *files), 1 + seed % 4)
    for finds, ruleset in zip(sides_, (old, new), strict=True):
        expected, refused = replayed(ruleset, plain)
        assert told(finds) == expected
        assert sum(part.refused for part in parts) == refused > 0
        assert expected
    assert sum(part.signals for part in parts) == sum(line["topic"] in READ for line in lines)


def test_whoever_only_an_entity_speaks_of_is_decided_about_too(tmp_path):
    new = rules(tmp_path / "new", pattern("shared", count=2, action="restrict"))
    rules(tmp_path / "old", pattern("ladder"))
    lines = [
        {"topic": "activity", "key": account, "ts": START + n * MINUTE,
         "value": {"id": f"s{n}", "account": account, "at": START + n * MINUTE,
                   "kind": "prompt.refused", "device": "d1"}}
        for n, account in enumerate(("a1", "a2", "a3"))
    ]  # fmt: skip
    path = write(tmp_path / "lines.jsonl", lines)
    (_, found), parts = surveyed(task(tmp_path, path), 2)
    assert not any(part.accounts for part in parts)
    assert told(found) == replayed(new, [path])[0]
    assert [one.verdict for one in found.proposed.values()] == [GRANTED] * 3


def test_where_only_a_window_remembers_an_id_each_rule_set_runs_by_itself(tmp_path):
    """The device count would see the repeated id as news if the ladder's window were not there."""
    signal = {"kind": "prompt.refused", "account": "a1"}
    lines = [
        {"topic": "activity", "ts": at, "key": "a1", "value": signal | {"id": id_, "at": at, "device": device}}
        for at, id_, device in (
            [(START, "again", "d1")]
            + [(START + 60_000 + n, f"s{n}", "d2") for n in range(70)]
            + [(START + 40 * MINUTE, "again", "d3"), (START + 40 * MINUTE + 1, "last", "d4")]
        )
    ]  # fmt: skip
    path = write(tmp_path / "again.jsonl", lines)
    # The window that remembers the first record is the ladder's; the other has forgotten it.
    ladder = pattern("ladder", count=60, span="50m", more="lateness: 6m")
    old = rules(tmp_path / "old", ladder)
    new = rules(
        tmp_path / "new", ladder, pattern("devices", count=2, span="10m", more="lateness: 6m")
    )
    (_, found), _ = surveyed(task(tmp_path, path))
    assert told(found) == replayed(new, [path])[0]
    together = sides.Sides(old, new)
    record = ("activity", b"a1", msgspec.json.encode(lines[0]["value"]), START)
    records = [record] + [
        ("activity", b"a1", msgspec.json.encode(line["value"]), line["ts"]) for line in lines[1:]
    ]
    with pytest.raises(sides.NotExact):
        together.feed(records)


def test_what_is_the_same_is_evaluated_once_and_a_change_of_words_is_none(tmp_path):
    ladder = pattern("ladder")
    old = rules(tmp_path / "old", ladder, pattern("devices"), pattern("ordered"))
    new = rules(
        tmp_path / "new",
        ladder.replace("title: ladder", "title: Another name"),
        pattern("devices", status="test"),
        pattern("ordered", span="21m"),
    )
    assert sides.same_patterns(old, new) == {named(old, "ladder").id}


def test_processes_add_up_to_one(tmp_path):
    rules(tmp_path / "old", *SETS[0])
    rules(tmp_path / "new", *SETS[1])
    path = write(tmp_path / "lines.jsonl", traffic(5, accounts=30, signals=1_500))
    bytes_read: list[int] = []
    same = task(tmp_path, path)
    alone = run(same, same.load(), 1, bytes_read.append)
    assert sum(bytes_read) == (1 + DECISIONS) * path.stat().st_size
    assert figures_of(same, 2) == alone
    assert alone.lost
    assert alone.kept


def test_finds_of_a_changed_pattern_are_paired_by_what_they_say(tmp_path):
    old = rules(tmp_path / "old", pattern("ladder", count=3))
    new = rules(tmp_path / "new", pattern("ladder", count=4))
    lines = []
    for account, times in (("a1", 3), ("a2", 9)):
        for number in range(times):
            at = START + number * MINUTE
            value = {"id": f"s{number}", "account": account, "at": at, "kind": "prompt.refused"}
            lines.append({"topic": "activity", "key": account, "value": value, "ts": at})
    path = write(tmp_path / "lines.jsonl", sorted(lines, key=lambda line: line["ts"]))
    figures = figures_of(task(tmp_path, path))
    id_ = named(old, "ladder").id
    assert named(new, "ladder").id == id_
    assert figures.kept == {id_: 1}
    assert figures.moved == {id_: [MINUTE]}
    assert figures.lost[id_].finds == 1
    assert figures.lost[id_].examples[0].account == "a1"
    assert figures.gained == {}
    assert (figures.touched_before, figures.touched_now) == (1, 0)
    assert (figures.old.touched, figures.new.touched) == (2, 1)


def test_days_of_the_traffic_are_counted_in_utc(tmp_path):
    ladder = pattern("ladder", count=1, more="cooldown: 10m")
    rules(tmp_path / "old", ladder)
    rules(tmp_path / "new", ladder)
    midnight = (START // DAY + 1) * DAY
    lines = [
        {"topic": "activity", "key": "a1", "ts": at,
         "value": {"id": f"s{at}", "account": "a1", "at": at, "kind": "prompt.refused"}}
        for at in (midnight - 120 * MINUTE, midnight - 1, midnight + 120 * MINUTE)
    ]  # fmt: skip
    path = write(tmp_path / "lines.jsonl", lines)
    figures = figures_of(task(tmp_path, path))
    day = midnight // DAY
    assert figures.new.proposed == {(day - 1, "warn"): 2, (day, "restrict"): 1}
    assert figures.new.granted == figures.new.proposed


def test_a_process_that_is_killed_is_told_and_ends_the_others(tmp_path):
    rules(tmp_path / "old", *SETS[0])
    rules(tmp_path / "new", *SETS[1])
    path = write(tmp_path / "lines.jsonl", traffic(5, accounts=30, signals=1_500))

    def kill() -> None:
        deadline = time.monotonic() + 30
        while not (children := multiprocessing.active_children()):
            assert time.monotonic() < deadline
        children[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ProcessGone, match="--jobs"):
        figures_of(task(tmp_path, path), 2)
    killer.join()
    assert not multiprocessing.active_children()
