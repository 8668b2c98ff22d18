"""What a kind of benign look-alike is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.simulate.scene import Scene
from streams.simulate.stage import Stage

PUNISHED = ("restrict", "suspend")
"""What must not be done to anybody who is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Somebody harmless who looks bad.

    `play` lets so many accounts live from a time on (ms after the recorder's begin) and returns
    their stages. `wrong` are the actions that must not be taken against them; a warning is wrong
    only where somebody else did what they would be warned of.
    """

    name: str
    play: Callable[[Scene, int, int], list[Stage]]
    accounts: int
    lasts_ms: int
    wrong: tuple[str, ...] = PUNISHED
