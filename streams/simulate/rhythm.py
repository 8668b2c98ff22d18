"""When people are awake: how much of a day's activity falls into each minute, by time zone."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000
MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1_440
DAY_MS = MINUTES_PER_DAY * MINUTE_MS

_BY_LOCAL_HOUR = (
    *(0.42, 0.26, 0.16, 0.10, 0.09, 0.12, 0.24, 0.46, 0.68, 0.82, 0.90, 0.94),
    *(0.98, 0.96, 0.94, 0.96, 1.02, 1.12, 1.26, 1.40, 1.48, 1.42, 1.14, 0.74),
)
"""Relative activity at each full local hour: quiet at four, busiest at twenty."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: minutes ahead of UTC, and the share of accounts living there (sum: 1)."""

    ahead_minutes: int
    share: float


ZONES = (
    Zone(-480, 0.10),
    Zone(-300, 0.21),
    Zone(-180, 0.09),
    Zone(0, 0.12),
    Zone(60, 0.22),
    Zone(180, 0.05),
    Zone(330, 0.11),
    Zone(480, 0.06),
    Zone(540, 0.04),
)


def activity_at(utc_minute: int, zone: Zone) -> float:
    """Return the relative activity of a zone at a minute counted from some midnight UTC."""
    local = (utc_minute + zone.ahead_minutes) % MINUTES_PER_DAY
    hour, minute = divmod(local, MINUTES_PER_HOUR)
    now, then = _BY_LOCAL_HOUR[hour], _BY_LOCAL_HOUR[(hour + 1) % 24]
    return now + (then - now) * minute / MINUTES_PER_HOUR
