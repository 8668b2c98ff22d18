"""The figures of a backtest for some of the accounts. Those of other accounts are added to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest

import msgspec

from streams.patterns import Pattern, RuleSet
from streams.records import MILD
from streams.workbench.backtest.finds import Find, Finds
from streams.workbench.backtest.outcomes import Known, Precision, Review, known_outcomes
from streams.workbench.backtest.pairing import likenesses, pair

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
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
        self._keep([Example(find.at, find.id, find.account)])

    def add(self, other: Change) -> None:
        """Those of other accounts."""
        self.finds += other.finds
        self.known.add(other.known)
        self._keep(other.examples)

    def _keep(self, examples: Iterable[Example]) -> None:
        self.examples = nsmallest(EXAMPLES, (*self.examples, *examples))


class PatternFigures(msgspec.Struct):
    """One pattern on one side. `accounts` are those it found something about."""

    finds: int = 0
    live: int = 0
    accounts: int = 0
    known: Precision = msgspec.field(default_factory=Precision)

    def add(self, other: PatternFigures) -> None:
        """Those of other accounts."""
        self.finds += other.finds
        self.live += other.live
        self.accounts += other.accounts
        self.known.add(other.known)


class SideFigures(msgspec.Struct):
    """One side. Days and hours are counted from the epoch, UTC.

    `detected` accounts have a live detection, `touched` ones something done about them. `looks`
    are the finds a person has to look at whatever the budgets, by day: those that take something
    from an account, and live ones of patterns that do nothing themselves. `spent` are the actions
    by pattern and hour, which is what budgets are about.
    """

    patterns: dict[str, PatternFigures] = msgspec.field(default_factory=dict)
    detected: int = 0
    touched: int = 0
    actions: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)
    looks: Counter[int] = msgspec.field(default_factory=Counter)
    spent: Counter[tuple[str, int]] = msgspec.field(default_factory=Counter)

    def add(self, other: SideFigures) -> None:
        """Those of other accounts."""
        for pattern, figures in other.patterns.items():
            self.patterns.setdefault(pattern, PatternFigures()).add(figures)
        self.detected += other.detected
        self.touched += other.touched
        self.actions.update(other.actions)
        self.looks.update(other.looks)
        self.spent.update(other.spent)


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

    def add(self, other: Tally) -> None:
        """Those of other accounts."""
        self.signals += other.signals
        self.refused += other.refused
        self.first = min(
            (one for one in (self.first, other.first) if one is not None), default=None
        )
        self.last = max((one for one in (self.last, other.last) if one is not None), default=None)
        self.old.add(other.old)
        self.new.add(other.new)
        self.kept.update(other.kept)
        for mine, others in ((self.lost, other.lost), (self.gained, other.gained)):
            for pattern, change in others.items():
                mine.setdefault(pattern, Change()).add(change)
        for pattern, moves in other.moved.items():
            self.moved.setdefault(pattern, []).extend(moves)
        self.touched_before += other.touched_before
        self.touched_now += other.touched_now


def tally(
    rulesets: tuple[RuleSet, RuleSet], finds: tuple[Finds, Finds], reviews: Sequence[Review]
) -> Tally:
    """The figures of what both sides, old and new, found about the same accounts."""
    old, new = finds
    likeness = likenesses(*rulesets)
    pairs = pair(old.by_id.values(), new.by_id.values(), likeness)
    before, after = known_outcomes(reviews, old, new, pairs)
    figures = Tally(
        old=_side(old, rulesets[0], before),
        new=_side(new, rulesets[1], after),
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


def _side(finds: Finds, ruleset: RuleSet, known: Mapping[str, Known]) -> SideFigures:
    side = SideFigures()
    silent = {pattern.id for pattern in ruleset.patterns if pattern.block.action is None}
    accounts: dict[str, set[str]] = {}
    for find in finds.by_id.values():
        pattern = side.patterns.setdefault(find.pattern, PatternFigures())
        pattern.finds += 1
        pattern.live += find.live
        accounts.setdefault(find.pattern, set()).add(find.account)
        if find.id in known:
            pattern.known.count(known[find.id])
        day = find.at // DAY_MS
        if find.action is not None:
            side.actions[day, find.action] += 1
            side.spent[find.pattern, find.at // HOUR_MS] += 1
            side.looks[day] += find.action not in MILD
        elif find.live and find.pattern in silent:
            side.looks[day] += 1
    for name, ids in accounts.items():
        side.patterns[name].accounts = len(ids)
    side.detected = len({find.account for find in finds.by_id.values() if find.live})
    side.touched = len({find.account for find in finds.by_id.values() if find.action})
    return side


def over_budget(side: SideFigures, pattern: Pattern) -> Counter[int]:
    """How many of a pattern's actions would be held for going over its budget, by hour."""
    budget = pattern.block.budget
    if budget is None:
        return Counter()
    spent = ((hour, count) for (id_, hour), count in side.spent.items() if id_ == pattern.id)
    return Counter({hour: count - budget for hour, count in spent if count > budget})


def looks_by_day(side: SideFigures, ruleset: RuleSet) -> Counter[int]:
    """Finds a person has to look at, by day: also the messages that would be held."""
    days = Counter(side.looks)
    for pattern in ruleset.patterns:
        if pattern.block.action in MILD:
            for hour, held in over_budget(side, pattern).items():
                days[hour * HOUR_MS // DAY_MS] += held
    return days
