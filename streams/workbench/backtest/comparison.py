"""The answer of a backtest: the figures, set against each other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from streams.patterns import Pattern, RuleSet
from streams.recording import Progress
from streams.workbench.backtest.finds import DAY_MS
from streams.workbench.backtest.passes import run
from streams.workbench.backtest.shards import Task
from streams.workbench.backtest.tally import Change, PatternFigures, SideFigures, Tally


class PerDay(NamedTuple):
    """Something counted by day: in all, on average, and on the fullest day (days since the epoch)."""

    total: int
    mean: float
    most: int
    most_on: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One pattern. `old` and `new` are None where a rule set doesn't have it.

    `moved_ms` is by how much the middle one of the finds that are kept is later; negative: earlier.
    """

    id: str
    old: Pattern | None
    new: Pattern | None
    before: PatternFigures
    after: PatternFigures
    kept: int
    lost: Change
    gained: Change
    moved_ms: int

    @property
    def title(self) -> str:
        """What it is called, now or before."""
        pattern = self.new or self.old
        assert pattern is not None
        return pattern.title

    @property
    def change(self) -> str:
        """What became of it: ``new``, ``removed``, ``changed``, ``shadow → live``, or ``same``."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "removed"
        changed = ["changed"] if self.old.version != self.new.version else []
        if self.old.mode != self.new.mode:
            changed.append(f"{self.old.mode} → {self.new.mode}")
        return ", ".join(changed) or "same"


@dataclass(frozen=True, slots=True)
class Side:
    """One rule set: its figures, and what a day brings.

    `proposed` by action; of all of them so many were `granted` at once and `held` for a person.
    `queue` are the items of the review queue: what people have to look at.
    """

    ruleset: RuleSet
    figures: SideFigures
    proposed: Mapping[str, PerDay]
    granted: PerDay
    held: PerDay
    queue: PerDay


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that can be said. `days` is how long the recording is, at least 1."""

    task: Task
    old: Side
    new: Side
    rows: tuple[Row, ...]
    tally: Tally
    days: float
    processes: int
    took_s: float


def compare(task: Task, processes: int, progress: Progress) -> Comparison:
    """Run both rule sets over the recording. Raises as `passes.run`."""
    began = time.monotonic()
    old, new = task.load()
    figures = run(task, (old, new), processes, progress)
    span_ms = (figures.last or 0) - (figures.first or 0)
    days = max(1.0, span_ms / DAY_MS)
    return Comparison(
        task,
        _side(old, figures.old, days),
        _side(new, figures.new, days),
        tuple(_rows(old, new, figures)),
        figures,
        days,
        processes,
        time.monotonic() - began,
    )


def _side(ruleset: RuleSet, figures: SideFigures, days: float) -> Side:
    by_action: dict[str, Counter[int]] = {}
    for (day, action), count in figures.proposed.items():
        by_action.setdefault(action, Counter())[day] += count
    return Side(
        ruleset,
        figures,
        {action: _per_day(by_action[action], days) for action in sorted(by_action)},
        *(_per_day(_by_day(one), days) for one in (figures.granted, figures.held, figures.queue)),
    )


def _by_day(counts: Counter[tuple[int, str]]) -> Counter[int]:
    days: Counter[int] = Counter()
    for (day, _), count in counts.items():
        days[day] += count
    return days


def _per_day(counts: Counter[int], days: float) -> PerDay:
    total = counts.total()
    if not total:
        return PerDay(0, 0.0, 0, None)
    day, most = max(counts.items(), key=lambda item: (item[1], -item[0]))
    return PerDay(total, total / days, most, day)


def _rows(old: RuleSet, new: RuleSet, figures: Tally) -> Iterable[Row]:
    before = {pattern.id: pattern for pattern in old.patterns}
    after = {pattern.id: pattern for pattern in new.patterns}
    rows = [
        Row(
            id_,
            before.get(id_),
            after.get(id_),
            figures.old.patterns.get(id_, PatternFigures()),
            figures.new.patterns.get(id_, PatternFigures()),
            figures.kept[id_],
            figures.lost.get(id_, Change()),
            figures.gained.get(id_, Change()),
            int(median(figures.moved[id_])) if id_ in figures.moved else 0,
        )
        for id_ in {**before, **after}
    ]
    return sorted(rows, key=lambda row: (row.title, row.id))
