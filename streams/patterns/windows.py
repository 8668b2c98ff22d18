"""Exact event-time sliding windows over the records of one (pattern, account, group).

The window at a record *e* is (e.at − timespan, e.at]: open on the left, exact to the millisecond.
A condition is judged at every record of the group. A late record is put where it belongs in event
time, and judged again is what it may have changed: itself and the records up to one timespan after
it, each over its own window, so none ever counts a record newer than itself.

How much is kept depends on the rule, not on the traffic. Time is cut into buckets of half a
timespan; a window then covers a bucket wholly, or its beginning, or its end, and never both ends of
one bucket without the middle. A correlation says which records of a bucket decide every such part
of it (`Correlation.decisive`), and the rest can go. For a count up to *k* these are the first and
the last *k*; nothing changes in what fires and when, only a very late record may find that the
evidence it lists is older than it could have been.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.patterns.episodes import Held, forget_before, held_at


class Window(msgspec.Struct, array_like=True, gc=False):
    """The state of one (pattern, account, group). The three lists are parallel, by event time.

    `spans` are the episodes (`streams.patterns.episodes`), `ids` tagged with their topic. `values`
    is what the correlation looks at: a field's value, or the set of rules as bits; empty where
    only the number of records matters.
    """

    spans: list[int] = msgspec.field(default_factory=list)
    ats: list[int] = msgspec.field(default_factory=list)
    ids: list[str] = msgspec.field(default_factory=list)
    values: list[Any] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Firing:
    """The condition held at `at` and that is news.

    `opens` is False where a late record only shows that an episode reported already began earlier.
    `evidence` are tagged ids in event-time order, `start` and `end` the times of the oldest and
    the newest; `measured` is the quantity compared with the threshold.
    """

    at: int
    opens: bool
    evidence: tuple[str, ...]
    start: int
    end: int
    measured: int


class Correlation(ABC):
    """A condition over a window of `timespan` ms, open to records up to `lateness` ms late.

    Two moments at which it holds belong to one episode if they are less than `cooldown` ms apart.
    """

    bytes_per_value = 0
    """What a value takes at most in a state record, beyond time and id."""

    def __init__(self, timespan: int, lateness: int, cooldown: int, per_bucket: int) -> None:
        self.timespan = timespan
        self.lateness = lateness
        self.cooldown = cooldown
        self.horizon = max(timespan, cooldown) + 2 * lateness
        """How long after the last touch (ms) a window is kept. Its contents are dead for every
        signal that is not over a lateness more delayed than those before it."""
        self.most_kept = per_bucket * (2 * (lateness + timespan) // timespan + 2)
        self.limit = self.most_kept + max(16, self.most_kept // 4)
        """Records a window may hold before it is compacted to at most `most_kept`."""
        self._half = max(1, timespan // 2)

    def add(self, window: Window, at: int, tagged_id: str, value: Any, newest: int) -> list[Firing]:
        """Enter a record; what fires because of it, oldest first (most often nothing).

        `newest` is the event time of the key's newest signal, this one included. The record must
        not lie more than `lateness` behind it, and not be in the window already.
        """
        ats = window.ats
        if not ats or at >= ats[-1]:
            ats.append(at)
            window.ids.append(tagged_id)
            if self.bytes_per_value:
                window.values.append(value)
            low = bisect_right(ats, at - self.timespan)
            fired = self._judge(window, low, len(ats)) if self.holds(window, low, len(ats)) else []
        else:
            fired = self._add_late(window, at, tagged_id, value)
        self._forget(window, newest)
        return fired

    def _add_late(self, window: Window, at: int, tagged_id: str, value: Any) -> list[Firing]:
        ats = window.ats
        place = bisect_right(ats, at)
        ats.insert(place, at)
        window.ids.insert(place, tagged_id)
        if self.bytes_per_value:
            window.values.insert(place, value)
        fired: list[Firing] = []
        high = bisect_right(ats, at)  # the end of the window of the record judged
        while high <= len(ats) and ats[high - 1] - at < self.timespan:
            low = bisect_right(ats, ats[high - 1] - self.timespan)
            if self.holds(window, low, high):
                fired += self._judge(window, low, high)
            if high == len(ats):
                break
            high = bisect_right(ats, ats[high])
        return fired

    def _judge(self, window: Window, low: int, high: int) -> list[Firing]:
        at = window.ats[high - 1]
        held = held_at(window.spans, at, self.cooldown)
        if held is Held.CONTINUES:
            return []
        chosen, measured = self.evidence(window, low, high)
        return [
            Firing(
                at,
                held is Held.OPENS,
                tuple(window.ids[index] for index in chosen),
                window.ats[chosen[0]],
                window.ats[chosen[-1]],
                measured,
            )
        ]

    def _forget(self, window: Window, newest: int) -> None:
        ats = window.ats
        dead = newest - self.lateness
        if window.spans and window.spans[1] + self.cooldown <= dead:
            forget_before(window.spans, dead - self.cooldown)
        dead -= self.timespan
        if ats[0] <= dead:
            gone = bisect_right(ats, dead)
            del ats[:gone], window.ids[:gone], window.values[:gone]
        if len(ats) > self.limit:
            self._compact(window)

    def _compact(self, window: Window) -> None:
        ats, half = window.ats, self._half
        keep: list[int] = []
        low = 0
        while low < len(ats):
            high = low + 1
            bucket = ats[low] // half
            while high < len(ats) and ats[high] // half == bucket:
                high += 1
            keep += sorted(self.decisive(window, low, high))
            low = high
        window.ats = [ats[index] for index in keep]
        window.ids = [window.ids[index] for index in keep]
        if self.bytes_per_value:
            window.values = [window.values[index] for index in keep]

    @abstractmethod
    def holds(self, window: Window, low: int, high: int) -> bool:
        """Whether the condition holds over the records [low, high), of which there is one."""

    @abstractmethod
    def evidence(self, window: Window, low: int, high: int) -> tuple[Sequence[int], int]:
        """Which of the records [low, high), ascending, show that it holds, and the quantity."""

    @abstractmethod
    def decisive(self, window: Window, low: int, high: int) -> set[int]:
        """Which of the records [low, high) of one bucket decide every beginning and end of it."""
