"""An incident: what goes into one report, from its first hit until a person has confirmed it.

Hits on known material belong to one incident if they are about the same account, end user and data
set, while its report is a draft, for 24 hours and 100 hits at most. What comes after that opens the
next one: a person must be able to finish a report while hits keep coming.

Two people are needed to keep a report from the authorities: who confirmed one can't retract it, and
of a draft two have to say so. One is enough to confirm.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from streams.signals.times import a_year_after

_DAY_MS = 86_400_000

WINDOW_MS = _DAY_MS
MOST_HITS = 100

OVERDUE_EVERY_MS = _DAY_MS
"""A draft nobody has confirmed when it is due is brought up again so often."""
ENDING_MS = 30 * _DAY_MS
"""So long before preservation ends a person is told."""

NEVER = 0


class Status(StrEnum):
    """Where a report stands."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    RETRACTED = "retracted"  # final: nothing of it goes to anybody


class Hit(msgspec.Struct, array_like=True, gc=False):
    """One hit on known material. `at` is when the act happened (ms).

    `viewed`: a review said that a person looked at this very content.
    """

    detection: str
    at: int
    content_ref: str | None = None
    surface: str | None = None
    device: str | None = None
    generated: bool = False
    viewed: bool = False


class Incident(msgspec.Struct, array_like=True, gc=False):
    """One account's incident, and how its report stands. Times are ms since the epoch.

    `found_in` is ``account`` or ``dataset``. `remind_at` is when a person is to be told next,
    `preserve_until` when what is behind it may be let go: a year after the newest hit, or after it
    was confirmed.
    """

    id: str
    found_in: str
    pattern: str
    version: str
    harm: str
    opened: int
    due_at: int
    preserve_until: int
    hits: list[Hit]
    end_user: str | None = None
    dataset_ref: str | None = None
    status: Status = Status.DRAFT
    amended: int = 0
    confirmed_by: str | None = None
    confirmed_at: int = 0
    doubted_by: str | None = None
    retracted_by: str | None = None
    remind_at: int = NEVER

    @property
    def detections(self) -> list[str]:
        """The detections it rests on, in the order they came."""
        return [hit.detection for hit in self.hits]

    @property
    def preserved(self) -> bool:
        """Whether it keeps what is behind it from being erased."""
        return self.status is not Status.RETRACTED

    def takes(self, found_in: str, end_user: str | None, dataset_ref: str | None, now: int) -> bool:
        """Whether a hit that comes now belongs here."""
        return (
            self.status is Status.DRAFT
            and (self.found_in, self.end_user) == (found_in, end_user)
            and self.dataset_ref == dataset_ref
            and now < self.opened + WINDOW_MS
            and len(self.hits) < MOST_HITS
        )

    def amend(self, hit: Hit, now: int) -> None:
        """Take in one more hit."""
        self.hits.append(hit)
        self.amended += 1
        self.preserve_until = max(self.preserve_until, a_year_after(now))

    def viewed(self, content_ref: str) -> bool:
        """A person looked at this content, in a review of this; whether that is news.

        What was confirmed stays as it was then.
        """
        if self.status is not Status.DRAFT:
            return False
        seen = [hit for hit in self.hits if hit.content_ref == content_ref and not hit.viewed]
        for hit in seen:
            hit.viewed = True
        self.amended += bool(seen)
        return bool(seen)

    def confirm(self, reviewer: str, now: int) -> bool:
        """A person says it goes to the authorities; whether that changed anything."""
        if self.status is not Status.DRAFT:
            return False
        self.status = Status.CONFIRMED
        self.confirmed_by, self.confirmed_at, self.doubted_by = reviewer, now, None
        self.preserve_until = a_year_after(now)
        self.remind_at = self.preserve_until - ENDING_MS
        return True

    def retract(self, reviewer: str) -> bool:
        """A person says it must not go; whether that changed anything.

        It is retracted if that is the second person: not who confirmed it, nor, of a draft, the one
        who said so first.
        """
        first = self.confirmed_by or self.doubted_by
        if self.status is Status.RETRACTED or reviewer == first:
            return False
        if first is None:
            self.doubted_by = reviewer
            return True
        self.status, self.retracted_by, self.remind_at = Status.RETRACTED, reviewer, NEVER
        return True

    def remind(self, now: int) -> int:
        """A person is told now; the moment that is told of (ms). Sets when they are told again.

        Moments follow from the report alone, so that a late timer tells of the same ones.
        """
        told = self.remind_at
        if self.status is Status.DRAFT:
            told += (now - told) // OVERDUE_EVERY_MS * OVERDUE_EVERY_MS
            self.remind_at = min(told + OVERDUE_EVERY_MS, self.preserve_until)
        else:
            self.remind_at = self.preserve_until
        return told
