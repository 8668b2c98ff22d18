"""The figures of a backtest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest

import msgspec

from streams.patterns import RuleSet
from streams.workbench.backtest.finds import DAY_MS, GRANTED, Find, Finds
from streams.workbench.backtest.outcomes import Known, Precision, Review, known_outcomes
from streams.workbench.backtest.pairing import likenesses, pair

EXAMPLES = 5


class Example(msgspec.Struct, order=True):
    """One find, to be looked at with `vigil explain`. `at` is ms since the epoch."""

    at: int
    id: str
    account: str


class Change(msgspec.Struct):
    """Finds of one pattern that one side has and the other not."""

    finds: int = 0
    known: Precision = msgspec.field(default_factory=Precision)
    examples: list[Example] = msgspec.field(default_factory=list)
    """The earliest few."""

    def count(self, find: Find, known: Known | None) -> None:
        """One find more."""
        self.finds += 1
        if known is not None:
            self.known.count(known)
        example = Example(find.at, find.id, find.account)
        self.examples = nsmallest(EXAMPLES, (*self.examples, example))


class PatternFigures(msgspec.Struct):
    """One pattern on one side. `accounts` are those it found something about.

    Of the actions `proposed`, those `held` are counted by what held them.
    """

    finds: int = 0
    live: int = 0
    accounts: int = 0
    known: Precision = msgspec.field(default_factory=Precision)
    proposed: int = 0
    held: Counter[str] = msgspec.field(default_factory=Counter)


class SideFigures(msgspec.Struct):
    """One side. Days are counted from the epoch, UTC.

    `detected` accounts have a live detection, `touched` ones something done about them. Actions are
    counted by day: those `proposed` by action, those `granted` at once by action, and those `held`
    for a person by what held them. `queue` are the items of the review queue, by day and reason.
    """

    patterns: dict[str, PatternFigures] = msgspec.field(default_factory=dict)
    detected: int = 0
    touched: int = 0
    proposed: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)
    granted: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)
    held: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)
    queue: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)


class Tally(msgspec.Struct):
    """Everything counted. `first` and `last` are the least and greatest time stamp (ms)."""

    signals: int = 0
    refused: int = 0
    first: int | None = None
    last: int | None = None
    old: SideFigures = msgspec.field(default_factory=SideFigures)
    new: SideFigures = msgspec.field(default_factory=SideFigures)
    kept: Counter[str] = msgspec.field(default_factory=Counter)
    lost: dict[str, Change] = msgspec.field(default_factory=dict)
    gained: dict[str, Change] = msgspec.field(default_factory=dict)
    moved: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """By pattern how much later (ms, negative: earlier) the new side has the finds that are kept,
    of those that moved."""
    touched_before: int = 0
    """Accounts touched by the old side only."""
    touched_now: int = 0
    """Accounts touched by the new side only."""


def tally(
    rulesets: tuple[RuleSet, RuleSet], finds: tuple[Finds, Finds], reviews: Sequence[Review]
) -> Tally:
    """The figures of what both sides, old and new, found and decided."""
    old, new = finds
    likeness = likenesses(*rulesets)
    pairs = pair(old.by_id.values(), new.by_id.values(), likeness)
    before, after = known_outcomes(reviews, old, new, pairs)
    figures = Tally(
        old=_side(old, before),
        new=_side(new, after),
    )
    for one, other in pairs.both:
        figures.kept[one.pattern] += 1
        if other.at != one.at:
            figures.moved.setdefault(one.pattern, []).append(other.at - one.at)
    for changes, ones, known in (
        (figures.lost, pairs.lost, before),
        (figures.gained, pairs.gained, after),
    ):
        for find in ones:
            changes.setdefault(find.pattern, Change()).count(find, known.get(find.id))
    touched = [{find.account for find in side.by_id.values() if find.action} for side in finds]
    figures.touched_before = len(touched[0] - touched[1])
    figures.touched_now = len(touched[1] - touched[0])
    return figures


def _side(finds: Finds, known: Mapping[str, Known]) -> SideFigures:
    side = SideFigures(queue=finds.queue)
    accounts: dict[str, set[str]] = {}
    for find in finds.by_id.values():
        pattern = side.patterns.setdefault(find.pattern, PatternFigures())
        pattern.finds += 1
        pattern.live += find.live
        accounts.setdefault(find.pattern, set()).add(find.account)
        if find.id in known:
            pattern.known.count(known[find.id])
    for name, ids in accounts.items():
        side.patterns[name].accounts = len(ids)
    for one in finds.proposed.values():
        pattern = side.patterns.setdefault(one.pattern, PatternFigures())
        day = one.at // DAY_MS
        pattern.proposed += 1
        side.proposed[day, one.action] += 1
        if one.verdict == GRANTED:
            side.granted[day, one.action] += 1
        elif one.verdict:
            side.held[day, one.verdict] += 1
            pattern.held[one.verdict] += 1
    side.detected = len({find.account for find in finds.by_id.values() if find.live})
    side.touched = len({find.account for find in finds.by_id.values() if find.action})
    return side
