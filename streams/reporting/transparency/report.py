"""The report: what is told of a tally, everything small left out. What writes it adds nothing.

Figures of the tables go through `withholding`; shares are made of figures that are told; a median
is told where at least k people's times are in it and the figure of them is told. None of the numbers stands in two tables, so
each table can be decided for itself. The number of distinct people acted on is of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.policy import LADDER
from streams.policy.settling import OVERTURNED, UPHELD
from streams.records import PROPOSABLE
from streams.reporting.transparency.stages import ACTED_ON
from streams.reporting.transparency.tables import WHOLE, Column, Table
from streams.reporting.transparency.tally import (
    AGAIN,
    APPEAL,
    FIRST,
    TOPICS,
    Period,
    Tally,
)
from streams.reporting.transparency.times import Times
from streams.reporting.transparency.withholding import Withheld, withhold

DEFAULT_K = 5
_DAY_MS = 86_400_000

_SHEETS = {
    "found": ("What was found", "harm", "hits"),
    "acted_on": ("What led to actions", "stage", ""),
    "done": ("What was done", "harm", "actions"),
    "reviewed": ("What people decided", "harm", "decisions"),
}
"""Title of each table, what its rows are, and what is counted beside accounts."""


_GO_TOGETHER = (*((action,) for action in PROPOSABLE if action not in LADDER), ("suspend",))
"""Zero tolerance preserves, removes, and suspends or locks: who knows that and all but one knows it."""


class Told(NamedTuple):
    """A figure: accounts, each once per row and innermost column, and events."""

    accounts: int
    events: int


class Sheet(NamedTuple):
    """A table as it is told. `figures` has None for what is withheld.

    `people` is the number of distinct accounts, None if withheld. `events` names what is counted
    beside them, "" where that is not told.
    """

    name: str
    title: str
    by: str
    events: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    figures: Mapping[tuple[str, Column], Told | None]
    people: int | None

    def told(self, row: str, column: Column) -> Told | None:
        """A figure, None if it is withheld; zeros for a row that isn't there."""
        return self.figures.get((row, column), Told(0, 0))


class Share(NamedTuple):
    """So many of so many accounts; of what is withheld, None."""

    part: int | None
    whole: int | None

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing can be said."""
        return self.part / self.whole if self.part is not None and self.whole else None


class Report(NamedTuple):
    """Everything that is told. Shares and medians (ms) by what their names say, and harm or row.

    `again`: of the accounts a rung was done to, those whose conduct recurred. `overturned`: of
    decided cases, events, at the first look and on appeal. `covered`: per topic the oldest and
    newest time (ms).
    """

    period: Period
    k: int
    found: Sheet
    done: Sheet
    acted_on: Sheet
    reviewed: Sheet
    again: Mapping[tuple[str, str], Share]
    overturned: Mapping[tuple[str, str], Share]
    to_action: Mapping[tuple[str, str], int | None]
    to_decision: Mapping[tuple[str, str], int | None]
    covered: Mapping[str, tuple[int, int]]
    notes: tuple[str, ...]

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The tables, in their order."""
        return self.found, self.acted_on, self.done, self.reviewed


def make(tally: Tally, period: Period, k: int = DEFAULT_K) -> Report:
    """What is told of a tally so that nothing about fewer than `k` people is."""
    led_to = withhold(tally.acted_on, k)
    what = withhold(tally.done, k, people_told=not led_to.people, together=_GO_TOGETHER)
    if what.people and not led_to.people:
        led_to = withhold(tally.acted_on, k, people_told=False)
    found = _sheet("found", tally.found, withhold(tally.found, k))
    acted_on = _sheet("acted_on", tally.acted_on, led_to)
    acted_on = acted_on._replace(
        rows=tuple(stage for stage in ACTED_ON if stage in acted_on.rows), columns=((),)
    )
    done = _sheet("done", tally.done, what)
    reviewed = _sheet("reviewed", tally.reviewed, withhold(tally.reviewed, k))
    return Report(
        period=period,
        k=k,
        found=found,
        done=done,
        acted_on=acted_on,
        reviewed=reviewed,
        again={
            (row, rung): _share(done, row, (rung, AGAIN), (rung,), events=False)
            for row in (*done.rows, WHOLE)
            for rung in LADDER
        },
        overturned={
            (row, at): _overturned(reviewed, row, at)
            for row in (*reviewed.rows, WHOLE)
            for at in (FIRST, APPEAL)
        },
        to_action=_medians(
            tally.to_action,
            k,
            {"": (done, ()), "harm": (done, ()), "action": (done, ()), "stage": (acted_on, ())},
        ),
        to_decision=_medians(
            tally.to_decision, k, {"": (reviewed, (APPEAL,)), "harm": (reviewed, (APPEAL,))}
        ),
        covered={topic: tally.covered[topic] for topic in TOPICS if topic in tally.covered},
        notes=_notes(tally, period),
    )


def _sheet(name: str, table: Table, withheld: Withheld) -> Sheet:
    """A table as it is told; columns with nothing in them are left out."""
    title, by, events = _SHEETS[name]
    return Sheet(
        name=name,
        title=title,
        by=by,
        events=events,
        rows=tuple(table.rows),
        columns=tuple(one for one in table.columns if not one or table.accounts((WHOLE, one))),
        figures={
            figure: None
            if figure in withheld.figures
            else Told(table.accounts(figure), table.events(figure))
            for figure in table.figures()
        },
        people=None if withheld.people else table.people((WHOLE, ())),
    )


def _share(sheet: Sheet, row: str, part: Column, whole: Column, *, events: bool) -> Share:
    one, all_ = sheet.told(row, part), sheet.told(row, whole)
    return Share(*(None if told is None else told[events] for told in (one, all_)))


def _overturned(sheet: Sheet, row: str, at: str) -> Share:
    """Of what was decided, so that open appeals don't count as upheld."""
    upheld, overturned = (sheet.told(row, (at, outcome)) for outcome in (UPHELD, OVERTURNED))
    if upheld is None or overturned is None:
        return Share(None, None)
    return Share(overturned.events, upheld.events + overturned.events)


def _medians(
    times: Mapping[tuple[str, str], Times], k: int, accounts: Mapping[str, tuple[Sheet, Column]]
) -> Mapping[tuple[str, str], int | None]:
    """Those of at least k accounts, where the figure of the same accounts is told as well.

    A median where the figure is withheld would say that the figure isn't small. `accounts` says by
    what a time stands which table and column has them; the column `()` of `action` is the action.
    """
    told = {}
    for (by, of), one in sorted(times.items()):
        sheet, column = accounts[by]
        figure = (WHOLE, (of,)) if by == "action" else (of or WHOLE, column)
        known = sheet.told(*figure) is not None and len(one.people) >= k
        told[by, of] = one.median() if known else None
    return told


def _notes(tally: Tally, period: Period) -> tuple[str, ...]:
    notes = []
    for topic in TOPICS:
        if topic not in tally.covered:
            notes.append(f"{topic}: there is no record")
        elif tally.covered[topic][0] >= period.start + _DAY_MS:
            notes.append(f"{topic}: no record is as old as the period's first day")
        if unreadable := tally.unreadable[topic]:
            notes.append(f"{topic}: left out as no records of it: {unreadable}")
    if tally.unknown_decisions:
        notes.append("reviews: some speak of decisions that aren't recorded, and aren't counted")
    return tuple(notes)
