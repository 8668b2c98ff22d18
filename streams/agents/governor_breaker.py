"""The breaker: when a version of a pattern is no longer granted anything without a person.

A surge is more proposals in an hour than `surge_factor` times the busiest hour of the pattern's own
last week, and more than `surge_least` in any case. A pattern that is known for less than
`learning_ms` has no history to be held against: then its budget is what bounds it. Precision is the
share that was upheld of its newest reviewed decisions, once there are `precision_least` of them.
From then on the version's proposals are held until a person resumes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from streams.agents.contract import Out, State
from streams.agents.governor_budgets import Budgets
from streams.agents.governor_state import DAY_MS, PatternRecord, Quality, VersionRecord
from streams.agents.governor_verdicts import (
    DUE_AFTER_MS,
    FIRST_PRIORITY,
    Place,
    put_version,
    review_item,
)
from streams.records import BREAKERS, Proposal
from streams.signals.times import format_ms

SURGE, PRECISION = BREAKERS
UNDONE = "undone"
"""What also stops a version, and is no breaker: a person undid all of it."""

_WEEK_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens. Our own figures."""

    surge_factor: int = 3
    surge_least: int = 20
    learning_ms: int = DAY_MS
    precision_floor: float = 0.8
    precision_least: int = 20
    precision_newest: int = 100


class Trip(NamedTuple):
    """Why a version is stopped: what was measured, and what the limit is."""

    why: str
    measured: float
    limit: float


def surge(
    limits: Limits, budgets: Budgets, pattern: PatternRecord, version: VersionRecord, now: int
) -> Trip | None:
    """Whether the hour at hand, with the proposal just counted, is a surge."""
    proposed = budgets.proposed
    if proposed <= limits.surge_least or budgets.hour <= version.accepted:
        return None
    if now - pattern.since < limits.learning_ms:
        return None
    limit = max(limits.surge_least, limits.surge_factor * budgets.busiest(_WEEK_HOURS))
    return Trip(SURGE, proposed, limit) if proposed > limit else None


def imprecise(limits: Limits, quality: Quality) -> Trip | None:
    """Whether too few of the newest reviewed decisions were upheld."""
    newest = quality.newest.values()
    if len(newest) < limits.precision_least:
        return None
    share = sum(newest) / len(newest)
    if share >= limits.precision_floor:
        return None
    return Trip(PRECISION, round(share, 4), limits.precision_floor)


def stop(state: State, place: Place, version: VersionRecord, trip: Trip) -> None:
    """From now on what this version proposes is held."""
    version.stopped, version.why = state.now, trip.why
    version.measured, version.limit = trip.measured, trip.limit
    put_version(state, place.pattern, place.version, version)


def tell(state: State, place: Place, cause: Proposal, trip: Trip, out: Out) -> None:
    """Let a person know that a breaker opened, by the action that set it off."""
    item = review_item(place, cause, "breaker", state.now)
    item.priority = FIRST_PRIORITY
    item.due_at = format_ms(state.now + DUE_AFTER_MS[FIRST_PRIORITY])
    item.held_by = trip.why
    out.emit("review-queue", cause.account, item)
