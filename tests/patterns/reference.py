"""What windows must do, written so that it can be seen to be right: everything is kept for ever.

At each record every window it may have changed is looked at anew, by filtering the whole list.
Slow on purpose; shares no code with `streams.patterns`.
"""

from __future__ import annotations

import itertools
import math
import operator
import statistics
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

COMPARE = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True)
class Kept:
    at: int
    arrival: int
    id: str
    value: Any
    source: int = 0


@dataclass
class Reference:
    """One (pattern, account, group). `kind` is a correlation type; `steps` are masks, in order.

    `words` is a condition over rules given by number, as a tree: ("and", …), ("or", …), ("not", x).
    """

    kind: str
    timespan: int
    lateness: int
    cooldown: int
    op: str = "gte"
    bound: float = 1
    steps: tuple[int, ...] = ()
    words: Any = None
    percentile: float = 50
    independent: int = 1
    records: list[Kept] = field(default_factory=list)
    moments: set[int] = field(default_factory=set)

    def add(
        self, at: int, identifier: str, value: Any, newest: int, source: int = 0
    ) -> list[tuple[int, bool, Any]]:
        """(at, opens, evidence) of everything this record makes known, oldest first."""
        if newest - at > self.lateness:
            return []
        self.records.append(Kept(at, len(self.records), identifier, value, source))
        news = []
        for moment in sorted({record.at for record in self.records if record.at >= at}):
            window = self.window(moment)
            if self.holds(window):
                opens = self.held(moment)
                if opens is not None:
                    news.append((moment, opens, self._evidence(window)))
        return news

    def window(self, moment: int) -> list[Kept]:
        inside = [r for r in self.records if moment - self.timespan < r.at <= moment]
        return sorted(inside, key=lambda record: (record.at, record.arrival))

    def held(self, moment: int) -> bool | None:
        """The condition holds: True if that opens an episode, False if it began one earlier."""
        episode = self._episode(moment)
        self.moments.add(moment)
        if not episode:
            return True
        return False if moment < min(episode) else None

    def _episode(self, moment: int) -> set[int]:
        """The moments so far that belong to one episode with `moment`."""
        episode: list[int] = []
        for other in sorted({moment, *self.moments}):
            if episode and other - episode[-1] >= self.cooldown:
                if moment in episode:
                    break
                episode = []
            episode.append(other)
        return self.moments.intersection(episode)

    def holds(self, window: list[Kept]) -> bool:
        if self.independent > 1 and len(_all_bits(window)) < self.independent:
            return False
        if self.kind == "temporal_ordered":
            return self._ordered(window)
        if self.words is not None:
            return says(self.words, {bit for record in window for bit in _bits(record.value)})
        if self.kind in NUMERIC:
            values = [record.value for record in window if record.value is not None]
            return bool(values) and COMPARE[self.op](self._calculated(values), self.bound)
        quantity = self._quantity(window)
        return quantity > 0 and COMPARE[self.op](quantity, self.bound)

    def _ordered(self, window: list[Kept]) -> bool:
        if self.words is None:
            return self._in_order(window, self.steps, -math.inf)
        present = {bit for record in window for bit in _bits(record.value)}
        return any(
            not (without & present)
            and self._in_order(window, tuple(1 << rule for rule in order), -math.inf)
            for order, without in ways(self.words)
        )

    def _calculated(self, values: list[float]) -> float:
        if self.kind == "value_sum":
            return float(sum(map(Fraction, values)))
        if self.kind == "value_avg":
            return statistics.fmean(values)
        if len(values) == 1:
            return values[0]
        # Python's own, over a hundredth of the way each; 'inclusive' interpolates linearly.
        if self.percentile in (0, 100):
            return min(values) if self.percentile == 0 else max(values)
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        return cuts[int(self.percentile) - 1]

    def _quantity(self, window: list[Kept]) -> int:
        if self.kind == "event_count":
            return len(window)
        if self.kind == "value_count":
            return len({record.value for record in window if record.value is not None})
        return len({bit for record in window for bit in _bits(record.value)})

    def _in_order(self, window: list[Kept], steps: tuple[int, ...], after: float) -> bool:
        if not steps:
            return True
        return any(
            self._in_order(window, steps[1:], record.at)
            for record in window
            if record.value & steps[0] and record.at > after
        )

    def _evidence(self, window: list[Kept]) -> list[str]:
        """For an in-order stream; late records may find older evidence gone."""
        if self.kind in NUMERIC:
            return [record.id for record in window if record.value is not None]
        if self.words is not None:
            return []  # not looked at: which rules speak for it depends on the words
        if self.kind == "event_count":
            return [record.id for record in window[-self._enough() :]]
        if self.kind == "temporal_ordered":
            return [record.id for record in self._latest_start(window)]
        newest: dict[Any, Kept] = {}
        for record in window:
            values = [record.value] if self.kind == "value_count" else _bits(record.value)
            newest.update({value: record for value in values if value is not None})
        chosen = sorted(set(newest.values()), key=lambda record: (record.at, record.arrival))
        return [r.id for r in (chosen[-self._enough() :] if self.kind == "value_count" else chosen)]

    def _latest_start(self, window: list[Kept]) -> list[Kept]:
        sequences = [
            chosen
            for chosen in itertools.combinations(window, len(self.steps))
            if all(r.value & step for r, step in zip(chosen, self.steps, strict=True))
            and all(a.at < b.at for a, b in itertools.pairwise(chosen))
        ]
        return list(
            max(sequences, key=lambda chosen: [(r.at, r.arrival) for r in reversed(chosen)])
        )

    def _enough(self) -> int:
        if self.op in ("gte", "lt"):
            return max(1, math.ceil(self.bound))
        return max(1, math.floor(self.bound) + 1)


NUMERIC = ("value_sum", "value_avg", "value_percentile")


def says(words: Any, present: set[int]) -> bool:
    """Whether a condition in words holds where these rules matched."""
    if isinstance(words, int):
        return words in present
    word, *parts = words
    if word == "not":
        return not says(parts[0], present)
    return (all if word == "and" else any)(says(part, present) for part in parts)


def ways(words: Any, *, negated: bool = False) -> list[tuple[tuple[int, ...], set[int]]]:
    """The sequences that satisfy an ordered condition, each with the rules that must not match."""
    if isinstance(words, int):
        return [((), {words})] if negated else [((words,), set())]
    word, *parts = words
    if word == "not":
        return ways(parts[0], negated=not negated)
    each = [ways(part, negated=negated) for part in parts]
    if (word == "or") != negated:
        return list(itertools.chain.from_iterable(each))
    return [
        (
            tuple(itertools.chain.from_iterable(order for order, _ in chosen)),
            set().union(*(without for _, without in chosen)),
        )
        for chosen in itertools.product(*each)
    ]


def _all_bits(window: list[Kept]) -> set[int]:
    return {bit for record in window for bit in _bits(record.source)}


def _bits(value: int) -> set[int]:
    return {bit for bit in range(8) if value >> bit & 1}
