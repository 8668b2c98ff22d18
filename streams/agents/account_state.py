"""What the accounts agent remembers of an account besides its windows (`windows_state`).

- ``A`` account: newest event time, and the last ids per topic. Goes 30 days after the last signal.
"""

from __future__ import annotations

import msgspec
from xxhash import xxh3_64_digest

from streams.agents.contract import Kind

IDS_REMEMBERED = 64
"""Ids per topic of which a second record changes nothing, whatever happened since."""

digest = xxh3_64_digest
"""Eight bytes that stand for an (encoded) id; XXH3, the same everywhere and for ever."""

DIGEST_BYTES = 8
RING_BYTES = IDS_REMEMBERED * DIGEST_BYTES


class AccountRecord(msgspec.Struct, array_like=True, gc=False):
    """One account. `newest` is the greatest event time seen (ms).

    The first four others are rings of `digest`s of the last ids per input topic, oldest first.
    `created` is when it was made (s), 0 where that was not seen. The others are what `meetings`
    keeps: entities and content met, as digests, where it was with its last signal, and when (s) it
    forgets them. `commands` is a ring as those of the input topics.
    """

    newest: int
    activity: bytes = b""
    hits: bytes = b""
    reviews: bytes = b""
    signals: bytes = b""
    created: int = 0
    met: bytes = b""
    content: bytes = b""
    where: int = 0
    forgets: int = 0
    commands: bytes = b""


ACCOUNT: Kind[AccountRecord] = Kind(b"A", AccountRecord)


def holds(ring: bytes, wanted: bytes) -> bool:
    """Whether a digest is in the ring: at a multiple of eight, not across two others."""
    place = ring.find(wanted)
    while place >= 0:
        if place % DIGEST_BYTES == 0:
            return True
        place = ring.find(wanted, place + 1)
    return False
