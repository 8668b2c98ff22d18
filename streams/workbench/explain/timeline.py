"""What of a time line fits: all of the evidence if it can, and around it what matters most."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from streams.workbench.explain.moments import SIGNAL, Moment
from streams.workbench.words import counted

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """Moments that are left out between two that are shown."""

    left_out: Sequence[Moment]

    def __str__(self) -> str:
        """``12 more: 11 prompt submitted, 1 login succeeded``."""
        kinds = Counter(moment.what for moment in self.left_out)
        named = [f"{count:,} {what}" for what, count in kinds.most_common(_NAMED)]
        if len(kinds) > _NAMED:
            named.append(counted(len(kinds) - _NAMED, "other kind"))
        return f"{len(self.left_out):,} more: {', '.join(named)}"


def fit(moments: Sequence[Moment], start: int, end: int, most: int) -> list[Moment | Gap]:
    """At most `most` of the moments, given by time, and gaps for the rest.

    First comes what was decided, the nearest to the window from `start` to `end` (ms), and the
    evidence, the newest; then hits and reviews, and last the rest, each the nearer to a piece of
    evidence the better.
    """
    evidence = [moment.at for moment in moments if moment.evidence] or [start, end]

    def rank(place: int) -> tuple[int, int, int]:
        moment = moments[place]
        at = moment.at
        if moment.kind != SIGNAL:
            return 0, max(start - at, at - end, 0), -place
        if moment.evidence:
            return 1, -at, -place
        after = bisect_left(evidence, at)
        distance = min(abs(at - near) for near in evidence[max(0, after - 1) : after + 1])
        return (2 if moment.topic != "activity" else 3), distance, -place

    shown = set(sorted(range(len(moments)), key=rank)[:most])
    found: list[Moment | Gap] = []
    left_out: list[Moment] = []
    for place, moment in enumerate(moments):
        if place not in shown:
            left_out.append(moment)
            continue
        if left_out:
            found.append(Gap(left_out))
            left_out = []
        found.append(moment)
    if left_out:
        found.append(Gap(left_out))
    return found
