"""What the accounts agent remembers, by kind of state record.

- ``A`` account: newest event time, and the last ids per topic. Goes 30 days after the last signal.
- ``W`` account + pattern key (+ ``/`` + group): one window with its episodes. Goes once its
  contents can't matter to any signal that is not over a lateness more delayed than those before.
- ``G`` account + pattern key: the groups of a pattern that groups by one more field.
"""

from __future__ import annotations

import msgspec
from xxhash import xxh3_64_digest

from streams.agents.contract import Kind
from streams.patterns.windows import Window

IDS_REMEMBERED = 64
"""Ids per topic of which a second record changes nothing, whatever happened since."""

digest = xxh3_64_digest
"""Eight bytes that stand for an (encoded) id; XXH3, the same everywhere and for ever."""

DIGEST_BYTES = 8
RING_BYTES = IDS_REMEMBERED * DIGEST_BYTES

MAX_GROUPS = 1024
"""Groups of one pattern in one account; those that were quiet longest go first."""
GROUPS_AFTER_EVICTION = 960


class AccountRecord(msgspec.Struct, array_like=True, gc=False):
    """One account. `newest` is the greatest event time seen (ms).

    The other three are rings of `digest`s of the last ids per input topic, oldest first.
    """

    newest: int
    activity: bytes = b""
    hits: bytes = b""
    reviews: bytes = b""


class Groups(msgspec.Struct, array_like=True, gc=False):
    """The groups of one pattern that have a window: group → newest event time in it (ms)."""

    newest: dict[str, int]


ACCOUNT: Kind[AccountRecord] = Kind(b"A", AccountRecord)
WINDOW: Kind[Window] = Kind(b"W", Window)
GROUPS: Kind[Groups] = Kind(b"G", Groups)


def holds(ring: bytes, wanted: bytes) -> bool:
    """Whether a digest is in the ring: at a multiple of eight, not across two others."""
    place = ring.find(wanted)
    while place >= 0:
        if place % DIGEST_BYTES == 0:
            return True
        place = ring.find(wanted, place + 1)
    return False
