"""Which finds of two rule sets are the same find.

A changed pattern gives its detections other ids, so they are told by what they say: the same
pattern, the same account and group, at times less than a cooldown apart, each paired once. What is
left over was lost or gained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.agents.known_material import REMOVAL, ZERO_TOLERANCE
from streams.patterns import Pattern, RuleSet
from streams.workbench.backtest.finds import Find


class Likeness(NamedTuple):
    """How alike two finds of one pattern must be to be the same.

    They lie at most `reach` ms apart; `grouped` says that both rule sets group it by the same
    second field, so that this must be equal.
    """

    reach: int
    grouped: bool


class Pairs(NamedTuple):
    """(old, new) finds that are the same, and those the other side has not."""

    both: list[tuple[Find, Find]]
    lost: list[Find]
    gained: list[Find]


def likenesses(old: RuleSet, new: RuleSet) -> dict[str, Likeness]:
    """For each pattern that is in both, by its longest cooldown, timespan or wait, and grouping.

    The rules in the code are in both: what they find is the same.
    """
    before = {pattern.id: pattern for pattern in old.patterns}
    return dict.fromkeys((ZERO_TOLERANCE.id, REMOVAL.id), Likeness(0, grouped=False)) | {
        pattern.id: Likeness(
            max(_reach(before[pattern.id]), _reach(pattern)),
            before[pattern.id].group == pattern.group,
        )
        for pattern in new.patterns
        if pattern.id in before
    }


def _reach(pattern: Pattern) -> int:
    timespan = pattern.correlation.timespan if pattern.correlation else 0
    waits = pattern.absence.within if pattern.absence else 0
    return max(pattern.cooldown, timespan, waits)


def pair(old: Iterable[Find], new: Iterable[Find], likeness: Mapping[str, Likeness]) -> Pairs:
    """Pair the finds of two rule sets."""
    pairs = Pairs([], [], [])
    groups: dict[tuple[str, str, str], tuple[list[Find], list[Find]]] = {}
    for side, finds in enumerate((old, new)):
        for find in finds:
            like = likeness.get(find.pattern)
            if like is None:  # only one of the rule sets has the pattern
                (pairs.lost, pairs.gained)[side].append(find)
                continue
            key = (find.pattern, find.account, find.group if like.grouped else "")
            groups.setdefault(key, ([], []))[side].append(find)
    for (pattern, _, _), (before, after) in groups.items():
        _pair(sorted(before, key=_at), sorted(after, key=_at), likeness[pattern].reach, pairs)
    return pairs


def _at(find: Find) -> tuple[int, str]:
    return find.at, find.id


def _pair(old: Sequence[Find], new: Sequence[Find], reach: int, pairs: Pairs) -> None:
    """In the order of time, the earliest two that are near enough belong together."""
    left = right = 0
    while left < len(old) and right < len(new):
        before, after = old[left], new[right]
        if abs(before.at - after.at) <= reach:
            pairs.both.append((before, after))
            left += 1
            right += 1
        elif before.at < after.at:
            pairs.lost.append(before)
            left += 1
        else:
            pairs.gained.append(after)
            right += 1
    pairs.lost.extend(old[left:])
    pairs.gained.extend(new[right:])
