"""How long things take: a median of any number of times in a bounded room."""

from __future__ import annotations

import math
from collections import Counter

_STEP = math.log(1.02)


MOST_PEOPLE = 1000
"""Of whom it is remembered whose times they are; more needn't be told apart."""


class Times:
    """Times (ms) in steps of 2 %, and whose they are. A median is off by 1 % at most."""

    def __init__(self) -> None:
        self._steps: Counter[int] = Counter()
        self.people: set[int] = set()

    def add(self, person: int, ms: int) -> None:
        """Note a time of a person; what is under a second counts as one."""
        self._steps[round(math.log(max(ms, 1000)) / _STEP)] += 1
        if len(self.people) < MOST_PEOPLE:
            self.people.add(person)

    def median(self) -> int:
        """The lower median, ms, to two digits. Raises IndexError without any."""
        left = (self._steps.total() + 1) // 2
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return int(float(f"{math.exp(step * _STEP):.2g}"))
        raise IndexError("no times")
