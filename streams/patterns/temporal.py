"""The correlation types about which rules match, in any order or in a certain one.

Values are sets of rules as bits: a record may match several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from streams.patterns.bucketed import Bucketed
from streams.patterns.windows import Terms, Window, first_and_last_of_each, last_of_each, union

Met = Callable[[int], bool]
"""From the set of rules that matched in a window, as bits, to whether that is what is asked."""


class Temporal(Bucketed):
    """Which rules matched, of those referenced, is what `met` asks.

    `wanted` are the rules whose matching speaks for it, as bits (those under a ``not`` don't),
    `needed` is how many of them it takes, for `progress` alone.
    """

    bytes_per_value = 3
    unites = True

    def __init__(
        self,
        met: Met,
        rules: int,
        terms: Terms,
        *,
        wanted: int = -1,
        needed: int = 1,
    ) -> None:
        super().__init__(terms, 2 * rules)
        self.most_evidence = rules
        self._met = met
        self._wanted = wanted
        self._needed = needed

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`."""
        return self._met(union(window.values, low, high))

    def measure(self, window: Window, low: int, high: int) -> float:
        """The number of wanted rules that matched."""
        return (union(window.values, low, high) & self._wanted).bit_count()

    def progress(self, window: Window, low: int, high: int) -> float:
        """See `Correlation.progress`."""
        if self.holds(window, low, high):
            return 1.0
        return min(self.measure(window, low, high) / self._needed, 1.0) * 0.99

    def evidence(self, window: Window, low: int, high: int) -> Sequence[int]:
        """The newest record of each wanted rule; one that matched two stands for both."""
        return last_of_each(window.values, low, high, self._wanted)

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Each rule's first and last record."""
        return first_and_last_of_each(window.values, low, high)


class Order(NamedTuple):
    """One way to satisfy an order: a bit set per step, and the rules that must not match."""

    steps: tuple[int, ...]
    without: int = 0


class TemporalOrdered(Bucketed):
    """One record after the other for each step, at strictly increasing times.

    There may be several `orders`; one is enough. The same rule may stand twice in one; since times
    increase strictly, one record never serves two steps.

    In event-time order this is exact whatever the traffic. A late record can fall between any two
    others, so for it all of them matter: it is judged exactly while the group has not had more
    than `limit` records within timespan and lateness, and on those kept beyond that.
    """

    bytes_per_value = 3
    unites = True
    KEPT_WHOLE = 256

    def __init__(self, orders: Sequence[Order], terms: Terms) -> None:
        per_bucket = sum(
            len(order.steps) * (len(order.steps) + 1) + 2 * order.without.bit_count()
            for order in orders
        )
        super().__init__(terms, per_bucket)
        self.limit = max(self.limit, self.KEPT_WHOLE)
        self.orders = tuple(orders)
        self.most_evidence = max(len(order.steps) for order in orders)
        self._shortest = min(len(order.steps) for order in orders)
        self._all = [union(order.steps, 0, len(order.steps)) for order in orders]
        self._without = union([order.without for order in orders], 0, len(orders))

    def holds(self, window: Window, low: int, high: int) -> bool:
        """See `Correlation.holds`."""
        return high - low >= self._shortest and self._found(window, low, high) is not None

    def measure(self, window: Window, low: int, high: int) -> float:
        """The number of steps taken one after the other, of the order that got furthest."""
        return max(
            sum(1 for _ in _forwards(window, low, high, order.steps, 0)) for order in self.orders
        )

    def progress(self, window: Window, low: int, high: int) -> float:
        """See `Correlation.progress`."""
        if self.holds(window, low, high):
            return 1.0
        return 0.99 * max(
            sum(1 for _ in _forwards(window, low, high, order.steps, 0)) / len(order.steps)
            for order in self.orders
        )

    def evidence(self, window: Window, low: int, high: int) -> Sequence[int]:
        """The sequence that starts latest, of the first order that is satisfied."""
        found = self._found(window, low, high)
        assert found is not None
        return found[::-1]

    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """From every step on the earliest sequence, and up to every step the latest one."""
        keep: set[int] = set()
        for steps, _ in self.orders:
            for step in range(len(steps)):
                keep.update(_forwards(window, low, high, steps, step))
                keep.update(_backwards(window, low, high, steps, step + 1))
        if self._without:
            without = [bits & self._without for bits in window.values]
            keep |= first_and_last_of_each(without, low, high)
        return keep

    def _found(self, window: Window, low: int, high: int) -> list[int] | None:
        """The first satisfied order's latest records, newest first."""
        present = union(window.values, low, high)
        for (steps, without), needed in zip(self.orders, self._all, strict=True):
            if present & needed != needed or present & without:
                continue
            chosen = list(_backwards(window, low, high, steps, len(steps)))
            if len(chosen) == len(steps):
                return chosen
        return None


def _backwards(
    window: Window, low: int, high: int, steps: Sequence[int], end: int
) -> Iterator[int]:
    """The latest records for the steps end-1, end-2, … that fit before each other."""
    before = None
    step = end - 1
    for index in range(high - 1, low - 1, -1):
        if step < 0:
            return
        at = window.ats[index]
        if window.values[index] & steps[step] and (before is None or at < before):
            yield index
            before = at
            step -= 1


def _forwards(
    window: Window, low: int, high: int, steps: Sequence[int], step: int
) -> Iterator[int]:
    """The earliest records for the steps step, step+1, … that fit after each other."""
    after = None
    for index in range(low, high):
        if step >= len(steps):
            return
        at = window.ats[index]
        if window.values[index] & steps[step] and (after is None or at > after):
            yield index
            after = at
            step += 1
