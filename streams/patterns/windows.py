"""Exact event-time sliding windows over the records of one (pattern, key, group).

The window at a record *e* is (e.at − timespan, e.at]: open on the left, exact to the millisecond.
A condition is judged at every record of the group. A late record is put where it belongs in event
time, and judged again is what it may have changed: itself and the records up to one timespan after
it, each over its own window, so none ever counts a record newer than itself.

A `Correlation` is the condition; it has no state of its own and works on a `Window`. How much is
kept depends on the rule, not on the traffic: see `streams.patterns.bucketed` and `numeric`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from streams.patterns.episodes import Held, forget_before, held_at

Span = tuple[int, int]
"""The records [low, high) of a window's lists, the newest of which the condition is judged at."""

MOST_EVIDENCE = 256
"""Records a firing about what is shared lists at most, of all its windows together: the newest."""


class Window(msgspec.Struct, array_like=True, gc=False):
    """The state of one (pattern, key, group). All lists but `spans` are parallel, by event time.

    `spans` are the episodes (`streams.patterns.episodes`), `ids` tagged with their topic. `values`
    is what the correlation looks at: a field's value, or the set of rules as bits; empty where
    only the number of records matters. `sources` are classes of source as bits, empty where the
    rule doesn't ask for independent ones. `dropped` is the time of the newest record that had to
    go although it still mattered (`streams.patterns.numeric`), 0 for none.
    """

    spans: list[int] = msgspec.field(default_factory=list)
    ats: list[int] = msgspec.field(default_factory=list)
    ids: list[str] = msgspec.field(default_factory=list)
    values: list[Any] = msgspec.field(default_factory=list)
    sources: list[int] = msgspec.field(default_factory=list)
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Firing:
    """The condition held at `at` and that is news.

    `opens` is False where a late record only shows that an episode reported already began earlier.
    `evidence` are tagged ids in event-time order, `start` and `end` the times of the oldest and
    the newest; `measured` is the quantity compared with the threshold, `capped` whether records
    that belong to it had been dropped.
    """

    at: int
    opens: bool
    evidence: tuple[str, ...]
    start: int
    end: int
    measured: float
    capped: bool = False


class Terms(NamedTuple):
    """What a rule says whatever its type; times are ms.

    Records may be up to `lateness` late. Two moments at which the condition holds belong to one
    episode if they are less than `cooldown` apart. With `independent` above 0 classes of source are
    kept, and above 1 it needs so many of them in the window. `shared`: it is about what several
    accounts share, so that evidence says which of them are concerned.
    """

    timespan: int
    lateness: int
    cooldown: int
    independent: int = 0
    shared: bool = False


class Entry(NamedTuple):
    """A record on its way into a window: event time (ms), tagged id, value, classes of source."""

    at: int
    id: str
    value: Any
    source: int = 0


class Satisfied(NamedTuple):
    """A record at which the condition holds; `sources` are the classes of source in its window."""

    at: int
    id: str
    sources: int


