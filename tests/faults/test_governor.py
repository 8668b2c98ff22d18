"""Budgets on a real broker: exact over all workers, however often they are killed.

It was seen failing: with a budget kept in the handler instead of the state, a killed worker's
successor granted it once more.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from tests.agents.governing import HOUR, Input, command, proposal
from tests.faults.drill import wait_until
from tests.faults.governing import Governors

PATTERNS = 8
PROPOSALS = 600  # a pattern's, over
HOURS = 4
BUDGET = 70  # more than a quarter of them are asked for in some hours, and less in none
WORKERS = ("w1", "w2", "w3")


def asked() -> list[list[Input]]:
    """The proposals of all patterns, mixed, in parts; each pattern's in any order of hours."""
    dice = random.Random(3)
    everything = [
        proposal(
            f"e{pattern}-{number}",
            dice.randrange(HOURS) * HOUR + dice.randrange(HOUR),
            pattern=f"pattern{pattern}",
            budget_hour=BUDGET,
        )
        for pattern in range(PATTERNS)
        for number in range(PROPOSALS)
    ]
    dice.shuffle(everything)
    size = len(everything) // 8
    return [everything[at : at + size] for at in range(0, len(everything), size)]


def test_no_budget_is_exceeded_or_left_unused_over_three_workers_killed_again_and_again(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    now_ms = int(time.time() * 1000)
    since_ms = now_ms // (24 * HOUR) * 24 * HOUR - 24 * HOUR
    parts = asked()
    inputs = [one for part in parts for one in part]
    with Governors(kafka, prefix, tmp_path, undo_step=50) as governors:

        def settled(count: int) -> bool:
            return len(governors.committed("account-signals")) >= count

        for name in WORKERS:
            governors.start(name)
        written = 0
        for number, part in enumerate(parts):
            governors.write(part, since_ms=since_ms)
            # What is written again is decided already.
            governors.write(part[:60], since_ms=since_ms)
            written += len(part)
            if number in (1, 4):
                before = written - len(part)
                wait_until(lambda before=before: settled(before + 1), "some of it to be decided")
                name = f"w{number // 2 + 1}"  # another one each time
                governors.kill(name)
                governors.start(name)
        wait_until(lambda: settled(written), "every proposal to be decided", 90)
        granted = [one["id"] for one in governors.committed("enforcement")]
        held = [one["proposal"] for one in governors.committed("review-queue")]
        assert sorted(granted + held) == sorted(one.value["id"] for one in inputs)
        hour = {one.value["id"]: (one.value["pattern"], one.at // HOUR) for one in inputs}
        wanted = Counter(hour.values())
        assert Counter(hour[one] for one in granted) == {
            of: min(BUDGET, count) for of, count in wanted.items()
        }
        # All that one version was granted is taken back over another kill, once, and nothing else.
        governors.write([command("undo", "v1", pattern="pattern0")], since_ms=now_ms)
        mine = sorted(one for one in granted if hour[one][0] == "pattern0")
        wait_until(lambda: len(undone(governors)) > 0, "the undo to begin")
        for name in WORKERS:
            governors.kill(name)
            governors.start(name)
        wait_until(lambda: len(undone(governors)) >= len(mine), "the undo to end", 90)
        assert sorted(undone(governors)) == mine


def undone(governors: Governors) -> list[str]:
    return [one["undoes"] for one in governors.committed("enforcement") if "undoes" in one]
