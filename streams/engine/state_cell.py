"""A state record in memory: its bytes, or, once a handler asked for it, a live cell."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.agents.contract import Kind


class Cell(msgspec.Struct, gc=False):
    """A record decoded and live, with the bytes of the last savepoint beside it."""

    full: bytes
    kind: Kind[Any]
    value: Any  # None: deleted
    expires_s: int
    data: bytes | None  # as of the last savepoint; None: not there then
    touched: bool = True
    dirty: bool = False
    used: int = 0  # the turn of the last savepoint that found it touched


def data_of(entry: bytes | Cell | None) -> bytes | None:
    """The record's bytes as of the last savepoint; None: not there then."""
    return entry.data if isinstance(entry, Cell) else entry
