"""What a board is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

GRID = 24
"""Grafana's columns."""


class Look(Enum):
    """How a panel shows its series."""

    LINES = "timeseries"
    STACK = "stack"
    NUMBER = "stat"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called; `legend` may hold `{{label}}`.

    Every metric in it is narrowed to the chosen job and workers when the board is written.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `unit` is Grafana's name of a unit; `about` says what to do when it looks bad.

    `bad` is the value from which on it looks bad, `good_above` says that it does below instead.
    `width` is in columns of `GRID`. `columns` are a table's, in order: label, or `Value`, and heading.
    `empty` is said where there is nothing to show, and that is as it should be.
    """

    title: str
    unit: str
    about: str
    queries: tuple[Query, ...]
    look: Look = Look.LINES
    width: int = 8
    bad: float | None = None
    good_above: bool = False
    at_most: float | None = None
    columns: tuple[tuple[str, str], ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading; their widths fill whole lines."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: `name` is its file's, `uid` the one its address has."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
    by_pattern: bool = False

    @property
    def uid(self) -> str:
        """Grafana's id for it."""
        return f"vigil-{self.name}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def number(
    title: str,
    unit: str,
    about: str,
    expr: str,
    *,
    bad: float | None = None,
    good_above: bool = False,
) -> Panel:
    """A panel with one number."""
    return Panel(
        title, unit, about, (Query(expr),), Look.NUMBER, width=4, bad=bad, good_above=good_above
    )


def titled(expr: str) -> str:
    """The same by pattern, with the pattern's title; only patterns in force have one."""
    return f"({expr}) * on (pattern) group_left (title) topk by (pattern) (1, vigil_pattern_info)"
