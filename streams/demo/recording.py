"""The demo's day: simulated once, kept with its truth so that it can be replayed."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import zstandard

from streams.simulate import truth
from streams.simulate.lines import Line, as_json_lines
from streams.simulate.plan import Plan
from streams.simulate.play import Simulation

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A simulated day in memory, and where it is kept."""

    lines: list[Line]
    orders: array[int]
    """The order of each line: ascending."""
    hidden: list[truth.Hidden]
    day: Path
    truth: Path


def record(plan: Plan, directory: Path) -> Recording:
    """Simulate `plan` and write ``day.jsonl.zst`` and ``truth.jsonl`` into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(plan)
    lines = list(chain.from_iterable(simulation.chunks()))
    day, hidden = directory / "day.jsonl.zst", directory / "truth.jsonl"
    with zstandard.open(day, "wt", encoding="utf-8") as file:
        for at in range(0, len(lines), _CHUNK):
            file.write(as_json_lines(lines[at : at + _CHUNK]))
    truth.write(hidden, simulation.truth)
    orders = array("q", (line[0] for line in lines))
    return Recording(lines, orders, simulation.truth, day, hidden)
