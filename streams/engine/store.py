"""State of one (agent, partition): one dictionary, a record either encoded or as a live cell.

An entry is the record as it stands in the state topic (bytes), or, once a handler asked for it, a
cell: decoded and live, with the bytes of the last savepoint beside it. A touched cell stands in
one list until the next savepoint, which encodes the dirty ones, once, however often they changed.
Rolling back gives touched cells the value of their bytes again. One dictionary and not one per
tier: with more accounts than the processor's cache holds, each look-up costs a cache miss or three,
and the look-ups were a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from streams.agents.contract import NEVER, Kind
from streams.engine.state_cell import Cell, data_of
from streams.engine.state_format import (
    HEADER_BYTES,
    MAX_RECORD_BYTES,
    OFFSETS_KEY,
    SOURCE,
    Reader,
    Source,
    StateTooLarge,
    expiry_of,
    full_key,
    key_and_sub,
)
from streams.engine.state_indexes import Expiries, Queues, SubKeys
from streams.engine.timers import Due, Timers

_SWEEP_MARGIN_S = 3600
"""How far behind the newest timestamp the sweep stays, for records that arrive out of order:
expiry is decided by the timestamp of the record being handled, the sweep only frees memory."""

S = TypeVar("S", bound=msgspec.Struct)


class Store:
    """The `State` of the contract, plus what a driver needs: savepoint, rollback, checkpoint.

    `hot_limit` is the number of cells above which a checkpoint turns those back into bytes that
    were not touched since the checkpoint before. `timers` are the records that wait for a moment,
    as they stand now, `queues` those that wait for people.
    """

    def __init__(self, kinds: Iterable[Kind[Any]], *, hot_limit: int = 50_000) -> None:
        self.now = 0
        self._entries: dict[bytes, bytes | Cell] = {}
        self._touched: list[Cell] = []
        self._hot: list[Cell] = []
        self._turn = 0
        self._pending: dict[bytes, bytes | None] = {}
        kinds = tuple(kinds)
        self._subs = SubKeys(kind.tag for kind in kinds if kind.scanned)
        self._expiries = Expiries()
        self._progress_s = 0
        self._hot_limit = hot_limit
        self._encoded_bytes = 0
        self._last_key = ""
        self._last_cell: Cell | None = None
        self._last_sub = self._last_sub_key = ""
        self._last_sub_cell: Cell | None = None
        self._missed = self._missed_sub = ""
        self._missed_full = b""
        self._reader = Reader(kinds)
        self.timers = Timers(self._reader)
        self.queues = Queues(kinds, self._reader)
        self._encode = msgspec.msgpack.Encoder().encode

    # What handlers use

    def get(self, kind: Kind[S], key: str, sub: str = "") -> S | None:
        """See `State`."""
        full = kind.tag + key.encode()
        if sub:
            full += b"\0" + sub.encode()
        entry = self._entries.get(full)
        if isinstance(entry, Cell):
            cell = entry
            if not cell.touched:
                cell.touched = True
                self._touched.append(cell)
        elif entry is None:
            # A handler mostly puts what it has just missed: `put` need not make its key again.
            self._missed, self._missed_sub, self._missed_full = key, sub, full
            return None
        else:
            cell = self._load(full, entry, kind)
        # A handler mostly puts back what it has just got: `put` need not look it up again.
        if sub:
            self._last_sub, self._last_sub_key, self._last_sub_cell = sub, key, cell
        else:
            self._last_key, self._last_cell = key, cell
        expires_s = cell.expires_s
        if expires_s and expires_s * 1000 <= self.now:
            return None
        return cell.value  # type: ignore[no-any-return]

    def put(self, kind: Kind[S], key: str, value: S, expires_at: int, sub: str = "") -> None:
        """See `State`."""
        # Rounded up here, not when encoding, so that a restored record expires when a live one does.
        expires_s = -(-expires_at // 1000)
        if sub:
            cell = self._last_sub_cell
            known = sub is self._last_sub and key is self._last_sub_key
        else:
            cell = self._last_cell
            known = key is self._last_key
        if cell is None or not known or cell.kind is not kind:
            full = self._missed_full
            if key is not self._missed or sub is not self._missed_sub or full[:1] != kind.tag:
                full = full_key(kind.tag, key, sub)
            entry = self._entries.get(full)
            if isinstance(entry, Cell):
                cell = entry
                if not cell.touched:
                    cell.touched = True
                    self._touched.append(cell)
            else:
                cell = self._new_cell(full, kind, value, entry)
        cell.value = value
        cell.expires_s = expires_s
        cell.dirty = True
        if kind.due is not None:
            self.timers.set(cell.full, kind.due(value))

    def delete(self, kind: Kind[S], key: str, sub: str = "") -> None:
        """See `State`."""
        self._delete(full_key(kind.tag, key, sub), kind)

    def scan(self, kind: Kind[S], key: str) -> Iterator[tuple[str, S]]:
        """See `State`."""
        prefix = kind.tag + key.encode() + b"\0"
        for sub in self._subs.of(prefix, self._entries):
            name = sub.decode()
            value = self.get(kind, key, name)
            if value is not None:
                yield name, value

    # What the processor uses

    def known(self, tag: bytes, key: bytes) -> bool:
        """Whether a record of that kind and key exists (expired or not)."""
        return tag + key in self._entries

    @property
    def dirty_count(self) -> int:
        """Records changed since the last checkpoint (an upper bound of what it will write)."""
        return len(self._touched) + len(self._pending)

    def take_up(self, full: bytes) -> tuple[Kind[Any], str, str, Any]:
        """(kind, key, sub, record) of a full key, expired or not; to be changed by who asks."""
        kind = self._reader.kind_of(full)
        cell = self._touch(full, self._entries[full], kind)
        cell.dirty = True
        return kind, *key_and_sub(full), cell.value

    def is_settled(self, due: Due) -> bool:
        """Whether a record that was called was deleted, or put back for later or for no moment."""
        cell = self._entries[due.full]
        assert isinstance(cell, Cell)
        assert cell.kind.due is not None
        if cell.value is None:
            return True
        later = cell.kind.due(cell.value)
        return later == self.timers.of(due.full) and (later == NEVER or later > due.at)

    def drop(self, full: bytes) -> None:
        """Forget a record as a handler would, by its full key."""
        self._delete(full, self._reader.kind_of(full))

    def savepoint(self) -> None:
        """Encode what is dirty; a later `rollback` returns to here.

        Raises StateTooLarge naming kind and size (never the key: it is a person's).
        """
        encode, pending, turn = self._encode, self._pending, self._turn
        grown = 0
        for cell in self._touched:
            cell.touched = False
            cell.used = turn
            if not cell.dirty:
                continue
            cell.dirty = False
            value, before = cell.value, cell.data
            if value is None:
                grown -= self._forget(cell)
                continue
            header = cell.kind.version << 32 | cell.expires_s
            data = header.to_bytes(HEADER_BYTES, "big") + encode(value)
            if len(data) > MAX_RECORD_BYTES:
                raise StateTooLarge(
                    f"a state record of kind {cell.kind.tag!r} grew to {len(data)} bytes; "
                    f"the most is {MAX_RECORD_BYTES}: bound it in the handler"
                )
            if before is None:
                self._expiries.add(cell.full, cell.expires_s)
                grown += len(data)
            else:
                self._expiries.moved(cell.full, expiry_of(before), cell.expires_s)
                grown += len(data) - len(before)
            cell.data = pending[cell.full] = data
            if cell.kind.queue is not None:
                self.queues.note(cell.full, value)
        self._encoded_bytes += grown
        self._touched.clear()
        self._last_cell = self._last_sub_cell = None

    def rollback(self) -> None:
        """Forget every change since the last savepoint, also one that was never put."""
        for cell in self._touched:
            cell.touched = cell.dirty = False
            if cell.data is None:
                del self._entries[cell.full]
                self._subs.discard(cell.full)
                self.timers.forget(cell.full)
            else:
                cell.value = self._reader.decode(cell.full, cell.data, cell.kind)
                cell.expires_s = expiry_of(cell.data)
                if cell.kind.due is not None:
                    self.timers.set(cell.full, cell.kind.due(cell.value))
        self._touched.clear()
        self._last_cell = self._last_sub_cell = None

    def take_pending(self) -> dict[bytes, bytes | None]:
        """Savepoint, sweep, and hand over what the checkpoint must write: key → record or None."""
        self.savepoint()
        self._sweep()
        pending, self._pending = self._pending, {}
        if len(self._hot) > self._hot_limit:
            self._cool()
        self._turn += 1
        return pending

    def restore(self, full: bytes, data: bytes | None) -> None:
        """Take one record of the state topic, in the topic's order.

        Raises UnreadableState for a record of an unknown kind or version; contents are decoded,
        and found unreadable, on first use, those of kinds with `due` at once.
        """
        before = self._entries.get(full)
        if data is None:
            if before is not None:
                self._drop(full)
            return
        self._reader.insist_on_readable(full, data)
        if before is None:
            self._index(full, expiry_of(data))
        else:
            assert isinstance(before, bytes)
            self._encoded_bytes -= len(before)
        self._entries[full] = data
        self._encoded_bytes += len(data)
        self.timers.restored(full, data)
        if full[:1] in self.queues.tags:
            self.queues.note(full, self._reader.decode(full, data, self._reader.kind_of(full)))

    def raw(self, full: bytes) -> bytes | None:
        """The encoded record of a full key, as of the last savepoint."""
        return data_of(self._entries.get(full))

    def source(self) -> Source | None:
        """The engine's own record; None before the first checkpoint. Raises UnreadableState."""
        raw = self.raw(OFFSETS_KEY)
        return None if raw is None else self._reader.decode(OFFSETS_KEY, raw, SOURCE)

    def put_raw(self, full: bytes, data: bytes) -> None:
        """Store the engine's own record; it is written with the next checkpoint."""
        self._entries[full] = data
        self._pending[full] = data

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every encoded record as of the last savepoint."""
        for full, entry in self._entries.items():
            data = data_of(entry)
            if data is not None:
                yield full, data

    def size(self) -> tuple[int, int]:
        """(records, encoded bytes of keys' values) held as of the last savepoint."""
        return len(self._entries), self._encoded_bytes

    # Inside

    def _touch(self, full: bytes, entry: bytes | Cell, kind: Kind[Any]) -> Cell:
        if not isinstance(entry, Cell):
            return self._load(full, entry, kind)
        if not entry.touched:
            entry.touched = True
            self._touched.append(entry)
        return entry

    def _delete(self, full: bytes, kind: Kind[Any]) -> None:
        entry = self._entries.get(full)
        if entry is None:
            return
        cell = self._touch(full, entry, kind)
        cell.value = None
        cell.dirty = True
        self.timers.forget(full)

    def _load(self, full: bytes, data: bytes, kind: Kind[Any]) -> Cell:
        value = self._reader.decode(full, data, kind)
        cell = Cell(full, kind, value, expiry_of(data), data)
        self._entries[full] = cell
        self._touched.append(cell)
        self._hot.append(cell)
        return cell

    def _new_cell(self, full: bytes, kind: Kind[Any], value: Any, data: bytes | None) -> Cell:
        cell = Cell(full, kind, value, 0, data)
        self._entries[full] = cell
        self._touched.append(cell)
        self._hot.append(cell)
        if data is None and kind.tag in self._subs.kinds:
            self._subs.add(full)
        return cell

    def _cool(self) -> None:
        """Turn cells back into bytes that this checkpoint found untouched."""
        entries, turn = self._entries, self._turn
        hot: list[Cell] = []
        for cell in self._hot:
            if cell.used == turn:
                hot.append(cell)
            elif entries.get(cell.full) is cell:
                assert cell.data is not None
                entries[cell.full] = cell.data
        self._hot = hot

    def _index(self, full: bytes, expires_s: int) -> None:
        self._expiries.add(full, expires_s)
        self._subs.add(full)

    def _forget(self, cell: Cell) -> int:
        """Carry out a deletion; the encoded bytes it frees."""
        full, before = cell.full, cell.data
        del self._entries[full]
        self._subs.discard(full)
        self.queues.discard(full)
        cell.data = None
        if before is None and full not in self._pending:
            return 0
        self._pending[full] = None
        return len(before or b"")

    def _drop(self, full: bytes) -> None:
        data = data_of(self._entries.pop(full))
        self._encoded_bytes -= len(data or b"")
        self._subs.discard(full)
        self.queues.discard(full)
        self.timers.forget(full)

    def _sweep(self) -> None:
        """Tombstone what expired."""
        self._progress_s = max(self._progress_s, self.now // 1000 - _SWEEP_MARGIN_S)
        for full in self._expiries.take(self._progress_s, self._expiry):
            self._drop(full)
            self._pending[full] = None

    def _expiry(self, full: bytes) -> int | None:
        data = data_of(self._entries.get(full))
        if data is None:
            return None
        if full in self.timers:  # it is called first
            return max(expiry_of(data), self._progress_s + 1)
        return expiry_of(data)
