"""What is remembered of one account: a record of its own, and one for each action.

All of it is for 400 days. Nothing here grows without bound: the account's record is bounded by
shape, and there is one record per action, never a list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from streams.policy.ladders import Policy

REMEMBERED_MS = 400 * 86_400_000
"""How long an action, and so a strike, is remembered at most."""

NEVER = 0
"""A moment that never comes."""


class Status(StrEnum):
    """Where an action stands."""

    RESERVED = "reserved"  # proposed, no verdict yet
    HELD = "held"  # over its budget or behind a breaker: a person releases or voids it
    GRANTED = "granted"  # in force, or done
    EXPIRED = "expired"  # it was granted, and its time is over; the strike isn't
    VOIDED = "voided"  # never came to be; final
    UNDONE = "undone"  # taken back, and the strike with it; final


STANDING = frozenset({Status.GRANTED, Status.EXPIRED})
PENDING = frozenset({Status.RESERVED, Status.HELD})
FINAL = frozenset({Status.VOIDED, Status.UNDONE})


class Subject(NamedTuple):
    """Whose strikes: of one harm, the account's own or those of one end user behind it."""

    harm: str
    end_user: str | None = None


class AccountCase(msgspec.Struct, array_like=True, gc=False):
    """One account. Times are ms since the epoch.

    `clock` is the moment of the newest decision or verdict. Each has a moment of its own, later
    than all before it, so that what was known when is never in doubt. `signs` are spans of time,
    oldest first, that hold the signs of a takeover (see `victims`). `age_band` is the age group the
    platform suspects, "" where it need not be remembered, and `age_at` since when. `erase_until`: it
    was to be erased then, and what is older still is here only because it has to be preserved.
    """

    clock: int = 0
    snoozed_until: int = NEVER
    signs: list[tuple[int, int]] = []
    age_band: str = ""
    age_at: int = 0
    erase_until: int = NEVER

    def moment(self, now: int) -> int:
        """`now`, or just after what was decided last: the moment of what is decided next."""
        return max(now, self.clock + 1)

    def tick(self, now: int) -> int:
        """That moment, taken."""
        self.clock = self.moment(now)
        return self.clock


class Action(msgspec.Struct, array_like=True, gc=False):
    """One action, from the proposal on. Times are ms since the epoch.

    - `id` is that of the proposal, and so of the enforcement.
    - `rung` is the action of the ladder it stands for, "" if it is none. It is not `action` where
      the person may be a victim or a minor.
    - `counts` says whether it is a strike while it stands. `strikes` stood when it was decided, and
      `rests_on` of them are what its rung takes: 0 where the pattern itself asked for as much.
    - `lasts` is for how long (ms, 0: no end); `granted_at` and `expires_at` are 0 before.
    - `outcome` is what reviewers found. `hands` had a part in it: who proposed, released or
      appealed; `judges` reviewed it first.
    """

    id: str
    action: str
    harm: str
    pattern: str
    version: str
    severity: str
    at: int
    status: Status
    detections: tuple[str, ...]
    rung: str = ""
    counts: bool = False
    strikes: int = 0
    rests_on: int = 0
    lasts: int = 0
    granted_at: int = 0
    expires_at: int = NEVER
    zero: bool = False
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    ruleset: str = ""
    outcome: str = ""
    hands: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()

    @property
    def subject(self) -> Subject:
        """Whose strike it is."""
        return Subject(self.harm, self.end_user)

    @property
    def due(self) -> int:
        """When it expires, `NEVER` if it doesn't, or not any more."""
        return self.expires_at if self.status is Status.GRANTED else NEVER

    @property
    def forget_at(self) -> int:
        """When its record may go."""
        return max(self.at + REMEMBERED_MS, self.expires_at)


@dataclass
class Case:
    """One account's record and actions by id; `actions` may be read lazily.

    What a function of this room changes in a record, its caller stores again.
    """

    account: AccountCase
    actions: Mapping[str, Action]


def strikes(policy: Policy, case: Case, subject: Subject, at: int, until: int | None = None) -> int:
    """The strikes that stand at a moment: granted before it, not taken back, not decayed.

    Actions within one cool-down are one strike: a burst counts once, whatever came of it.
    `until` leaves out what was decided later than that.
    """
    ladder = policy.ladder(subject.harm)
    moments = sorted(
        action.at
        for action in case.actions.values()
        if action.counts
        and action.status in STANDING
        and action.subject == subject
        and action.granted_at < at < action.at + ladder.decay
        and (until is None or action.at <= until)
    )
    count, last = 0, 0
    for moment in moments:
        if not count or moment - last >= ladder.cooldown:
            count, last = count + 1, moment
    return count
