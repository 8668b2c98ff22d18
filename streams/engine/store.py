"""State of one (agent, partition): every key's bytes, a decoded cache for hot ones, a dirty set.

Three tiers. *Cold* holds each record as it would stand in the state topic. *Cells* hold decoded
records, live for the handler; a changed one is dirty until the next savepoint encodes it, once,
however often it changed. *Pending* holds what savepoints encoded since the last checkpoint.
Rolling back means forgetting dirty cells: cold still has what they were.

A record on the wire is one version byte, four bytes of expiry (seconds since the epoch, big
endian, 0 = never) and the MessagePack of its struct. Its key is the kind's tag byte, the key, and,
where there is a sub-key, a NUL byte and the sub-key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from streams.agents.contract import NEVER, Kind

MAX_RECORD_BYTES = 256 * 1024
"""Largest state record, as CONTRACT.md promises."""

OFFSETS_KEY = b"O"
"""Key of the engine's own record: the next offset of every input, by logical topic."""

_HEADER_BYTES = 5
_BUCKET_S = 3600
_SWEEP_MARGIN_S = 3600
"""How far behind the newest timestamp the sweep stays, for records that arrive out of order:
expiry is decided by the timestamp of the record being handled, the sweep only frees memory."""

S = TypeVar("S", bound=msgspec.Struct)


class UnreadableState(Exception):
    """A state record can't be read; guessing would decide about a person on garbage."""


class StateTooLarge(Exception):
    """A handler let one state record grow past `MAX_RECORD_BYTES`."""


class _Cell(msgspec.Struct, gc=False):
    value: Any  # None: deleted
    expires_s: int
    dirty: bool
    kind: Kind[Any]


