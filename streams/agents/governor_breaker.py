"""The breaker: when a version of a pattern is no longer granted anything without a person.

When, says the policy that stands in each proposal (`streams.records.Breaker`). A pattern that is
known for less than `LEARNING_MS` has no history to be held against: then its budget is what bounds
it. Precision is asked of its `NEWEST` reviewed decisions. From then on the version's proposals are
held until a person resumes it.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.agents.attention import FIRST
from streams.agents.contract import Out, State
from streams.agents.governor_budgets import Budgets
from streams.agents.governor_state import DAY_MS, HOUR_MS, PatternRecord, Quality, VersionRecord
from streams.agents.governor_verdicts import (
    Place,
    put_version,
    review_item,
)
from streams.records import BREAKERS, Breaker, Proposal
from streams.signals.times import format_ms

SURGE, PRECISION = BREAKERS
UNDONE = "undone"
"""What also stops a version, and is no breaker: a person undid all of it."""

_WEEK_HOURS = 7 * 24


LEARNING_MS = DAY_MS
NEWEST = 100
LOOK_WITHIN_MS = HOUR_MS
"""When a person should have looked at a breaker that opened. All three are our own figures."""


class Trip(NamedTuple):
    """Why a version is stopped: what was measured, and what the limit is."""

    why: str
    measured: float
    limit: float


def surge(
    limits: Breaker, budgets: Budgets, pattern: PatternRecord, version: VersionRecord, now: int
) -> Trip | None:
    """Whether the hour at hand, with the proposal just counted, is a surge."""
    proposed = budgets.proposed
    if proposed <= limits.surge_least or budgets.hour <= version.accepted:
        return None
    if now - pattern.since < LEARNING_MS:
        return None
    limit = max(limits.surge_least, limits.surge * budgets.busiest(_WEEK_HOURS))
    return Trip(SURGE, proposed, limit) if proposed > limit else None


def imprecise(limits: Breaker, quality: Quality) -> Trip | None:
    """Whether too few of the newest reviewed decisions were upheld."""
    newest = quality.newest.values()
    if len(newest) < limits.reviews:
        return None
    share = sum(newest) / len(newest)
    if share >= limits.precision:
        return None
    return Trip(PRECISION, round(share, 4), limits.precision)


def stop(state: State, place: Place, version: VersionRecord, trip: Trip) -> None:
    """From now on what this version proposes is held."""
    version.stopped, version.why = state.now, trip.why
    version.measured, version.limit = trip.measured, trip.limit
    put_version(state, place.pattern, place.version, version)


def tell(state: State, place: Place, cause: Proposal, trip: Trip, out: Out) -> None:
    """Let a person know that a breaker opened, by the action that set it off."""
    item = review_item(place, cause, "breaker", state.now)
    item.priority = FIRST
    item.due_at = format_ms(state.now + LOOK_WITHIN_MS)
    item.held_by = trip.why
    out.emit("review-queue", cause.account, item)
