"""What a kind of campaign is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.simulate.recount import Requirement
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

HOUR_MS = 60 * MINUTE_MS
WEEK_MS = 7 * DAY_MS

SPLIT, HOP, PAD = "split", "hop", "pad"
"""Evasions beside going slower: over several accounts, over surfaces, under harmless traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A kind of campaign, written against the shipped pattern of the same name.

    `act` plays one actor from a time on (ms after the recorder's begin) at a pace. `met` says
    whether what was done is what the pattern looks for: asked per account, or, with `together`,
    once about all of them.

    `actors` is how many there usually are; `lasts_ms` how long one takes at most at pace 1, and
    `stagger_ms` within what time of each other they begin. `strangers` are played by accounts that
    have no other life. `evasions` are those that make sense.
    """

    name: str
    act: Callable[[Stage, int, float], None]
    met: Requirement
    actors: int
    lasts_ms: int
    stagger_ms: int = 40 * MINUTE_MS
    strangers: bool = False
    together: bool = False
    evasions: tuple[str, ...] = (SPLIT, PAD)

    @property
    def pattern(self) -> str:
        """The name of the pattern's file in the catalogue, without its ending."""
        return self.name.replace("-", "_")
