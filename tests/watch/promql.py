"""What an expression asks for, and what there is to be asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml

from streams.demo import boards
from streams.metrics.series import Series

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
RUNBOOKS = ROOT / "docs" / "runbooks"

ANYWHERE = frozenset({"job", "instance"})
"""Labels Prometheus itself puts on each series."""


class Selector(NamedTuple):
    """One selector: the metric, what its labels must be, and how long ago."""

    metric: str
    matchers: tuple[tuple[str, str], ...]
    offset: timedelta | None
    text: str

    def __str__(self) -> str:
        return self.text


def filled(expr: str) -> str:
    """A board's expression as Grafana sends it, with every variable known."""
    expr = boards.filled(expr)
    assert "$" not in expr, expr
    return expr


def selectors(expr: str) -> Iterator[Selector]:
    """Every selector of an expression, which has to parse."""
    found: list[Any] = []
    promql_parser.walk(
        promql_parser.parse(expr),
        lambda node: found.append(node) if isinstance(node, promql_parser.VectorSelector) else None,
    )
    for one in found:
        matchers = tuple((matcher.name, matcher.value) for matcher in one.matchers.matchers)
        yield Selector(one.name, matchers, one.offset, one.prettify())


def called(expr: str) -> Iterator[tuple[str, str, timedelta]]:
    """Each function of an expression that takes a range: its name, the metric, the range."""
    found: list[Any] = []
    promql_parser.walk(
        promql_parser.parse(expr),
        lambda node: found.append(node) if isinstance(node, promql_parser.Call) else None,
    )
    for call in found:
        for argument in call.args:
            if isinstance(argument, promql_parser.MatrixSelector):
                yield call.func.name, argument.vector_selector.name, argument.range


@cache
def metrics() -> dict[str, frozenset[str]]:
    """Name → labels of every series there is: a worker's, Prometheus' own, and recorded ones."""
    series = Series({})
    known = {"up": frozenset[str]()}
    for one in series.table:
        labels = frozenset(one.labels)
        known[one.name] = labels
        if one.type == "histogram":
            known[f"{one.name}_bucket"] = labels | {"le"}
            known[f"{one.name}_count"] = known[f"{one.name}_sum"] = labels
    for family in series.registry.collect():
        if family.name.startswith("process_"):
            known[family.name + ("_total" if family.type == "counter" else "")] = frozenset()
    for rule in rules():
        if "record" in rule:
            known[rule["record"]] = frozenset()
    return known


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Every rule of alerts.yml."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return tuple(rule for group in groups for rule in group["rules"])


def alerts() -> tuple[dict[str, Any], ...]:
    """The alerts among them."""
    return tuple(rule for rule in rules() if "alert" in rule)


def blocks(page: Path, language: str) -> list[str]:
    """The lines in a page's blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.splitlines()]
