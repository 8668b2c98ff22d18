"""What the entities agent remembers of an entity besides its windows (`windows_state`).

- ``E`` entity: newest event time, last ids, and, by the type of entity, who was met there
  (`crowds`) or who holds it (`holding`). Goes 30 days after the last signal, 400 if confirmed.
- ``M`` entity + ``/`` shard + account: one of its further holders. Goes 30 days after it was met.
- ``R`` entity: how far telling its holders has come.
"""

from __future__ import annotations

import msgspec

from streams.agents.contract import Kind


class Confirmed(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """The hit that confirmed content or a data set: its tagged id, time (ms) and category."""

    hit: str
    at: int
    harm: str


class EntityRecord(msgspec.Struct, array_like=True, gc=False):
    """One entity. `newest` is the greatest event time seen (ms), `ids` a ring of `digest`s.

    `members` are those met there last (`crowds`). `holders` are accounts that hold it, and when
    they were met with it last (s); `more` counts those that are records of their own.
    """

    newest: int
    ids: bytes = b""
    members: bytes = b""
    holders: dict[str, int] = {}
    more: int = 0
    confirmed: Confirmed | None = None


class Member(msgspec.Struct, array_like=True, gc=False):
    """A holder: when it was met with it last (s), and whether it heard that it is confirmed."""

    met: int
    told: bool = False


class Removal(msgspec.Struct, array_like=True, gc=False):
    """Telling the holders goes on at `at` (ms), in the shard of that number."""

    at: int
    shard: int = 0


def _due(removal: Removal) -> int:
    return removal.at


ENTITY: Kind[EntityRecord] = Kind(b"E", EntityRecord)
MEMBER: Kind[Member] = Kind(b"M", Member, scanned=True)
REMOVAL: Kind[Removal] = Kind(b"R", Removal, due=_due)

KINDS = (ENTITY, MEMBER, REMOVAL)