class Store:
    """The `State` of the contract, plus what a driver needs: savepoint, rollback, checkpoint.

    `hot_limit` bounds the decoded cells that survive a checkpoint (a generation of that many plus
    those touched since).
    """

    def __init__(self, kinds: Iterable[Kind[Any]], *, hot_limit: int = 50_000) -> None:
        self.now = 0
        self._cold: dict[bytes, bytes] = {}
        self._cells: dict[bytes, _Cell] = {}
        self._previous: dict[bytes, _Cell] = {}
        self._dirty: list[bytes] = []
        self._pending: dict[bytes, bytes | None] = {}
        self._subs: dict[bytes, set[bytes]] = {}
        self._due: dict[int, list[bytes]] = {}
        self._progress_s = 0
        self._hot_limit = hot_limit
        self._cold_bytes = 0
        self._kinds = {kind.tag: kind for kind in kinds}
        self._decoders = {
            tag: msgspec.msgpack.Decoder(kind.struct).decode for tag, kind in self._kinds.items()
        }
        self._encode = msgspec.msgpack.Encoder().encode

    # What handlers use

    def get(self, kind: Kind[S], key: str, sub: str = "") -> S | None:
        full = _full_key(kind.tag, key, sub)
        cell = self._cells.get(full)
        if cell is None:
            cell = self._load(full, kind)
            if cell is None:
                return None
        expires_s = cell.expires_s
        if expires_s and expires_s * 1000 <= self.now:
            return None
        return cell.value  # type: ignore[no-any-return]

    def put(self, kind: Kind[S], key: str, value: S, expires_at: int, sub: str = "") -> None:
        full = _full_key(kind.tag, key, sub)
        # Rounded up here, not when encoding, so that a restored record expires when a live one does.
        expires_s = -(-expires_at // 1000)
        cell = self._cells.get(full)
        if cell is None:
            self._previous.pop(full, None)
            self._cells[full] = _Cell(value, expires_s, True, kind)
            self._dirty.append(full)
            if sub:
                self._subs.setdefault(_prefix(full), set()).add(sub.encode())
            return
        cell.value = value
        cell.expires_s = expires_s
        if not cell.dirty:
            cell.dirty = True
            self._dirty.append(full)

    def delete(self, kind: Kind[S], key: str, sub: str = "") -> None:
        full = _full_key(kind.tag, key, sub)
        cell = self._cells.get(full) or self._load(full, kind)
        if cell is None:
            return
        cell.value = None
        if not cell.dirty:
            cell.dirty = True
            self._dirty.append(full)

    def scan(self, kind: Kind[S], key: str) -> Iterator[tuple[str, S]]:
        prefix = kind.tag + key.encode() + b"\0"
        for sub in sorted(self._subs.get(prefix, ())):
            name = sub.decode()
            value = self.get(kind, key, name)
            if value is not None:
                yield name, value

    # What the processor uses

    def known(self, tag: bytes, key: bytes) -> bool:
        """Whether a record of that kind and key exists (expired or not)."""
        full = tag + key
        return full in self._cold or full in self._cells

    @property
    def dirty_count(self) -> int:
        """Records changed since the last checkpoint (an upper bound of what it will write)."""
        return len(self._dirty) + len(self._pending)

    def savepoint(self) -> None:
        """Encode what is dirty; a later `rollback` returns to here.

        Raises StateTooLarge naming kind and size (never the key: it is a person's).
        """
        for full in self._dirty:
            cell = self._cells[full]
            if cell.value is None:
                del self._cells[full]
                self._unindex_sub(full)
                if self._drop_cold(full) or full in self._pending:
                    self._pending[full] = None
                continue
            cell.dirty = False
            data = self._record(cell)
            if full not in self._cold:
                self._index(full, cell.expires_s)
            else:
                self._cold_bytes -= len(self._cold[full])
            self._cold[full] = data
            self._cold_bytes += len(data)
            self._pending[full] = data
        self._dirty.clear()

    def rollback(self) -> None:
        """Forget every change since the last savepoint."""
        for full in self._dirty:
            self._cells.pop(full, None)
            if full not in self._cold:
                self._unindex_sub(full)
        self._dirty.clear()

    def take_pending(self) -> dict[bytes, bytes | None]:
        """Savepoint, sweep, and hand over what the checkpoint must write: key → record or None."""
        self.savepoint()
        self._sweep()
        pending, self._pending = self._pending, {}
        if len(self._cells) > self._hot_limit:
            self._previous, self._cells = self._cells, {}
        return pending

    def restore(self, full: bytes, data: bytes | None) -> None:
        """Take one record of the state topic, in the topic's order.

        Raises UnreadableState for a record of an unknown kind or version; contents are decoded,
        and found unreadable, on first use, or by `verify`.
        """
        if data is None:
            self._drop_cold(full)
            return
        if full not in self._cold:
            if full[:1] not in self._kinds and full != OFFSETS_KEY:
                raise UnreadableState(f"unknown kind of state record {full[:1]!r}")
            self._index(full, int.from_bytes(data[1:_HEADER_BYTES], "big"))
        else:
            self._cold_bytes -= len(self._cold[full])
        self._cold[full] = data
        self._cold_bytes += len(data)

    def raw(self, full: bytes) -> bytes | None:
        """The encoded record of a full key, as of the last savepoint."""
        return self._cold.get(full)

    def put_raw(self, full: bytes, data: bytes) -> None:
        """Store the engine's own record; it is written with the next checkpoint."""
        self._cold[full] = data
        self._pending[full] = data

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every encoded record as of the last savepoint."""
        return iter(self._cold.items())

    def size(self) -> tuple[int, int]:
        """(records, encoded bytes of keys' values) held as of the last savepoint."""
        return len(self._cold), self._cold_bytes

    # Inside

    def _load(self, full: bytes, kind: Kind[Any]) -> _Cell | None:
        cell = self._previous.pop(full, None)
        if cell is None:
            data = self._cold.get(full)
            if data is None:
                return None
            expires_s = int.from_bytes(data[1:_HEADER_BYTES], "big")
            cell = _Cell(self._decode(full, data, kind), expires_s, False, kind)
        self._cells[full] = cell
        return cell

    def _decode(self, full: bytes, data: bytes, kind: Kind[Any]) -> Any:
        version = data[0]
        try:
            if version == kind.version:
                return self._decoders[kind.tag](data[_HEADER_BYTES:])
            migrate = (kind.migrations or {}).get(version)
            if migrate is not None:
                return migrate(msgspec.msgpack.decode(data[_HEADER_BYTES:]))
        except (msgspec.MsgspecError, ValueError, TypeError, LookupError):
            # The library's message may quote values of the record: it goes no further.
            raise UnreadableState(
                f"state record of kind {full[:1]!r}, version {version}: its contents don't decode"
            ) from None
        raise UnreadableState(
            f"state record of kind {full[:1]!r} has version {version}; this Vigil reads "
            f"{kind.version} and {sorted(kind.migrations or {})}"
        )

    def _record(self, cell: _Cell) -> bytes:
        kind = cell.kind
        body = self._encode(cell.value)
        if len(body) + _HEADER_BYTES > MAX_RECORD_BYTES:
            raise StateTooLarge(
                f"a state record of kind {kind.tag!r} grew to {len(body)} bytes; "
                f"the most is {MAX_RECORD_BYTES}: bound it in the handler"
            )
        return kind.version.to_bytes(1, "big") + cell.expires_s.to_bytes(4, "big") + body

    def _index(self, full: bytes, expires_s: int) -> None:
        if expires_s != NEVER:
            self._due.setdefault(expires_s // _BUCKET_S, []).append(full)
        prefix = _prefix(full)
        if prefix:
            self._subs.setdefault(prefix, set()).add(full[len(prefix) :])

    def _drop_cold(self, full: bytes) -> bool:
        data = self._cold.pop(full, None)
        if data is None:
            return False
        self._cold_bytes -= len(data)
        self._unindex_sub(full)
        return True

    def _unindex_sub(self, full: bytes) -> None:
        prefix = _prefix(full)
        subs = self._subs.get(prefix)
        if subs is not None:
            subs.discard(full[len(prefix) :])
            if not subs:
                del self._subs[prefix]

    def _sweep(self) -> None:
        """Tombstone what expired. A key waits in the bucket of the expiry it was first stored
        with; one that has lived on since is moved to the bucket of its present expiry."""
        self._progress_s = max(self._progress_s, self.now // 1000 - _SWEEP_MARGIN_S)
        due = [bucket for bucket in self._due if (bucket + 1) * _BUCKET_S <= self._progress_s]
        for bucket in due:
            for full in self._due.pop(bucket):
                data = self._cold.get(full)
                if data is None:
                    continue
                expires_s = int.from_bytes(data[1:_HEADER_BYTES], "big")
                if expires_s == NEVER:
                    continue
                if expires_s > self._progress_s:
                    self._due.setdefault(expires_s // _BUCKET_S, []).append(full)
                    continue
                self._drop_cold(full)
                self._cells.pop(full, None)
                self._previous.pop(full, None)
                self._pending[full] = None


def _full_key(tag: bytes, key: str, sub: str) -> bytes:
    if sub:
        return tag + key.encode() + b"\0" + sub.encode()
    return tag + key.encode()


def _prefix(full: bytes) -> bytes:
    """Up to and with the NUL byte before the sub-key; empty where there is no sub-key."""
    return full[: full.find(b"\0") + 1]
