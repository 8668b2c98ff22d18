"""Windows that keep what decides, not what arrived.

Time is cut into buckets of half a timespan; a window then covers a bucket wholly, or its beginning,
or its end, and never both ends of one bucket without the middle. A correlation says which records
of a bucket decide every such part of it (`Bucketed.decisive`), and the rest can go. For a count up
to *k* these are the first and the last *k*; nothing changes in what fires and when, only a very
late record may find that the evidence it lists is older than it could have been.
"""

from __future__ import annotations

from abc import abstractmethod

from streams.patterns.sources import CLASSES
from streams.patterns.windows import Correlation, Terms, Window, first_and_last_of_each


class Bucketed(Correlation):
    """A correlation that needs at most `per_bucket` records of each half timespan."""

    def __init__(self, terms: Terms, per_bucket: int) -> None:
        super().__init__(terms)
        if self.independent:
            per_bucket += 2 * len(CLASSES)
        self.most_kept = per_bucket * (2 * (self.lateness + self.timespan) // self.timespan + 2)
        self.limit = self.most_kept + max(16, self.most_kept // 4)
        self._half = max(1, self.timespan // 2)

    def compact(self, window: Window) -> None:
        """See `Correlation.compact`."""
        ats, half = window.ats, self._half
        keep: list[int] = []
        low = 0
        while low < len(ats):
            high = low + 1
            bucket = ats[low] // half
            while high < len(ats) and ats[high] // half == bucket:
                high += 1
            decisive = self.decisive(window, low, high)
            if self.independent:
                decisive |= first_and_last_of_each(window.sources, low, high)
            keep += sorted(decisive)
            low = high
        window.ats = [ats[index] for index in keep]
        window.ids = [window.ids[index] for index in keep]
        if window.values:
            window.values = [window.values[index] for index in keep]
        if window.sources:
            window.sources = [window.sources[index] for index in keep]

    @abstractmethod
    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Which of the records [low, high) of one bucket decide every beginning and end of it."""
