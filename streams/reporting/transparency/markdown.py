"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from streams.reporting.transparency import words
from streams.reporting.transparency.grids import Grid, covered, grids, heads
from streams.reporting.transparency.report import Report


def render(report: Report) -> str:
    """All of it, a heading per table."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Transparency report, {words.period(report)}"
    yield from ("", words.rule(report), "")
    for what, number in heads(report):
        yield f"- {number} {what}"
    for grid in (*grids(report), covered(report)):
        yield from ("", f"## {grid.title}", *_table(grid))
    if report.notes:
        yield ""
    for note in report.notes:
        yield f"- {note}"


def _table(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(grid.head)} |"
    yield f"|---|{'--:|' * (len(grid.head) - 1)}"
    for row in grid.rows:
        yield f"| {' | '.join(row)} |"
