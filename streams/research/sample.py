"""Which accounts are compared, and what those did that are mined: bounded, and the same every time.

Accounts are drawn by a hash of their id: it says which half an account belongs to, and, where there
are too many, which of them stay. Who was upheld stays; of the rest those with the least hashes.
Two passes over the recordings: one for reviews, one for what was done.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from streams.engine.memory import MemoryRecord
from streams.recording import Mine, Progress, Record, Recording, Told, merged
from streams.research.items import TOPICS, Item, items_of
from streams.signals import Refused, Schema
from streams.workbench.backtest.survey import Reviews

MAX_UPHELD = 10_000
MAX_OF_ITEM = 256
"""Moments of one item of one account: its newest."""

_HASHES = 1 << 64
_CHUNK_RECORDS = 2_000

Moments = Mapping[Item, Sequence[int]]
"""What an account did: when (ms, ascending) each item was."""


class Bounds(NamedTuple):
    """How much is kept: accounts of the rest, and moments (8 bytes each) of all and everything."""

    rest: int = 20_000
    moments: int = 4_000_000


class Labels:
    """Accounts with an upheld decision (the latest word on it), and from when on.

    What such an account did after that moment tells of the review, not of why there was one.
    """

    def __init__(self, upheld: Mapping[str, int]) -> None:
        kept = heapq.nsmallest(MAX_UPHELD, upheld, key=_rank)
        self.since: Mapping[str, int] = {account: upheld[account] for account in kept}
        self._others = upheld.keys() - self.since.keys()

    def left_out(self, account: str) -> bool:
        """Whether it was upheld, but there were too many: it isn't one of the rest either."""
        return account in self._others


class Sample:
    """The accounts. `held_out` of them are for the trial; what the others did is in `done`."""

    def __init__(self, labels: Labels, bounds: Bounds | None = None) -> None:
        self.since = labels.since
        self.done: dict[str, dict[Item, array[int]]] = {}
        self.held_out: set[str] = set()
        self._labels = labels
        self._bounds = bounds or Bounds()
        self._rest: list[tuple[int, str]] = []
        self._below = _HASHES
        self._moments = 0
        for account in labels.since:
            self._place(account)

    @property
    def share(self) -> float:
        """The share of the rest that was kept."""
        return self._below / _HASHES

    def wants(self, account: str) -> bool:
        """Whether what it does should be noted; a new account becomes one of the rest."""
        if account in self.done:
            return True
        if account in self.held_out or self._labels.left_out(account):
            return False
        rank = _rank(account)
        if rank >= self._below:
            return False
        heapq.heappush(self._rest, (-rank, account))
        self._place(account)
        if len(self._rest) > self._bounds.rest:
            self._drop()
        return account in self.done

    def note(self, account: str, item: Item, at: int) -> None:
        """It did that then."""
        moments = self.done[account].setdefault(item, array("q"))
        moments.append(at)
        self._moments += 1
        if len(moments) > 2 * MAX_OF_ITEM:
            self._moments -= len(moments) - MAX_OF_ITEM
            self.done[account][item] = array("q", sorted(moments)[-MAX_OF_ITEM:])
        while self._moments > self._bounds.moments and self._rest:
            self._drop()

    def close(self) -> None:
        """All was noted: bring moments in order, and leave out what came after the review."""
        for account, items in self.done.items():
            since = self.since.get(account)
            for item, moments in list(items.items()):
                ordered = sorted(moments)[-MAX_OF_ITEM:]
                if since is not None:
                    del ordered[bisect_right(ordered, since) :]
                if ordered:
                    items[item] = array("q", ordered)
                else:
                    del items[item]

    def _place(self, account: str) -> None:
        if _digest(account)[8] & 1:
            self.held_out.add(account)
        else:
            self.done[account] = {}

    def _drop(self) -> None:
        rank, account = heapq.heappop(self._rest)
        self._below = -rank
        self.held_out.discard(account)
        self._moments -= sum(map(len, self.done.pop(account, {}).values()))


def draw(recordings: Sequence[Recording], schema: Schema, progress: Progress) -> Sample:
    """The sample of some recordings, in two passes. Raises as `Recording.batches`."""
    reviews = Reviews(schema)
    for chunk in _chunks(_unordered(recordings), recordings, progress):
        reviews.note(chunk)
    upheld: dict[str, int] = {}
    for review in reviews.latest.values():
        if review.upheld:
            upheld[review.account] = min(review.at, upheld.get(review.account, review.at))
    sample = Sample(Labels(upheld))
    decoders = {topic: schema.decoder(topic) for topic in TOPICS}
    for chunk in _chunks(_unordered(recordings), recordings, progress):
        for topic, key, value, ts in chunk:
            if topic not in decoders or key is None:
                continue
            try:
                account = key.decode()
                if sample.wants(account):
                    signal: Any = decoders[topic](MemoryRecord(key, value, 0, ts))
                    for item in items_of(signal):
                        sample.note(account, item, signal.at)
                        if account not in sample.done:
                            break  # dropped, because there was too much
            except (Refused, UnicodeError):
                continue
    sample.close()
    return sample


def ordered(
    recordings: Sequence[Recording], mine: Mine, progress: Progress
) -> Iterator[list[Record]]:
    """The records of some accounts by time stamp, in chunks. Raises as `Recording.batches`."""
    in_order = [one.is_ordered() for one in recordings]
    sources = [
        one.streamed(mine) if fine else one.sorted(mine)
        for one, fine in zip(recordings, in_order, strict=True)
    ]
    yield from _chunks(merged(sources), recordings, progress)


def _unordered(recordings: Iterable[Recording]) -> Iterator[Record]:
    for recording in recordings:
        for batch in recording.batches():
            yield from batch


def _chunks(
    records: Iterator[Record], recordings: Sequence[Recording], progress: Progress
) -> Iterator[list[Record]]:
    told = Told(recordings, progress)
    while chunk := list(islice(records, _CHUNK_RECORDS)):
        yield chunk
        told()
    told(end=True)


def _digest(account: str) -> bytes:
    return blake2b(account.encode(), digest_size=9, person=b"vigil mine").digest()


def _rank(account: str) -> int:
    return int.from_bytes(_digest(account)[:8])
