"""What windows must do, written so that it can be seen to be right: everything is kept for ever.

At each record every window it may have changed is looked at anew, by filtering the whole list.
Slow on purpose; shares no code with `streams.patterns`.
"""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass, field
from typing import Any

COMPARE = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True)
class Kept:
    at: int
    arrival: int
    id: str
    value: Any


@dataclass
class Reference:
    """One (pattern, account, group). `kind` is a correlation type; `steps` are masks, in order."""

    kind: str
    timespan: int
    lateness: int
    cooldown: int
    op: str = "gte"
    bound: float = 1
    steps: tuple[int, ...] = ()
    records: list[Kept] = field(default_factory=list)
    moments: set[int] = field(default_factory=set)

    def add(self, at: int, identifier: str, value: Any, newest: int) -> list[tuple[int, bool, Any]]:
        """(at, opens, evidence) of everything this record makes known, oldest first."""
        if newest - at > self.lateness:
            return []
        self.records.append(Kept(at, len(self.records), identifier, value))
        news = []
        for moment in sorted({record.at for record in self.records if record.at >= at}):
            window = self._window(moment)
            if self._holds(window):
                news += self._held(moment, window)
        return news

    def _window(self, moment: int) -> list[Kept]:
        inside = [r for r in self.records if moment - self.timespan < r.at <= moment]
        return sorted(inside, key=lambda record: (record.at, record.arrival))

    def _held(self, moment: int, window: list[Kept]) -> list[tuple[int, bool, Any]]:
        episode = self._episode(moment)
        self.moments.add(moment)
        if not episode:
            return [(moment, True, self._evidence(window))]
        if moment < min(episode):
            return [(moment, False, self._evidence(window))]
        return []

    def _episode(self, moment: int) -> set[int]:
        """The moments so far that belong to one episode with `moment`."""
        episode: list[int] = []
        for other in sorted({moment, *self.moments}):
            if episode and other - episode[-1] >= self.cooldown:
                if moment in episode:
                    break
                episode = []
            episode.append(other)
        return self.moments.intersection(episode)

    def _holds(self, window: list[Kept]) -> bool:
        if self.kind == "temporal_ordered":
            return self._in_order(window, self.steps, -math.inf)
        quantity = self._quantity(window)
        return quantity > 0 and COMPARE[self.op](quantity, self.bound)

    def _quantity(self, window: list[Kept]) -> int:
        if self.kind == "event_count":
            return len(window)
        if self.kind == "value_count":
            return len({record.value for record in window if record.value is not None})
        return len({bit for record in window for bit in _bits(record.value)})

    def _in_order(self, window: list[Kept], steps: tuple[int, ...], after: float) -> bool:
        if not steps:
            return True
        return any(
            self._in_order(window, steps[1:], record.at)
            for record in window
            if record.value & steps[0] and record.at > after
        )

    def _evidence(self, window: list[Kept]) -> list[str]:
        """For an in-order stream; late records may find older evidence gone."""
        if self.kind == "event_count":
            return [record.id for record in window[-self._enough() :]]
        if self.kind == "temporal_ordered":
            return [record.id for record in self._latest_start(window)]
        newest: dict[Any, Kept] = {}
        for record in window:
            values = [record.value] if self.kind == "value_count" else _bits(record.value)
            newest.update({value: record for value in values if value is not None})
        chosen = sorted(set(newest.values()), key=lambda record: (record.at, record.arrival))
        return [r.id for r in (chosen[-self._enough() :] if self.kind == "value_count" else chosen)]

    def _latest_start(self, window: list[Kept]) -> list[Kept]:
        sequences = [
            chosen
            for chosen in itertools.combinations(window, len(self.steps))
            if all(r.value & step for r, step in zip(chosen, self.steps, strict=True))
            and all(a.at < b.at for a, b in itertools.pairwise(chosen))
        ]
        return list(
            max(sequences, key=lambda chosen: [(r.at, r.arrival) for r in reversed(chosen)])
        )

    def _enough(self) -> int:
        if self.op in ("gte", "lt"):
            return max(1, math.ceil(self.bound))
        return max(1, math.floor(self.bound) + 1)


def _bits(value: int) -> set[int]:
    return {bit for bit in range(8) if value >> bit & 1}
