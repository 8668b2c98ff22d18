"""A candidate: what a rule would look for, before it is one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from streams.research.items import Item
from streams.research.sample import Moments
from streams.signals.durations import format_duration

MAX_COUNT = 20
MAX_STEPS = 4

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
TIMESPANS = (
    *(10 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR),
    *(24 * _HOUR, 7 * 24 * _HOUR),
)
"""Timespans tried (ms): those people know from one another in a rule."""


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """`at_least` of one item, or several `items` in their order (`at_least` is 0), within a time."""

    items: tuple[Item, ...]
    timespan: int
    at_least: int = 0

    @property
    def title(self) -> str:
        """For people: ``7 × prompt refused within 30m``."""
        within = f"within {format_duration(self.timespan)}"
        if self.at_least:
            return f"{self.at_least} × {self.items[0].words} {within}"
        return f"{', then '.join(item.words for item in self.items)}, {within}"

    def holds(self, moments: Moments) -> bool:
        """Whether an account did that at some time."""
        if self.at_least:
            return densest(moments.get(self.items[0], ()), self.timespan) >= self.at_least
        span = shortest(moments, self.items)
        return span is not None and span < self.timespan


def densest(moments: Sequence[int], timespan: int) -> int:
    """The most moments any window of this length holds, or `MAX_COUNT` if it is more."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= timespan:
            first += 1
        most = max(most, last - first + 1)
        if most >= MAX_COUNT:
            return MAX_COUNT
    return most


def shortest(moments: Moments, items: Sequence[Item]) -> int | None:
    """The least time from first to last step of these items in order, each later than the last."""
    if any(item not in moments for item in items):
        return None
    first, *others = (moments[item] for item in items)
    least = None
    for start in first:
        at = start
        for steps in others:
            place = bisect_right(steps, at)
            if place == len(steps):
                return least  # nor is there one for a later start
            at = steps[place]
        least = at - start if least is None else min(least, at - start)
    return least
