"""The correlation types that count: records, and distinct values of a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.patterns.bucketed import Bucketed
from streams.patterns.thresholds import Threshold
from streams.patterns.windows import Terms, Window


class EventCount(Bucketed):
    """The number of records."""

    def __init__(self, threshold: Threshold, terms: Terms) -> None:
        super().__init__(terms, 2 * threshold.enough)
        self.threshold = threshold
        self.most_evidence = threshold.enough
        self._least = threshold.at_least
        self.fewest = threshold.at_least or 1

    def holds(self, window: Window, low: int, high: int) -> bool:  # noqa: ARG002 - counts only
        """See `Correlation.holds`."""
        if self._least is not None:
            return high - low >= self._least
        return self.threshold(high - low)

    def measure(self, window: Window, low: int, high: int) -> float:  # noqa: ARG002 - counts only
        """The number of records, as far as the threshold needs it counted."""
        return min(high - low, self.threshold.enough)

    def progress(self, window: Window, low: int, high: int) -> float:  # noqa: ARG002 - counts only
        """See `Correlation.progress`."""
        return self.threshold.share(high - low)

    def evidence(
        self,
        window: Window,  # noqa: ARG002 - the newest are the last
        low: int,
        high: int,
    ) -> Sequence[int]:
        """The newest records, as many as the threshold takes to be judged."""
        return range(max(low, high - self.threshold.enough), high)

    def decisive(self, window: Window, low: int, high: int) -> set[int]:  # noqa: ARG002 - counts
        """The first and the last few: of every part either all is kept or enough."""
        enough = self.threshold.enough
        if high - low <= 2 * enough:
            return set(range(low, high))
        return {*range(low, low + enough), *range(high - enough, high)}


class ValueCount(Bucketed):
    """The number of distinct values of a field; a record without it counts for none."""

    bytes_per_value = 70

    def __init__(self, threshold: Threshold, terms: Terms) -> None:
        super().__init__(terms, 2 * threshold.enough + 2)
        self.threshold = threshold
        self.most_evidence = threshold.enough
        self.fewest = threshold.at_least or 1

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`; without any value it never holds."""
        if high - low < self.fewest:
            return False
        found = _distinct(window, low, high)
        return found > 0 and self.threshold(found)

    def measure(self, window: Window, low: int, high: int) -> float:
        """The number of distinct values, as far as the threshold needs it counted."""
        return min(_distinct(window, low, high), self.threshold.enough)

    def progress(self, window: Window, low: int, high: int) -> float:
        """See `Correlation.progress`."""
        found = _distinct(window, low, high)
        return self.threshold.share(found) if found else 0.0

    def evidence(self, window: Window, low: int, high: int) -> Sequence[int]:
        """The newest record of each of the newest values."""
        newest = _last_seen(window.values, low, high)
        newest.pop(None, None)
        return sorted(newest.values())[-self.threshold.enough :]

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Of the values that come first and those that come last, the first and last record."""
        enough = self.threshold.enough
        last = _last_seen(window.values, low, high)
        first = _first_seen(window.values, low, high)
        keep = {seen.pop(None) for seen in (first, last) if None in seen}
        keep.update(sorted(first.values())[:enough])
        keep.update(sorted(last.values())[-enough:])
        return keep


def _distinct(window: Window, low: int, high: int) -> int:
    values = set(window.values[low:high])
    values.discard(None)
    return len(values)


def _first_seen(values: Sequence[Any], low: int, high: int) -> dict[Any, int]:
    return {values[index]: index for index in range(high - 1, low - 1, -1)}


def _last_seen(values: Sequence[Any], low: int, high: int) -> dict[Any, int]:
    return {values[index]: index for index in range(low, high)}
