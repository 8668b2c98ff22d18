"""The committed alerts, with every duration divided by one factor and nothing else changed.

Divided are the ranges and offsets of expressions, `for`, `keep_firing_for` and the intervals of
groups. What an expression compares with stays: counts and shares don't hang on how fast time passes,
and for the few thresholds in seconds (an age of a signal, a delay of a decision) the drill writes
signals that are as old as they say.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_UNITS_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")

# What may look like a duration within, and is none, comes first: a string, a comment, a name.
_TOKEN = re.compile(
    r"""
    (?P<kept> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` | \#[^\n]* | [A-Za-z_][\w:]* )
    | (?P<duration> (?:\d+(?:ms|[smhdwy]))+ (?!\w) )
    | (?P<number> [\d.]\w*(?:\.\w+)? )
    """,
    re.VERBOSE,
)


def faster(rules: str, factor: float) -> str:
    """The text of a rule file whose time passes `factor` times as fast."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        _divide(group, ("interval",), factor)
        for rule in group["rules"]:
            rule["expr"] = expression(rule["expr"], factor)
            _divide(rule, ("for", "keep_firing_for"), factor)
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def expression(expr: str, factor: float) -> str:
    """A PromQL expression with its durations divided."""
    return _TOKEN.sub(
        lambda token: divided(token["duration"], factor) if token["duration"] else token[0], expr
    )


def divided(duration: str, factor: float) -> str:
    """A duration divided, in whole milliseconds and at least one."""
    return f"{max(1, round(milliseconds(duration) / factor))}ms"


def milliseconds(duration: str) -> int:
    """How long a duration such as ``1h30m`` is."""
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(duration))


def _divide(where: dict[str, Any], names: tuple[str, ...], factor: float) -> None:
    for name in names:
        if name in where:
            where[name] = divided(where[name], factor)
