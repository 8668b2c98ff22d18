"""What is hidden: every campaign in every evasion that makes sense for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.simulate.plan import PLAIN, Wanted, evading
from streams.simulate.rhythm import DAY_MS

EVASIONS = (PLAIN, "pace=0.4", "pace=0.1", "split=2", "hop", "pad=5")
"""Slower, much slower, over two accounts each, over surfaces, under harmless traffic of its own."""

_LONGEST_MS = 31 * DAY_MS
"""What takes longer is not tried: the thin days before it would be most of the simulation."""


def variations(wanted: Iterable[Wanted], evasions: Sequence[str] = EVASIONS) -> list[Wanted]:
    """Each campaign wanted, in each of the evasions that makes sense for it.

    Raises:
        UnknownCampaignError: one is no evasion.
    """
    varied = [evading(one, evasion) for one in wanted for evasion in evasions]
    return [one for one in varied if one is not None and one.takes_ms <= _LONGEST_MS]


def by_length(wanted: Iterable[Wanted], days: float) -> tuple[list[Wanted], list[Wanted]]:
    """Those that fit into so many days, and those that need days before them."""
    short: list[Wanted] = []
    long: list[Wanted] = []
    for one in wanted:
        (short if one.takes_ms <= days * DAY_MS else long).append(one)
    return short, long
