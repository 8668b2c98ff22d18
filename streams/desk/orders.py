"""Commands as records: made from what a person says, and checked as a worker will check them.

An id follows from what is ordered. So the same order given twice, because somebody wasn't sure that
it had gone out, is one order; and an undo or a resume that makes sense anew is a new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from streams.agents.governor_state import Hold
from streams.desk.standing import Version
from streams.records import output_id
from streams.reporting.report import Report
from streams.signals import Reason, Refused, Schema
from streams.signals.records import key_field
from streams.signals.times import format_ms

_DAY_MS = 86_400_000


class Order(NamedTuple):
    """One record for a command topic (logical name)."""

    topic: str
    key: str
    value: dict[str, Any]


class BadOrder(Exception):
    """What was ordered would be refused: says which part of it, and what it must be."""


class _Raw(NamedTuple):
    """An order as a worker will read it."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """Makes a person's orders. `reviewer` and `reason` stand on each."""

    schema: Schema
    reviewer: str
    reason: str
    clock: Callable[[], float] = time.time

    def about_hold(self, kind: str, hold: Hold) -> Order:
        """Release or void one held action."""
        return self._about_pattern(kind, hold.proposal.pattern, hold.proposal.id, "")

    def undo(self, version: Version) -> Order:
        """Undo all that was granted to a version until now."""
        granted = str(version.record.granted)
        return self._about_pattern("undo", version.pattern, version.version, granted)

    def undo_one(self, pattern: str, decision: str) -> Order:
        """Undo one action."""
        return self._about_pattern("undo", pattern, decision, "")

    def resume(self, version: Version) -> Order:
        """Grant a stopped version's proposals again."""
        since = str(version.record.stopped)
        return self._about_pattern("resume", version.pattern, version.version, since)

    def snooze(self, account: str, until_ms: int) -> Order:
        """Pause actions against an account."""
        until = format_ms(until_ms)
        return self._order("account-commands", "snooze", account, until, until=until)

    def erase(self, account: str) -> Order:
        """Forget an account. The same day it is the same order."""
        day = str(self._now() // _DAY_MS)
        return self._order("account-commands", "erase", account, day)

    def about_report(self, kind: str, report: Report) -> Order:
        """Confirm or retract a report, as it stands."""
        state = f"{report.status}/{report.amended}"
        return self._order("account-commands", kind, report.account, state, target=report.id)

    def _about_pattern(self, kind: str, pattern: str, target: str, state: str) -> Order:
        return self._order("pattern-commands", kind, pattern, state, target=target)

    def _order(self, topic: str, kind: str, key: str, state: str, **fields: str) -> Order:
        said = (self.reviewer, self.reason, fields.get("target", ""), state)
        now = self._now()
        value = {
            "id": output_id(f"command/{kind}", key, "", (), "", said),
            key_field(topic): key,
            "kind": kind,
            **fields,
            "reviewer": self.reviewer,
            "at": format_ms(now),
            "reason": self.reason,
        }
        self._insist(topic, key, value, now)
        return Order(topic, key, value)

    def _insist(self, topic: str, key: str, value: dict[str, Any], now: int) -> None:
        problem = None
        try:
            self.schema.decoder(topic)(_Raw(key.encode(), msgspec.json.encode(value), now))
        except Refused as refused:
            problem = refused
        if problem is None:
            return
        (name,) = problem.fields or ("it",)
        if problem.reason is Reason.UNDECLARED_VALUE:
            allowed = ", ".join(self.schema.fields(topic)[name].values or ())
            raise BadOrder(f"{name} must be one of {allowed} (or of your schema file)")
        raise BadOrder(
            f"{name} would be refused ({problem.reason}): an id is 1 to 64 characters of"
            " A-Z a-z 0-9 _ . : - and no address"
        )

    def _now(self) -> int:
        return int(self.clock() * 1000)
