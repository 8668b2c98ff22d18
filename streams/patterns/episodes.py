"""Episodes: when the condition of a (pattern, group) held, as disjoint spans of event time.

Two moments at which it held belong to one episode if less than the cooldown lies between them or
between their neighbours. So an episode is the same whatever order its moments came in, which a
cooldown counted from the first report would not be.

Spans are a flat sorted list ``[start, end, start, end, …]`` in ms, the form they are stored in.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum

MAX_SPANS = 64
"""Episodes remembered per (pattern, group); rules keep within it by `min_cooldown_ms`."""


class Held(Enum):
    """What a moment at which the condition held means for the episodes."""

    CONTINUES = 0  # an episode that has been reported with this start or an earlier one
    OPENS = 1  # a new episode
    BEGAN_EARLIER = 2  # a late record shows that a reported episode began before what was reported


def held_at(spans: list[int], at: int, cooldown: int) -> Held:
    """Enter one moment into `spans` and say what it means."""
    if not spans or at - spans[-1] >= cooldown:
        spans.append(at)
        spans.append(at)
        return Held.OPENS
    if at >= spans[-2]:
        spans[-1] = max(spans[-1], at)
        return Held.CONTINUES
    return _held_in_the_past(spans, at, cooldown)


def _held_in_the_past(spans: list[int], at: int, cooldown: int) -> Held:
    first = (
        bisect_left(spans[1::2], at - cooldown + 1) * 2
    )  # whose end is less than cooldown before
    start, end = spans[first], spans[first + 1]
    if start - at >= cooldown:
        spans[first:first] = [at, at]
        return Held.OPENS
    if at < start:
        spans[first] = at
        return Held.BEGAN_EARLIER
    if at > end:
        spans[first + 1] = at
        if first + 2 < len(spans) and spans[first + 2] - at < cooldown:
            del spans[first + 1 : first + 3]
    return Held.CONTINUES


def forget_before(spans: list[int], at: int) -> None:
    """Drop episodes that ended at or before `at`: no moment to come can belong to them."""
    while spans and spans[1] <= at:
        del spans[:2]


def keep_newest(spans: list[int], count: int = MAX_SPANS) -> None:
    """Drop the oldest episodes beyond `count`, for rules that fire however late."""
    excess = len(spans) - 2 * count
    if excess > 0:
        del spans[:excess]


def min_cooldown_ms(lateness_ms: int) -> int:
    """The shortest cooldown that keeps the episodes within a lateness fewer than `MAX_SPANS`."""
    return max(1000, -(-lateness_ms // (MAX_SPANS - 4)))
