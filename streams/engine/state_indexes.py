"""Indexes beside the state: sub-keys of a key, what is due to expire, what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streams.agents.contract import NEVER, Kind
from streams.engine.state_format import Reader, prefix_of
from streams.engine.timers import FAR, Timers

_HOUR_S = 3600


class SubKeys:
    """The sub-keys of each key, of `kinds` (tags) and those that were ever asked for.

    Most kinds never are, and their records would be listed for nothing.
    """

    def __init__(self, kinds: Iterable[bytes]) -> None:
        self._subs: dict[bytes, set[bytes]] = {}
        self.kinds = set(kinds)
        """Tags of the kinds that are noted."""

    def add(self, full: bytes) -> None:
        """Note a full key; one without a sub-key is ignored."""
        if full[:1] in self.kinds:
            prefix = prefix_of(full)
            if prefix:
                self._subs.setdefault(prefix, set()).add(full[len(prefix) :])

    def discard(self, full: bytes) -> None:
        """Forget a full key."""
        if full[:1] not in self.kinds:
            return
        prefix = prefix_of(full)
        subs = self._subs.get(prefix)
        if subs is not None:
            subs.discard(full[len(prefix) :])
            if not subs:
                del self._subs[prefix]

    def of(self, prefix: bytes, present: Iterable[bytes]) -> list[bytes]:
        """The sub-keys below a prefix (with its NUL byte), sorted.

        `present` are all full keys, of which those of the kind are noted when it is first asked for.
        """
        kind = prefix[:1]
        if kind not in self.kinds:
            self.kinds.add(kind)
            for full in present:
                self.add(full)
        return sorted(self._subs.get(prefix, ()))


class Expiries:
    """Full keys by the hour they are due in.

    A key waits in the hour of the expiry it was first noted with; one that has lived on since is
    moved to the hour of its present expiry when its turn comes.
    """

    def __init__(self) -> None:
        self._due: dict[int, list[bytes]] = {}
        self._last = -1  # the hour that was noted last: what is new mostly expires in the same one
        self._in_last: list[bytes] = []

    def add(self, full: bytes, expires_s: int) -> None:
        """Note a key and when it expires; `NEVER` isn't noted."""
        if expires_s != NEVER:
            hour = expires_s // _HOUR_S
            if hour != self._last:
                self._last, self._in_last = hour, self._due.setdefault(hour, [])
            self._in_last.append(full)

    def moved(self, full: bytes, before_s: int, expires_s: int) -> None:
        """Note that a key expires at another time than before: sooner, or at all."""
        if expires_s < before_s or before_s == NEVER:
            self.add(full, expires_s)

    def take(self, until_s: int, present: Callable[[bytes], int | None]) -> Iterator[bytes]:
        """Keys that expired at or before `until_s`, an hour late at the most.

        `present` gives a key's present expiry, or None if it is gone.
        """
        for hour in [one for one in self._due if (one + 1) * _HOUR_S <= until_s]:
            if hour == self._last:
                self._last = -1
            for full in self._due.pop(hour):
                expires_s = present(full)
                if expires_s is None or expires_s == NEVER:
                    continue
                if expires_s > until_s:
                    self.add(full, expires_s)
                else:
                    yield full


class Queues:
    """What waits for people, as of the last savepoint. `tags` are those of the kinds that do."""

    def __init__(self, kinds: Iterable[Kind[Any]], reader: Reader) -> None:
        self._queues = {kind.tag: kind.queue for kind in kinds if kind.queue is not None}
        self.tags = frozenset(self._queues)
        self._since = {tag: Timers(reader) for tag in self._queues}

    def note(self, full: bytes, value: Any) -> None:
        """A record of one of `tags` is this now."""
        tag = full[:1]
        self._since[tag].set(full, self._queues[tag].since(value))

    def discard(self, full: bytes) -> None:
        """A record is gone, of whatever kind."""
        if full[:1] in self.tags:
            self._since[full[:1]].forget(full)

    def oldest(self) -> dict[str, int | None]:
        """Since when the first of each queue waits (ms), None where nobody does."""
        found: dict[str, int | None] = {}
        for tag, since in self._since.items():
            since.has_due(FAR)
            found[self._queues[tag].name] = since.next if since.next != FAR else None
        return found