class Correlation(ABC):
    """A condition over a window.

    `merges` says that the same record may come again with another value: one that satisfied two of
    the correlations this one is chained to.
    """

    bytes_per_value = 0
    """What a value takes at most in a state record, beyond time and id; 0: none is kept."""
    unites = False
    """Whether values are sets of rules as bits, so that two of one record are joined."""
    fewest = 1
    """With fewer records than this it can't hold."""
    most_kept: int
    """Records a window is compacted to at most."""
    limit: int
    """Records a window may hold before it is compacted."""
    most_evidence: int
    """Records one firing lists at most, those that speak for independent sources not counted."""

    def __init__(self, terms: Terms) -> None:
        self.timespan, self.lateness, self.cooldown, self.independent, self.shared = terms
        self.merges = False
        self._kept = self.timespan + self.lateness
        self.horizon = max(self.timespan, self.cooldown) + 2 * self.lateness
        """How long after the last touch (ms) a window is kept. Its contents are dead for every
        signal that is not over a lateness more delayed than those before it."""

    # Entering records

    def add(self, window: Window, entry: Entry, newest: int) -> Sequence[Firing]:
        """Enter a record; what fires because of it, oldest first (most often nothing).

        `newest` is the event time of the key's newest signal, this one included. The record must
        not lie more than `lateness` behind it, and not be in the window already unless it `merges`.
        """
        ats = window.ats
        if ats and entry.at <= ats[-1]:
            return self.add_all(window, (entry,), newest)
        span = self._append(window, entry)
        fired: Sequence[Firing] = self._judge(window, (span,)) if span else ()
        if window.spans or len(ats) > self.limit or ats[0] <= newest - self._kept:
            self._forget(window, newest)
        return fired

    def add_all(self, window: Window, entries: Sequence[Entry], newest: int) -> list[Firing]:
        """As `add`, for all that one signal brings: it is judged when all of it is there."""
        for entry in entries:
            self._insert(window, entry)
        fired = self._judge(window, self._held(window, entries))
        self._forget(window, newest)
        return fired

    def satisfied(
        self, window: Window, entries: Sequence[Entry], newest: int
    ) -> Sequence[Satisfied]:
        """As `add_all`, but every record that satisfies the condition only now.

        Whatever the cooldown, oldest first.
        """
        newly = self._newly(window, entries)
        ats, ids = window.ats, window.ids
        found: Sequence[Satisfied] = ()
        if newly:
            found = [
                Satisfied(ats[index], ids[index], self._sources(window, low, high))
                for index, (low, high) in newly
            ]
        if window.spans or len(ats) > self.limit or ats[0] <= newest - self._kept:
            self._forget(window, newest)
        return found

    def satisfying(self, window: Window, entries: Sequence[Entry], newest: int) -> list[Firing]:
        """As `satisfied`; what there is to tell of each."""
        found = [
            self.firing(window, low, high, opens=True)
            for _, (low, high) in self._newly(window, entries)
        ]
        self._forget(window, newest)
        return found

    def _newly(self, window: Window, entries: Sequence[Entry]) -> Sequence[tuple[int, Span]]:
        """Take entries in; places of the records that satisfy the condition only now."""
        ats = window.ats
        if len(entries) == 1 and (not ats or entries[0].at > ats[-1]):
            span = self._append(window, entries[0])
            return ((len(ats) - 1, span),) if span else ()
        before = {ats[high - 1] for _, high in self._held(window, entries)}
        new = {entry.id for entry in entries if self._insert(window, entry)}
        return [
            (index, (low, high))
            for low, high in self._held(window, entries)
            for index in range(bisect_left(ats, ats[high - 1]), high)
            if ats[index] not in before or window.ids[index] in new
        ]

    def _sources(self, window: Window, low: int, high: int) -> int:
        return union(window.sources, low, high) if self.independent else 0

    def _append(self, window: Window, entry: Entry) -> Span | None:
        """Put a record newer than all others; its window if that holds."""
        at, tagged_id, value, source = entry
        ats = window.ats
        ats.append(at)
        window.ids.append(tagged_id)
        if self.bytes_per_value:
            window.values.append(value)
        if self.independent:
            window.sources.append(source)
        high = len(ats)
        if high < self.fewest:
            return None
        low = bisect_right(ats, at - self.timespan)
        return (low, high) if self._holds(window, low, high) else None

    def _insert(self, window: Window, entry: Entry) -> bool:
        """Put a record where it belongs; False if it was there and was joined with it."""
        at, tagged_id, value, source = entry
        place = self._place(window, at, tagged_id) if self.merges else None
        if place is not None:
            if self.unites:
                window.values[place] |= value
            if self.independent:
                window.sources[place] |= source
            return False
        place = bisect_right(window.ats, at)
        window.ats.insert(place, at)
        window.ids.insert(place, tagged_id)
        if self.bytes_per_value:
            window.values.insert(place, value)
        if self.independent:
            window.sources.insert(place, source)
        return True

    @staticmethod
    def _place(window: Window, at: int, tagged_id: str) -> int | None:
        for index in range(bisect_left(window.ats, at), bisect_right(window.ats, at)):
            if window.ids[index] == tagged_id:
                return index
        return None

    def _held(self, window: Window, entries: Sequence[Entry]) -> list[Span]:
        """The windows that hold now and that records at the entries' times lie in, by time."""
        ats = window.ats
        highs: set[int] = set()
        for at in {entry.at for entry in entries}:
            first = bisect_left(ats, at)
            while first < len(ats) and ats[first] - at < self.timespan:
                high = bisect_right(ats, ats[first])
                highs.add(high)
                first = high
        spans = ((bisect_right(ats, ats[high - 1] - self.timespan), high) for high in sorted(highs))
        return [(low, high) for low, high in spans if self._holds(window, low, high)]

    def _forget(self, window: Window, newest: int) -> None:
        ats = window.ats
        dead = newest - self.lateness
        if window.spans and window.spans[1] + self.cooldown <= dead:
            forget_before(window.spans, dead - self.cooldown)
        dead = newest - self._kept
        if ats[0] <= dead:
            gone = bisect_right(ats, dead)
            del ats[:gone], window.ids[:gone], window.values[:gone], window.sources[:gone]
        if len(ats) > self.limit:
            self.compact(window)

    # Judging

    def _holds(self, window: Window, low: int, high: int) -> bool:
        return self.holds(window, low, high) and (
            self.independent <= 1
            or union(window.sources, low, high).bit_count() >= self.independent
        )

    def _judge(self, window: Window, held: Iterable[Span]) -> list[Firing]:
        found = []
        for low, high in held:
            episode = held_at(window.spans, window.ats[high - 1], self.cooldown)
            if episode is not Held.CONTINUES:
                found.append(self.firing(window, low, high, opens=episode is Held.OPENS))
        return found

    def firing_at(self, window: Window, at: int) -> Firing | None:
        """What there is to tell at a time, whatever was told; None where the condition doesn't hold."""
        low, high = bisect_right(window.ats, at - self.timespan), bisect_right(window.ats, at)
        if low == high or not self._holds(window, low, high):
            return None
        return self.firing(window, low, high, opens=True)

    def firing(self, window: Window, low: int, high: int, *, opens: bool) -> Firing:
        """What is told of the records [low, high), over which the condition holds."""
        chosen = self.evidence(window, low, high)
        if self.independent > 1:
            chosen = sorted({*chosen, *last_of_each(window.sources, low, high)})
        return Firing(
            window.ats[high - 1],
            opens,
            tuple(window.ids[index] for index in chosen),
            window.ats[chosen[0]],
            window.ats[chosen[-1]],
            self.measure(window, low, high),
            self.capped(window, high),
        )

    def capped(self, window: Window, high: int) -> bool:
        """Whether a record was dropped that the window ending before `high` should hold."""
        return bool(window.dropped) and window.dropped > window.ats[high - 1] - self.timespan

    @abstractmethod
    def holds(self, window: Window, low: int, high: int) -> bool:
        """Whether the condition holds over the records [low, high), of which there is one."""

    @abstractmethod
    def measure(self, window: Window, low: int, high: int) -> float:
        """The quantity that is compared, over the records [low, high), of which there is one.

        Where nothing above the threshold is counted it is at most what the threshold takes.
        """

    @abstractmethod
    def progress(self, window: Window, low: int, high: int) -> float:
        """How near the records [low, high) come to the condition: 1 where it holds, 0 to 1 else."""

    @abstractmethod
    def evidence(self, window: Window, low: int, high: int) -> Sequence[int]:
        """Which of the records [low, high), ascending, show that it holds."""

    @abstractmethod
    def compact(self, window: Window) -> None:
        """Let go of records until there are at most `most_kept`."""


def union(sets: Sequence[int], low: int, high: int) -> int:
    """The union of the bit sets [low, high)."""
    joined = 0
    for bits in set(sets[low:high]):  # few of many differ, and a set is made at C speed
        joined |= bits
    return joined


def last_of_each(sets: Sequence[int], low: int, high: int, wanted: int = -1) -> list[int]:
    """For each bit of `wanted` in [low, high) the last place it stands at, ascending."""
    missing = union(sets, low, high) & wanted
    chosen: list[int] = []
    for index in range(high - 1, low - 1, -1):
        if not missing:
            break
        if sets[index] & missing:
            missing &= ~sets[index]
            chosen.append(index)
    return chosen[::-1]


def first_and_last_of_each(sets: Sequence[int], low: int, high: int) -> set[int]:
    """For each bit in [low, high) the first and the last place it stands at."""
    keep: set[int] = set()
    for indices in (range(low, high), range(high - 1, low - 1, -1)):
        seen = 0
        for index in indices:
            if sets[index] & ~seen:
                seen |= sets[index]
                keep.add(index)
    return keep
