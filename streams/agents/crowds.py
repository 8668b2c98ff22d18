"""Crowds: what many established accounts share says nothing about any one of them.

A carrier's exit, a school's network, the computer of a library or a dorm bring together people who
have nothing to do with each other. What an entity pattern finds there is told, in shadow and with
the size of the crowd, and nothing is proposed to anybody.

An account is *established* at an entity if it was not young when it came (`meetings.YOUNG_S`), or
came 30 days ago. An entity is a crowd if, of the `MEMBERS` accounts met there last, within 30 days,
at least `CROWD` are established, and at least half of all. So a farm is none, however many accounts
it has: they were made there, or shortly before they came. To pass it off as a crowd takes as many
old accounts as it has new ones.

Content is a crowd's by number alone: a suspicion about what `CROWD_OF_HOLDERS` accounts hold is one
about a picture everybody passes on. Once it is confirmed it is a crowd's no more.

Kept are `MEMBERS` entries of 16 bytes, however many others came.
"""

from __future__ import annotations

from struct import Struct

from streams.agents.account_state import digest

MEMBERS = 128
CROWD = 10
CROWD_OF_HOLDERS = 100

DAY_S = 86_400
REMEMBERED_S = 30 * DAY_S
ESTABLISHED_S = 30 * DAY_S

_ENTRY = Struct(">8sII")
"""Digest of the account; when it came (s), 0 if it was not young then; when it was met last (s)."""
_BYTES = _ENTRY.size
_TIMES = Struct(">II")
_DIGEST_BYTES = 8


def meet(members: bytes, account: str, at_s: int, *, young: bool) -> bytes:
    """The members, the one met last at the end, after an account was met there at a time (s)."""
    mark = digest(account)
    place = members.find(mark)
    while place % _BYTES and place > 0:
        place = members.find(mark, place + 1)
    came, last = at_s if young else 0, at_s
    if place >= 0:
        known, before = _TIMES.unpack_from(members, place + _DIGEST_BYTES)
        last = max(before, at_s)
        # That it is young may be known late: when what tells of its making came late.
        came = known or came
        members = members[:place] + members[place + _BYTES :]
    elif len(members) >= MEMBERS * _BYTES:
        members = members[_BYTES:]
    return members + _ENTRY.pack(mark, came, last)


def crowd(members: bytes, now_s: int) -> int:
    """How many established accounts make it a crowd at a time (s); 0 if it is none."""
    recent = established = 0
    for _, came, last in _ENTRY.iter_unpack(members):
        if last > now_s - REMEMBERED_S:
            recent += 1
            established += came == 0 or came <= now_s - ESTABLISHED_S
    return established if established >= CROWD and 2 * established >= recent else 0
