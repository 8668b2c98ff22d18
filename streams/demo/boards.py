"""What the five boards show at the end of the demo, by their own queries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import json
from rich.table import Table

from streams.demo.prometheus import Prometheus
from streams.tap.show import duration

_DIRECTORY = Path(__file__).parents[2] / "dashboards"
"""A checkout has them; what is installed has not."""
_TOP = 3

_FILLED = {
    '=~"$job"': '=~"vigil"',
    '=~"$instance"': '=~".+"',
    '=~"$pattern"': '=~".+"',
    "$__rate_interval": "1m",
}
"""Grafana's variables, much as it fills them in with *All* chosen."""


class Series(NamedTuple):
    """What one line of a panel is called, and where it is now."""

    name: str
    labels: dict[str, str]
    value: float


class Panel(NamedTuple):
    """A panel's title, its kind and unit by Grafana's names, and its series, greatest first."""

    title: str
    kind: str
    unit: str
    series: list[Series]


class Board(NamedTuple):
    """A board's title, and what its panels show."""

    title: str
    panels: list[Panel]


def files() -> list[Path]:
    """The boards there are to be shown."""
    return sorted(_DIRECTORY.glob("*.json"))


def filled(expr: str) -> str:
    """A board's expression as Grafana sends it."""
    for variable, value in _FILLED.items():
        expr = expr.replace(variable, value)
    return expr


async def read(prometheus: Prometheus) -> list[Board]:
    """What all boards show now. Raises `NotWatched`."""
    await prometheus.scraped()
    return [await _board(prometheus, json.decode(file.read_bytes())) for file in files()]


async def _board(prometheus: Prometheus, board: Mapping[str, Any]) -> Board:
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    read = await asyncio.gather(*(_panel(prometheus, panel) for panel in panels))
    return Board(board["title"].rpartition(" / ")[2], list(read))


async def _panel(prometheus: Prometheus, panel: Mapping[str, Any]) -> Panel:
    series = [
        Series(_named(target, one["metric"]), one["metric"], float(one["value"][1]))
        for target in panel["targets"]
        for one in await prometheus.query(filled(target["expr"]))
    ]
    series.sort(key=lambda one: (isnan(one.value), -one.value))
    return Panel(panel["title"], panel["type"], panel["fieldConfig"]["defaults"]["unit"], series)


def _named(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    legend = target.get("legendFormat", "__auto")
    if legend == "__auto":
        return labels.get("title") or ", ".join(labels.values())
    return re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], ""), legend)


def table(boards: list[Board]) -> Table:
    """The numbers at the top of each board; of one without any, what its first panel has most of."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column()
    for board in boards:
        numbers = [panel for panel in board.panels if panel.kind == "stat"]
        said = [f"{one.title} {_shown(one.series[0], one.unit)}" for one in numbers if one.series]
        if not numbers:
            first = board.panels[0]
            most = [f"{one.name} {_shown(one, first.unit)}" for one in first.series[:_TOP]]
            said = [f"{first.title}: {', '.join(most)}"]
        rows.add_row(f"  {board.title}", " · ".join(said), style=None)
    return rows


def _shown(series: Series, unit: str) -> str:
    value = series.value
    if isnan(value):
        return "–"  # a share of nothing
    match unit:
        case "percentunit":
            return f"{value:.1%}"
        case "s":
            ms = round(value * 1_000)
            return f"{ms} ms" if 0 < value < 1 else duration(ms)
        case "cps":
            return f"{value:,.0f}/s"
        case _:
            return f"{value:,.0f}"


def as_json(boards: list[Board]) -> dict[str, Any]:
    """All of it, for programs: board → panel → series; null is a share of nothing."""
    return {
        board.title: {
            panel.title: [
                {"labels": one.labels, "value": None if isnan(one.value) else one.value}
                for one in panel.series
            ]
            for panel in board.panels
        }
        for board in boards
    }
