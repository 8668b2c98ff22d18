"""What people see of a report: tables of texts, and the bars that draw their sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.policy import LADDER
from streams.reporting.transparency import words
from streams.reporting.transparency.report import Report, Share, Sheet, Told
from streams.reporting.transparency.tables import WHOLE
from streams.reporting.transparency.tally import APPEAL, FIRST

Row = tuple[str, ...]


class Bar(NamedTuple):
    """A line of a chart; `length` from 0 to 1, None where it is withheld."""

    name: str
    length: float | None
    text: str


class Chart(NamedTuple):
    """Bars under a title, which is also what a screen reader says."""

    title: str
    bars: tuple[Bar, ...]


class Grid(NamedTuple):
    """A table of texts, the first cell of each row its name."""

    title: str
    head: Row
    rows: tuple[Row, ...]
    charts: tuple[Chart, ...] = ()


def heads(report: Report) -> Iterator[tuple[str, str]]:
    """The numbers above all tables: distinct accounts."""
    for what, sheet in (
        ("accounts something was found about", report.found),
        ("accounts something was done to", report.done),
        ("accounts whose decisions people looked at", report.reviewed),
    ):
        yield what, words.count(sheet.people)


def grids(report: Report) -> Iterator[Grid]:
    """All tables, in their order."""
    for sheet in report.sheets:
        yield _of_figures(sheet)
    yield _of_shares(
        "Whether it helped: conduct of the same harm after each rung",
        "conduct again, of the accounts it was done to",
        LADDER,
        [(row, [report.again[row, rung] for rung in LADDER]) for row in (*report.done.rows, WHOLE)],
    )
    yield _of_shares(
        "How often a decision was overturned",
        "overturned, of what was decided",
        (FIRST, APPEAL),
        [
            (row, [report.overturned[row, at] for at in (FIRST, APPEAL)])
            for row in (*report.reviewed.rows, WHOLE)
        ],
    )
    yield _of_times(report)


def covered(report: Report) -> Grid:
    """Which days each topic's records are of."""
    return Grid(
        "What it rests on",
        ("topic", "oldest record", "newest"),
        tuple(
            (topic, words.day(oldest), words.day(newest))
            for topic, (oldest, newest) in report.covered.items()
        ),
    )


def _of_figures(sheet: Sheet) -> Grid:
    """Sums come last. Of actions, how often conduct recurred has a table of its own."""
    columns = [one for one in sheet.columns[1:] if sheet.name != "done" or len(one) == 1]
    charts = []
    if columns:
        tops = [(words.column_name(one), sheet.told(WHOLE, one)) for one in columns]
        charts.append(_counts(f"{sheet.title}: accounts", tops))
    by = [(row, sheet.told(row, ())) for row in sheet.rows]
    charts.append(_counts(f"{sheet.title}: accounts by {sheet.by}", by))
    return Grid(
        sheet.title,
        (sheet.by, *(words.column_name(one) for one in (*columns, ()))),
        tuple(
            (
                words.row_name(row),
                *(words.figure(sheet.told(row, one), sheet.events) for one in (*columns, ())),
            )
            for row in (*sheet.rows, WHOLE)
        ),
        tuple(charts),
    )


def _counts(title: str, told: Sequence[tuple[str, Told | None]]) -> Chart:
    most = max((one.accounts for _, one in told if one is not None), default=0) or 1
    bars = (
        Bar(name, None if one is None else one.accounts / most, words.figure(one, ""))
        for name, one in told
    )
    return Chart(title, tuple(bars))


def _of_shares(
    title: str, about: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[Share]]]
) -> Grid:
    sums = zip(names, rows[-1][1], strict=True)
    bars = (Bar(name, one.share, words.share(one)) for name, one in sums if one.whole != 0)
    return Grid(
        title,
        ("harm", *names),
        tuple((words.row_name(row), *map(words.share, shares)) for row, shares in rows),
        (Chart(about, tuple(bars)),),
    )


def _of_times(report: Report) -> Grid:
    """Medians; a line none of which is told is left out."""
    told = (report.to_action, report.to_decision)
    return Grid(
        "How long it took (median)",
        ("of", "hit to action", "appeal to decision"),
        tuple(
            (
                f"{by}: {of}" if by else words.ALL,
                *(words.took(one[by, of]) if (by, of) in one else "" for one in told),
            )
            for by, of in sorted({*report.to_action, *report.to_decision})
            if any(one.get((by, of)) is not None for one in told)
        ),
    )
