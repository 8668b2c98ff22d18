"""How a state record looks in the state topic, and what is done when it doesn't.

The key begins with the input's key that it is kept with (`home_of`). The value is one version byte, four bytes of expiry (seconds since the epoch, big endian, 0 =
never) and the MessagePack of the kind's struct. The key is the kind's tag byte, the key, and, where
there is a sub-key, a NUL byte and the sub-key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.agents.contract import Kind

MAX_RECORD_BYTES = 256 * 1024
"""Largest state record, as CONTRACT.md promises."""

OFFSETS_KEY = b"O"
"""Key of the engine's own record, `SOURCE`."""

HEADER_BYTES = 5


class Source(msgspec.Struct, array_like=True, gc=False):
    """How far a partition is: the next offset of every input by logical topic, the progress (ms)."""

    offsets: dict[str, int]
    progress: int


def _without_progress(offsets: Any) -> Source:
    return Source(msgspec.convert(offsets, dict[str, int]), 0)


SOURCE: Kind[Source] = Kind(OFFSETS_KEY, Source, version=2, migrations={1: _without_progress})
"""The engine's own kind. Version 1 was the offsets alone."""


class UnreadableState(Exception):
    """A state record can't be read; guessing would decide about a person on garbage."""


class StateTooLarge(Exception):
    """A handler let one state record grow past `MAX_RECORD_BYTES`."""


def full_key(tag: bytes, key: str, sub: str) -> bytes:
    """The key in the state topic."""
    if sub:
        return tag + key.encode() + b"\0" + sub.encode()
    return tag + key.encode()


def prefix_of(full: bytes) -> bytes:
    """Up to and with the NUL byte before the sub-key; empty where there is no sub-key."""
    return full[: full.find(b"\0") + 1]


def key_and_sub(full: bytes) -> tuple[str, str]:
    """The key and sub-key in a full key; the sub-key is empty where there is none."""
    key, _, sub = full[1:].partition(b"\0")
    return key.decode(), sub.decode()


def home_of(full: bytes) -> bytes | None:
    """The key of the input that a record is kept with: what stands before a ``/``.

    By it the record is found on its partition. None for the engine's own: it belongs to the partition.
    """
    if full == OFFSETS_KEY:
        return None
    return full[1:].partition(b"\0")[0].partition(b"/")[0]


def expiry_of(data: bytes) -> int:
    """When a record expires, in seconds since the epoch; 0: never."""
    return int.from_bytes(data[1:HEADER_BYTES], "big")


class Reader:
    """Decodes records of the given kinds."""

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self._kinds = {kind.tag: kind for kind in (*kinds, SOURCE)}
        self._readable = {
            tag: frozenset((kind.version, *(kind.migrations or ())))
            for tag, kind in self._kinds.items()
        }
        self.waiting_tags = frozenset(tag for tag, kind in self._kinds.items() if kind.due)
        """Tags of the kinds whose records wait for a moment."""
        self._decoders = {
            tag: msgspec.msgpack.Decoder(kind.struct).decode for tag, kind in self._kinds.items()
        }

    def insist_on_readable(self, full: bytes, data: bytes) -> None:
        """Raise UnreadableState for a record of a kind or a version that this Vigil doesn't know."""
        versions = self._readable.get(full[:1])
        if versions is None:
            raise UnreadableState(f"unknown kind of state record {full[:1]!r}")
        version = data[0]
        if version not in versions:
            read = ", ".join(map(str, sorted(versions)))
            newer = ": a newer Vigil wrote it" if version > max(versions) else ""
            raise UnreadableState(
                f"state record of kind {full[:1]!r} has version {version}, this Vigil reads"
                f" {read}{newer}"
            )

    def kind_of(self, full: bytes) -> Kind[Any]:
        """The kind of a record a handler writes."""
        return self._kinds[full[:1]]

    def decode(self, full: bytes, data: bytes, kind: Kind[Any]) -> Any:
        """The record's struct, migrated if it is of an older version. Raises UnreadableState."""
        version = data[0]
        try:
            if version == kind.version:
                return self._decoders[kind.tag](memoryview(data)[HEADER_BYTES:])
            self.insist_on_readable(full, data)
            assert kind.migrations is not None
            return kind.migrations[version](msgspec.msgpack.decode(data[HEADER_BYTES:]))
        except (msgspec.MsgspecError, ValueError, TypeError, LookupError):
            # The library's message may quote values of the record: it goes no further.
            raise UnreadableState(
                f"state record of kind {full[:1]!r}, version {version}: its contents don't decode"
            ) from None
