"""The correlation types that calculate: sum, average, percentile and median of a number field.

Nothing can be left out of a sum, so what bounds the state is a number: the newest 1,024 records of
a group are kept. A window that should have held one that was dropped is *capped*: it is judged
over what is there, and what it fires says so. Sums are correctly rounded (`math.fsum`), so they
don't depend on the order records arrived in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from streams.patterns.thresholds import Threshold
from streams.patterns.windows import Correlation, Terms, Window

MOST_RECORDS = 1_024
"""Records of one group that a calculation is exact over (DESIGN.md, 'Patterns are Sigma')."""

MEDIAN = 50.0

Calculation = Callable[[Sequence[float]], float]
"""From one or more numbers to one."""


class Numeric(Correlation):
    """A quantity calculated from the values of a field; records without it have no value.

    With no value at all it is false.
    """

    bytes_per_value = 9

    def __init__(self, calculation: Calculation, threshold: Threshold, terms: Terms) -> None:
        super().__init__(terms)
        self.calculation = calculation
        self.threshold = threshold
        self.most_kept = self.limit = self.most_evidence = MOST_RECORDS

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`."""
        values = _values(window, low, high)
        return bool(values) and self.threshold(self.calculation(values))

    def measure(self, window: Window, low: int, high: int) -> float:
        """The calculated quantity; 0 where there is no value."""
        values = _values(window, low, high)
        return self.calculation(values) if values else 0.0

    def progress(self, window: Window, low: int, high: int) -> float:
        """See `Correlation.progress`."""
        values = _values(window, low, high)
        return self.threshold.share(self.calculation(values)) if values else 0.0

    def evidence(self, window: Window, low: int, high: int) -> Sequence[int]:
        """Every record that has a value."""
        return [index for index in range(low, high) if window.values[index] is not None]

    def compact(self, window: Window) -> None:
        """Drop the oldest records beyond the number."""
        excess = len(window.ats) - MOST_RECORDS
        window.dropped = max(window.dropped, window.ats[excess - 1])
        del window.ats[:excess], window.ids[:excess], window.values[:excess]
        del window.sources[:excess]


def _values(window: Window, low: int, high: int) -> list[float]:
    return [value for value in window.values[low:high] if value is not None]


def total(values: Sequence[float]) -> float:
    """The sum."""
    return math.fsum(values)


def average(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def percentile(share: float) -> Calculation:
    """The `share` percentile (0 to 100), linearly interpolated between the two nearest values."""

    def calculate(values: Sequence[float]) -> float:
        ordered = sorted(values)
        place = (len(ordered) - 1) * share / 100
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return calculate
