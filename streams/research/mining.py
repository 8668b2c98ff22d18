"""Looking for candidates among what half of the accounts did.

Counts are tried one and all: every item, timespan and number. Sequences grow step by step from the
items that tell most, and of those of a length only the most telling go on to the next (a beam): what
that misses is a sequence none of whose beginnings tells anything. How much a candidate tells is
Fisher's p, here no more than an order: what stands is decided on the other half (`trial`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil, log
from typing import NamedTuple

from streams.research.candidates import (
    MAX_COUNT,
    MAX_STEPS,
    TIMESPANS,
    Candidate,
    densest,
    shortest,
)
from streams.research.chance import fisher
from streams.research.items import Item
from streams.research.sample import Moments, Sample

LEAST_SUPPORT = 3
LEAST_SHARE = 0.1
"""A candidate holds for so many of the upheld accounts, and such a share of them."""
LEAST_LIFT = 3.0
_WORTH_A_TRIAL = log(1e-4)
_LETTERS = 12
_BEAM = 40
_ALIKE = 0.5
"""Of two candidates of one kind that hold for the same accounts to this share, the lesser goes."""

STEPS = 1 + _LETTERS + (MAX_STEPS - 2) * _BEAM
"""So many times `search` tells that it goes on, at most."""


class Scored(NamedTuple):
    """A candidate and the logarithm of its p: the less, the more it tells."""

    log_p: float
    candidate: Candidate


class _Half(NamedTuple):
    """The accounts that are mined."""

    upheld: Sequence[Moments]
    rest: Sequence[Moments]

    @property
    def support(self) -> int:
        return max(LEAST_SUPPORT, ceil(LEAST_SHARE * len(self.upheld)))

    def score(self, hits: int, others: int) -> float:
        """How much it tells that a candidate holds for so many; 0 where that is nothing."""
        fired, total = hits + others, len(self.upheld) + len(self.rest)
        if hits < self.support or hits * total < LEAST_LIFT * fired * len(self.upheld):
            return 0.0
        return fisher(hits, fired, len(self.upheld), total)


def search(sample: Sample, most: int, advance: Callable[[int], None]) -> list[Candidate]:
    """The candidates worth a trial, at most so many of each kind, the most telling first."""
    half = _Half(
        [done for account, done in sorted(sample.done.items()) if account in sample.since],
        [done for account, done in sorted(sample.done.items()) if account not in sample.since],
    )
    counts, letters = _counts(half)
    advance(1)
    return [
        *_unlike(half, counts, most),
        *_unlike(half, _sequences(half, letters, advance), most),
    ]


def _counts(half: _Half) -> tuple[list[Scored], list[Item]]:
    """The best count of each item; and the items that tell most, also where there is only one."""
    found, telling = [], []
    for item in sorted({item for moments in half.upheld for item in moments}):
        scored, best = [], 0.0
        for timespan in TIMESPANS:
            hits = _at_least(half.upheld, item, timespan)
            others = _at_least(half.rest, item, timespan)
            for number in range(1, MAX_COUNT + 1):
                if hits[number] < half.support:
                    break
                log_p = half.score(hits[number], others[number])
                best = min(best, log_p)
                if number > 1:
                    scored.append(Scored(log_p, Candidate((item,), timespan, number)))
        found += _best(scored)
        telling.append((best, item))
    return found, [item for _, item in sorted(telling)[:_LETTERS]]


def _at_least(accounts: Iterable[Moments], item: Item, timespan: int) -> list[int]:
    """How many accounts have a window of at least so many; the index is the number."""
    counts = [0] * (MAX_COUNT + 2)
    for moments in accounts:
        counts[densest(moments.get(item, ()), timespan)] += 1
    for number in range(MAX_COUNT, -1, -1):
        counts[number] += counts[number + 1]
    return counts


class _Prefix(NamedTuple):
    """A sequence, how much it tells, and the accounts it holds for within the longest timespan."""

    log_p: float
    items: tuple[Item, ...]
    half: _Half


def _sequences(
    half: _Half, letters: Sequence[Item], advance: Callable[[int], None]
) -> list[Scored]:
    found: list[Scored] = []
    prefixes = [_Prefix(0.0, (letter,), half) for letter in letters]
    for _ in range(MAX_STEPS - 1):
        longer = []
        for prefix in prefixes:
            for letter in letters:
                items = (*prefix.items, letter)
                upheld = _spans(prefix.half.upheld, items)
                if len(upheld) < half.support:
                    continue
                rest = _spans(prefix.half.rest, items)
                scored = [
                    Scored(half.score(hits, others), Candidate(items, timespan))
                    for timespan, hits, others in _within(upheld, rest)
                ]
                if len({item.fields[0] for item in items}) > 1:  # else a count says it better
                    found += _best(scored)
                held = _Half([one for _, one in upheld], [one for _, one in rest])
                longer.append(_Prefix(min(scored).log_p, items, held))
            advance(1)
        prefixes = sorted(longer, key=lambda one: (one.log_p, one.items))[:_BEAM]
    return found


def _spans(accounts: Iterable[Moments], items: Sequence[Item]) -> list[tuple[int, Moments]]:
    spans = ((shortest(moments, items), moments) for moments in accounts)
    return [(span, one) for span, one in spans if span is not None and span < TIMESPANS[-1]]


def _within(
    upheld: Sequence[tuple[int, Moments]], rest: Sequence[tuple[int, Moments]]
) -> Iterator[tuple[int, int, int]]:
    for timespan in TIMESPANS:
        yield (
            timespan,
            sum(span < timespan for span, _ in upheld),
            sum(span < timespan for span, _ in rest),
        )


def _best(scored: Sequence[Scored]) -> list[Scored]:
    """The one that tells most; of several the middle one, which leaves room on both sides."""
    worth = [one for one in scored if one.log_p < _WORTH_A_TRIAL]
    if not worth:
        return []
    least = min(one.log_p for one in worth)
    equals = sorted(one for one in worth if one.log_p == least)
    return [equals[(len(equals) - 1) // 2]]


def _unlike(half: _Half, found: Iterable[Scored], most: int) -> list[Candidate]:
    """The best of those found, without those to which a better one leaves nothing to say."""
    chosen: list[tuple[Candidate, _Holds]] = []
    for _, candidate in sorted(found, key=_simplest):
        if len(chosen) == most:
            break
        holds = _Holds(*(_numbers(candidate, accounts) for accounts in half))
        if not any(holds.nothing_beside(better) for _, better in chosen):
            chosen.append((candidate, holds))
    return [candidate for candidate, _ in chosen]


class _Holds(NamedTuple):
    """The numbers of the accounts a candidate holds for."""

    upheld: frozenset[int]
    rest: frozenset[int]

    def nothing_beside(self, better: _Holds) -> bool:
        """Much the same accounts as a better one, or none that are upheld and no fewer others."""
        same = len(self.upheld & better.upheld) + len(self.rest & better.rest)
        all_ = len(self.upheld | better.upheld) + len(self.rest | better.rest)
        less = self.upheld <= better.upheld and len(self.rest) >= len(better.rest)
        return less or same >= _ALIKE * all_


def _numbers(candidate: Candidate, accounts: Sequence[Moments]) -> frozenset[int]:
    return frozenset(number for number, one in enumerate(accounts) if candidate.holds(one))


def _simplest(one: Scored) -> tuple[float, int, int, Candidate]:
    fields = sum(len(item.fields) for item in one.candidate.items)
    return one.log_p, len(one.candidate.items), fields, one.candidate
