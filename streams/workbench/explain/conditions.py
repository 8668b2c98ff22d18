"""A pattern's condition in words, and which of its rules a signal matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Any

from streams.patterns import Pattern
from streams.patterns.conditions import compile_test, fields_read
from streams.patterns.correlations import EventCount, ValueCount
from streams.patterns.numeric import Numeric
from streams.patterns.pattern import STOP
from streams.patterns.temporal import Order, TemporalOrdered
from streams.patterns.thresholds import Threshold
from streams.workbench.explain.near import NearMiss
from streams.workbench.words import duration

_BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "gte": "at least",
        "gt": "more than",
        "lte": "at most",
        "lt": "less than",
        "eq": "exactly",
        "neq": "not",
    }
)
_CALCULATIONS: Mapping[str, str] = MappingProxyType(
    {
        "value_sum": "sum",
        "value_avg": "average",
        "value_percentile": "percentile",
        "value_median": "median",
    }
)


class Explained:
    """One pattern, put into words."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._tests: list[tuple[str, Callable[[Any], bool], str]] = [
            (search.topic, compile_test(search.condition), search.title)
            for search in pattern.searches
            if search.stage != STOP
        ]

    @property
    def fields(self) -> set[str]:
        """The fields it asks for, counts, or groups by."""
        found: set[str] = set()
        for search in self.pattern.searches:
            found |= fields_read(search.condition)
            found |= {name for name in (search.group, search.value) if name is not None}
        return found

    def matched(self, signal: Any) -> list[str]:
        """The titles of the rules a signal matches, each once."""
        titles = (
            title for topic, test, title in self._tests if topic == signal.topic and test(signal)
        )
        return list(dict.fromkeys(titles))

    @cached_property
    def condition(self) -> str:
        """What has to be there, as half a sentence."""
        pattern = self.pattern
        if not pattern.stages:
            text = f"one signal that is a '{self._tests[0][2]}'"
        else:
            text = self._stage(0)
        extra = []
        if pattern.block.evidence > 1:
            extra.append(f"from {pattern.block.evidence} independent sources")
        if pattern.group is not None:
            extra.append(f"with the same {pattern.group}")
        if pattern.absence is not None:
            stops = [f"'{one.title}'" for one in pattern.searches if one.stage == STOP]
            within = duration(pattern.absence.within)
            extra.append(f"unless {' or '.join(dict.fromkeys(stops))} follows within {within}")
        return ", ".join((text, *extra))

    def _stage(self, number: int) -> str:
        stage = self.pattern.stages[number]
        correlation = stage.correlation
        parts = self._parts(number)
        within = f"within {duration(correlation.timespan)}"
        among = " or ".join(parts.values())
        match correlation:
            case EventCount():
                return f"{_bound(correlation.threshold)} × {among}, {within}"
            case ValueCount():
                field = self._field(number)
                count = _bound(correlation.threshold)
                return f"{count} different values of {field} among {among}, {within}"
            case Numeric():
                what = _CALCULATIONS.get(self.pattern.measures, "value")
                bound = _bound(correlation.threshold)
                return f"{what} of {self._field(number)} {bound} over {among}, {within}"
            case TemporalOrdered():
                ways = [_order(parts, order) for order in correlation.orders]
                return f"{'; or '.join(ways)}, in this order {within}"
            case _ if number == 0 and self.pattern.words:
                return f"{self.pattern.words}, {within}, of {', '.join(parts.values())}"
            case _:
                return f"{' and '.join(parts.values())}, in any order {within}"

    def _parts(self, number: int) -> dict[int, str]:
        """What a stage is about, by bit: rules by title, correlations in brackets."""
        parts: dict[int, str] = {}
        for search in self.pattern.searches:
            if search.stage == number:
                parts[search.bits] = f"'{search.title}'"
        for place, stage in enumerate(self.pattern.stages):
            if stage.above == number:
                parts[stage.bits] = f"'{stage.title}' ({self._stage(place)})"
        return dict(sorted(parts.items()))

    def _field(self, number: int) -> str:
        fields = [
            one.value for one in self.pattern.searches if one.stage == number and one.value
        ] or [self.pattern.group or "group"]
        return str(fields[0])


def measured(pattern: Pattern, quantity: float, stage: int = 0) -> str:
    """A stage's quantity against its threshold: ``3 of 5``, ``0.62 of at most 0.5``."""
    if not pattern.stages:
        return ""
    correlation = pattern.stages[stage].correlation
    match correlation:
        case EventCount() | ValueCount() | Numeric():
            threshold = correlation.threshold
            plain = threshold.op in ("gte", "eq")
            bound = number(threshold.bound) if plain else _bound(threshold)
            return f"{number(quantity)} of {bound}"
        case TemporalOrdered():
            steps = min(len(order.steps) for order in correlation.orders)
            return f"{number(quantity)} of {steps} steps"
        case _ if pattern.words or stage:
            return f"{number(quantity)} of its rules"
        case _:
            return f"{number(quantity)} of {number(pattern.threshold)} rules"


def nearness(near: NearMiss) -> str:
    """How near a pattern came, and what was missing."""
    pattern = near.pattern
    if near.held:
        return "all of it was there; it waits for what must not follow, or that did follow"
    text = measured(pattern, near.measured, near.stage)
    if near.stage:
        text = f"'{pattern.stages[near.stage].title}': {text}"
    if near.sources is not None:
        text += f", but {near.sources} of {pattern.block.evidence} independent sources"
    if near.group:
        text += f", {pattern.group} {near.group}"
    return text


def number(value: float) -> str:
    """As short as it can be written."""
    return f"{int(value):,}" if value == int(value) else f"{value:.3g}"


def _bound(threshold: Threshold) -> str:
    return f"{_BOUNDS[threshold.op]} {number(threshold.bound)}"


def _order(parts: Mapping[int, str], order: Order) -> str:
    """The steps in words; one that repeats is told once, with how often."""
    steps = [
        f"{times} × {text}" if times > 1 else text
        for text, run in groupby(parts.get(step, "…") for step in order.steps)
        for times in [len(list(run))]
    ]
    without = [text for bit, text in parts.items() if bit & order.without]
    return ", then ".join(steps) + (f" without {' or '.join(without)}" if without else "")
