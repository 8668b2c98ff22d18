"""The comparison at the end of a correlation: ``gte: 5``."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from types import MappingProxyType

_COMPARE = MappingProxyType(
    {
        "gte": operator.ge,
        "gt": operator.gt,
        "lte": operator.le,
        "lt": operator.lt,
        "eq": operator.eq,
        "neq": operator.ne,
    }
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """An operator and a bound, which may be a fraction.

    `at_least`, `enough` and `possible` speak of quantities that are counts.
    """

    op: str
    bound: float

    def __call__(self, quantity: float) -> bool:
        """Whether `quantity` satisfies it."""
        return bool(_COMPARE[self.op](quantity, self.bound))

    @property
    def at_least(self) -> int | None:
        """The smallest satisfying number where every larger one satisfies too, else None."""
        if self.op == "gte":
            return max(1, math.ceil(self.bound))
        if self.op == "gt":
            return max(1, math.floor(self.bound) + 1)
        return None

    @property
    def enough(self) -> int:
        """Counting further than this changes no verdict."""
        if self.op in ("gte", "lt"):
            return max(1, math.ceil(self.bound))
        return max(1, math.floor(self.bound) + 1)

    def share(self, quantity: float) -> float:
        """How near `quantity` comes: 1 where it satisfies, else what it is of a bound from below."""
        if self(quantity):
            return 1.0
        if self.op in ("gte", "gt", "eq") and 0 < quantity <= self.bound:
            return min(quantity / self.bound, 0.99)
        return 0.0

    def possible(self, most: int | None = None) -> bool:
        """Whether a quantity from 1 to `most` (None: unbounded) can satisfy it.

        A window is only judged at a record, so nothing is ever measured as 0.
        """
        last = self.enough + 1 if most is None else min(most, self.enough + 1)
        return any(self(quantity) for quantity in range(1, last + 1)) or self.op == "neq"

    def within(self, low: float, high: float) -> bool:
        """Whether some number from `low` to `high` (either may be infinite) can satisfy it."""
        return {
            "gte": high >= self.bound,
            "gt": high > self.bound,
            "lte": low <= self.bound,
            "lt": low < self.bound,
            "eq": low <= self.bound <= high,
            "neq": not low == high == self.bound,
        }[self.op]
