"""Buffered inputs of one (agent, partition), merged by record timestamp.

As in Kafka Streams, the next record is the one with the smallest Kafka timestamp among the heads
of the inputs; ties go to the input that comes first. An input that is known to lag but has nothing
buffered makes the others wait, at most `PATIENCE_S`, so that catching up behaves like keeping up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from streams.signals.raw import RawRecord

PATIENCE_S = 1.0
GLANCE_S = 0.1
"""How often to look while waiting; also the most that one look adds to the time waited, because a
longer gap means that this process was busy, and not that the broker had nothing to give."""
_ROUNDING_S = 1e-6
_UNSEEN_S = 2.0
"""What was seen before a gap longer than this says nothing about now."""


class Run(NamedTuple):
    """Consecutive records of one input that come next, and the offset where it goes on."""

    source: int
    records: Sequence[RawRecord]
    next_offset: int


class _Looks:
    """How long something was waited for, counting only time in which this process looked."""

    __slots__ = ("at", "seconds")

    def __init__(self) -> None:
        self.at: float | None = None  # None: not waiting
        self.seconds = 0.0

    def look(self, now: float) -> float:
        """Look once more; seconds waited until now."""
        if self.at is None:
            self.seconds = 0.0
        else:
            self.seconds += min(now - self.at, GLANCE_S)
        self.at = now
        return self.seconds


class _Input:
    __slots__ = ("buffered", "chunks", "given_up", "known_end", "misplaced", "position", "start")

    def __init__(self) -> None:
        self.chunks: deque[tuple[Sequence[RawRecord], int]] = deque()
        self.start = 0  # first unread record of the head chunk
        self.buffered = 0
        self.position = 0  # offset after the newest buffered record
        self.known_end = 0
        self.given_up = False
        self.misplaced = -1  # where the last chunk started that did not follow on


class Inputs:
    """One buffer per input, in tie order."""

    def __init__(self, count: int) -> None:
        self._inputs = [_Input() for _ in range(count)]
        self._patience = _Looks()
        self._stillness = _Looks()

    def seek(self, index: int, position: int, known_end: int) -> None:
        """Start input `index` afresh at `position`; `known_end` is its end as the broker said."""
        self._inputs[index] = fresh = _Input()
        fresh.position = position
        fresh.known_end = known_end
        self._stillness.at = None

    def add(
        self, index: int, records: Sequence[RawRecord], next_offset: int, known_end: int
    ) -> None:
        """Buffer a chunk.

        `next_offset` is the consumer's position after it: past the last record, and past
        any control markers behind that.
        """
        one = self._inputs[index]
        one.chunks.append((records, next_offset))
        one.buffered += len(records)
        one.position = next_offset
        one.known_end = known_end
        one.given_up = False
        self._stillness.at = None

    def position(self, index: int) -> int:
        """The offset after the newest record buffered of input `index`."""
        return self._inputs[index].position

    def expected(self, index: int, start: int) -> int | None:
        """Where to read instead of at `start`, None where that follows on what is buffered.

        A chunk can get lost on its way, or come from before a seek. The same place twice is taken:
        then the records in between are gone from the topic.
        """
        one = self._inputs[index]
        if start == one.position or start == one.misplaced > one.position:
            one.misplaced = -1
            return None
        one.misplaced = start
        return one.position

    def buffered(self, index: int) -> int:
        """Records of input `index` that wait."""
        return self._inputs[index].buffered

    def __bool__(self) -> bool:
        return any(one.chunks for one in self._inputs)

    def oldest_ts(self) -> int | None:
        """Smallest timestamp (ms) among the heads, or None when nothing waits."""
        heads = [head for one in self._inputs if (head := _head(one)) is not None]
        return min(heads, default=None)

    def patience_left(self, now: float) -> float | None:
        """Seconds until `take` should look again for a lagging sibling; None if it isn't waiting."""
        if self._patience.at is None:
            return None
        return max(0.0, self._patience.at + GLANCE_S - now)

    @property
    def ended(self) -> bool:
        """Whether every input was read to the end that is known of it, and nothing waits."""
        return not any(one.chunks or one.position < one.known_end for one in self._inputs)

    def still_s(self, now: float) -> float:
        """For how long nothing has come, as far as this process looked; to be asked repeatedly."""
        looks = self._stillness
        if not self.ended or (looks.at is not None and now - looks.at > _UNSEEN_S):
            looks.at = None
        return looks.look(now)

    def take(self, limit: int, now: float) -> Run | None:
        """The next run of at most `limit` records, or None: nothing buffered, or waiting.

        `now` is monotonic seconds. A run may hold no records and only move the offset on.
        """
        inputs = self._inputs
        best = -1
        best_ts = 0
        lagging: list[_Input] = []
        for index, one in enumerate(inputs):
            if not one.chunks:
                if not one.given_up and one.position < one.known_end:
                    lagging.append(one)
                continue
            head = _head(one)
            if head is None:  # a chunk of control markers only
                _, next_offset = one.chunks.popleft()
                return Run(index, (), next_offset)
            if best < 0 or head < best_ts:
                best, best_ts = index, head
        if best < 0:
            return None
        if lagging and not self._patience_over(lagging, now):
            return None
        self._patience.at = None
        return self._cut(best, limit)

    def give_back(self, run: Run, start: int) -> None:
        """`run`, taken last, was handled up to its record `start` only: the rest comes next."""
        one = self._inputs[run.source]
        left = len(run.records) - start
        one.buffered += left
        if one.start:
            one.start -= left
        else:
            one.chunks.appendleft((run.records[start:], run.next_offset))

    def _patience_over(self, lagging: list[_Input], now: float) -> bool:
        if self._patience.look(now) < PATIENCE_S - _ROUNDING_S:
            return False
        for one in lagging:
            one.given_up = True  # until it shows up with a chunk
        return True

    def _cut(self, best: int, limit: int) -> Run:
        one = self._inputs[best]
        records, next_offset = one.chunks[0]
        start = one.start
        end = min(len(records), start + limit)
        for index, other in enumerate(self._inputs):
            if index == best:
                continue
            bound = _head(other)
            if bound is None:
                continue
            if index > best:
                bound += 1  # ties are ours
            stop = start + 1
            while stop < end and records[stop].timestamp < bound:
                stop += 1
            end = stop
        one.buffered -= end - start
        if end == len(records):
            one.chunks.popleft()
            one.start = 0
            return Run(best, records[start:] if start else records, next_offset)
        one.start = end
        return Run(best, records[start:end], records[end - 1].offset + 1)


def _head(one: _Input) -> int | None:
    if not one.chunks:
        return None
    records = one.chunks[0][0]
    return records[one.start].timestamp if records else None
