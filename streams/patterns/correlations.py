"""The correlation types: what each counts, shows as evidence, and needs to remember."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streams.patterns.thresholds import Threshold
from streams.patterns.windows import Correlation, Window


class EventCount(Correlation):
    """The number of records."""

    def __init__(self, threshold: Threshold, timespan: int, lateness: int, cooldown: int) -> None:
        super().__init__(timespan, lateness, cooldown, 2 * threshold.enough)
        self.threshold = threshold
        self._least = threshold.at_least

    def holds(self, window: Window, low: int, high: int) -> bool:  # noqa: ARG002 - counts only
        """See `Correlation.holds`."""
        if self._least is not None:
            return high - low >= self._least
        return self.threshold(high - low)

    def evidence(
        self,
        window: Window,  # noqa: ARG002 - the newest are the last
        low: int,
        high: int,
    ) -> tuple[Sequence[int], int]:
        """The newest records, as many as the threshold takes to be judged."""
        first = max(low, high - self.threshold.enough)
        return range(first, high), high - first

    def decisive(self, window: Window, low: int, high: int) -> set[int]:  # noqa: ARG002 - counts
        """The first and the last few: of every part either all is kept or enough."""
        enough = self.threshold.enough
        if high - low <= 2 * enough:
            return set(range(low, high))
        return {*range(low, low + enough), *range(high - enough, high)}


class ValueCount(Correlation):
    """The number of distinct values of a field; a record without it counts for none."""

    bytes_per_value = 70

    def __init__(self, threshold: Threshold, timespan: int, lateness: int, cooldown: int) -> None:
        super().__init__(timespan, lateness, cooldown, 2 * threshold.enough + 2)
        self.threshold = threshold
        self._least = threshold.at_least or 1

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`; without any value it never holds."""
        if high - low < self._least:
            return False
        values = set(window.values[low:high])
        values.discard(None)
        return bool(values) and self.threshold(len(values))

    def evidence(self, window: Window, low: int, high: int) -> tuple[Sequence[int], int]:
        """The newest record of each of the newest values."""
        newest = _last_seen(window.values, low, high)
        newest.pop(None, None)
        chosen = sorted(newest.values())[-self.threshold.enough :]
        return chosen, len(chosen)

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Of the values that come first and those that come last, the first and last record."""
        enough = self.threshold.enough
        last = _last_seen(window.values, low, high)
        first = _first_seen(window.values, low, high)
        keep = {seen.pop(None) for seen in (first, last) if None in seen}
        keep.update(sorted(first.values())[:enough])
        keep.update(sorted(last.values())[-enough:])
        return keep


class Temporal(Correlation):
    """The number of rules, of those referenced, that matched; values are sets of them as bits."""

    bytes_per_value = 3

    def __init__(
        self, threshold: Threshold, rules: int, timespan: int, lateness: int, cooldown: int
    ) -> None:
        super().__init__(timespan, lateness, cooldown, 2 * rules)
        self.threshold = threshold

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`."""
        return self.threshold(_union(window.values, low, high).bit_count())

    def evidence(self, window: Window, low: int, high: int) -> tuple[Sequence[int], int]:
        """The newest record of each rule; one that matched two stands for both."""
        missing = _union(window.values, low, high)
        measured = missing.bit_count()
        chosen: list[int] = []
        for index in range(high - 1, low - 1, -1):
            if window.values[index] & missing:
                missing &= ~window.values[index]
                chosen.append(index)
        return chosen[::-1], measured

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Each rule's first and last record."""
        keep: set[int] = set()
        for indices in (range(low, high), range(high - 1, low - 1, -1)):
            seen = 0
            for index in indices:
                if window.values[index] & ~seen:
                    seen |= window.values[index]
                    keep.add(index)
        return keep


class TemporalOrdered(Correlation):
    """One record after the other for each step, at strictly increasing times.

    `steps` has one bit set per step: the referenced rule. The same rule may stand twice; since
    times increase strictly, one record never serves two steps.

    In event-time order this is exact whatever the traffic. A late record can fall between any two
    others, so for it all of them matter: it is judged exactly while the group has not had more
    than `limit` records within timespan and lateness, and on those kept beyond that.
    """

    bytes_per_value = 3
    KEPT_WHOLE = 256

    def __init__(self, steps: Sequence[int], timespan: int, lateness: int, cooldown: int) -> None:
        super().__init__(timespan, lateness, cooldown, len(steps) * (len(steps) + 1))
        self.limit = max(self.limit, self.KEPT_WHOLE)
        self.steps = tuple(steps)
        self._all = 0
        for step in steps:
            self._all |= step

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`."""
        if high - low < len(self.steps) or _union(window.values, low, high) != self._all:
            return False
        return len(list(self._backwards(window, low, high, len(self.steps)))) == len(self.steps)

    def evidence(self, window: Window, low: int, high: int) -> tuple[Sequence[int], int]:
        """The sequence that starts latest."""
        chosen = list(self._backwards(window, low, high, len(self.steps)))[::-1]
        return chosen, len(chosen)

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """From every step on the earliest sequence, and up to every step the latest one."""
        keep: set[int] = set()
        for step in range(len(self.steps)):
            keep.update(self._forwards(window, low, high, step))
            keep.update(self._backwards(window, low, high, step + 1))
        return keep

    def _backwards(self, window: Window, low: int, high: int, end: int) -> Iterator[int]:
        """The latest records for the steps end-1, end-2, … that fit before each other."""
        before = None
        step = end - 1
        for index in range(high - 1, low - 1, -1):
            if step < 0:
                return
            at = window.ats[index]
            if window.values[index] & self.steps[step] and (before is None or at < before):
                yield index
                before = at
                step -= 1

    def _forwards(self, window: Window, low: int, high: int, step: int) -> Iterator[int]:
        """The earliest records for the steps step, step+1, … that fit after each other."""
        after = None
        for index in range(low, high):
            if step >= len(self.steps):
                return
            at = window.ats[index]
            if window.values[index] & self.steps[step] and (after is None or at > after):
                yield index
                after = at
                step += 1


def _union(values: Sequence[int], low: int, high: int) -> int:
    union = 0
    for bits in set(values[low:high]):  # few of many differ, and a set is made at C speed
        union |= bits
    return union


def _first_seen(values: Sequence[Any], low: int, high: int) -> dict[Any, int]:
    return {values[index]: index for index in range(high - 1, low - 1, -1)}


def _last_seen(values: Sequence[Any], low: int, high: int) -> dict[Any, int]:
    return {values[index]: index for index in range(low, high)}
