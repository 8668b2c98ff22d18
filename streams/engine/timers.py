"""What waits for a moment: full keys of state records by when their agent is to be called.

The dictionary is what is true; the heap holds an entry for each of its items, and entries that are
no longer true, which are passed over when their turn comes. So a record can be put again, deleted
or rolled back without a search, and what is true hangs on the state alone: the same state gives
the same calls in the same order.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from streams.agents.contract import NEVER
from streams.engine.state_format import Reader

FAR = 1 << 62
"""A moment (ms since the epoch) after all others."""

MARGIN_MS = 2_000
"""How far progress stays behind the wall clock where nothing comes any more, and for how long
nothing must have come: what a producer sent just now may still be on its way."""

_SLACK = 1_000


class Due(NamedTuple):
    """One key whose moment, ms since the epoch, has come."""

    at: int
    full: bytes


class Timers:
    """Which full keys wait, and for when. `next` is a moment before which none is due."""

    def __init__(self, reader: Reader) -> None:
        self.next = FAR
        self._reader = reader
        self._waiting: dict[bytes, int] = {}
        self._heap: list[Due] = []

    def __len__(self) -> int:
        """Entries held: what waits, and at the most as many again, and `_SLACK`, that no longer do."""
        return len(self._heap)

    def __contains__(self, full: bytes) -> bool:
        return full in self._waiting

    def of(self, full: bytes) -> int:
        """When a key is due; `NEVER` if it doesn't wait."""
        return self._waiting.get(full, NEVER)

    def set(self, full: bytes, at: int) -> None:
        """From now on a key waits for `at`, or no longer (`NEVER`)."""
        if at == NEVER:
            self.forget(full)
            return
        if self._waiting.get(full) == at:
            return
        self._waiting[full] = at
        heappush(self._heap, Due(at, full))
        self.next = min(self.next, at)
        if len(self._heap) > 2 * len(self._waiting) + _SLACK:
            self._heap = [Due(at, full) for full, at in self._waiting.items()]
            heapify(self._heap)

    def forget(self, full: bytes) -> None:
        """A key no longer waits, if it did."""
        self._waiting.pop(full, None)

    def restored(self, full: bytes, data: bytes) -> None:
        """Note a record read back from the state topic. Raises UnreadableState."""
        reader = self._reader
        if full[:1] in reader.waiting_tags:
            kind = reader.kind_of(full)
            assert kind.due is not None
            self.set(full, kind.due(reader.decode(full, data, kind)))

    def has_due(self, until: int) -> bool:
        """Whether a key is due at or before `until`."""
        heap = self._heap
        while heap and self._waiting.get(heap[0].full) != heap[0].at:
            heappop(heap)
        self.next = heap[0].at if heap else FAR
        return self.next <= until

    def pop(self, until: int) -> Due | None:
        """The first key that is due at or before `until`, by moment and key; it no longer waits."""
        if not self.has_due(until):
            return None
        due = heappop(self._heap)
        del self._waiting[due.full]
        return due
