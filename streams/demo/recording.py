"""The demo's day: simulated once, kept with its truth so that it can be replayed."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import zstandard

from streams.simulate import truth
from streams.simulate.lines import Line, as_json_lines, ts_of
from streams.simulate.plan import Plan
from streams.simulate.play import Simulation

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A simulated day in memory, what came before it, and where both are kept."""

    before: list[Line]
    day: list[Line]
    begin_ms: int
    """When the day begins, ms since the epoch."""
    hidden: list[truth.Hidden]
    file: Path
    truth: Path


def record(plan: Plan, directory: Path) -> Recording:
    """Simulate `plan` and write ``day.jsonl.zst`` and ``truth.jsonl`` into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(plan)
    lines = list(chain.from_iterable(simulation.chunks()))
    file, hidden = directory / "day.jsonl.zst", directory / "truth.jsonl"
    with zstandard.open(file, "wt", encoding="utf-8") as out:
        for at in range(0, len(lines), _CHUNK):
            out.write(as_json_lines(lines[at : at + _CHUNK]))
    truth.write(hidden, simulation.truth)
    first = bisect_left(lines, plan.begin_ms, key=lambda line: ts_of(line[0]))
    return Recording(lines[:first], lines[first:], plan.begin_ms, simulation.truth, file, hidden)
