"""From a signal to the few plans that can match it, however many there are.

What most conditions ask of a field can be looked up: a word, how it starts, that it is there. Each
plan's condition is a bit (each of its searches, where it has several), and for each field a table
says under which value which bits are still possible. A signal's fields, looked up and taken
together, leave hardly more plans than do match it, without asking a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from streams.patterns.conditions import Need, Part, needs
from streams.patterns.plans import Plan

Dispatch = Callable[[Any], Sequence[Plan]]
"""From a signal to the plans that may match it, by pattern id; no others do."""

_FEW_PLANS = 3
"""Asking so few is quicker than looking up which to ask."""
_MOST_KNOWN = 4_096
"""Combinations whose plans are remembered."""


def dispatch(plans: Mapping[str, Sequence[Plan]]) -> dict[str, Dispatch]:
    """Dispatch value → how its plans are found; values nothing matches are missing."""
    return {value: _dispatch(tuple(found)) for value, found in plans.items()}


def _dispatch(plans: tuple[Plan, ...]) -> Dispatch:
    if len(plans) <= _FEW_PLANS:
        return lambda _: plans
    owners = [number for number, plan in enumerate(plans) for _ in plan.conditions]
    fields: dict[str, _Field] = {}
    everything = (1 << len(owners)) - 1
    bit = 1
    for plan in plans:
        for condition in plan.conditions:
            for name, part in (wanted := needs(condition)):
                field = fields.setdefault(name, _Field(name, everything))
                field.narrow(bit, wanted[name, part])
            bit <<= 1
    return _finder(plans, owners, list(fields.values()))


class _Field:
    """One field's table: which bits are possible where it isn't there, is there, has a word."""

    def __init__(self, name: str, everything: int) -> None:
        self.get = attrgetter(name)
        self.absent = self.present = everything
        self.words: dict[str, int] = {}
        self.starts: dict[int, dict[str, int]] = {}
        self.items: dict[str, int] = {}

    def narrow(self, bit: int, need: Need) -> None:
        """The bit is possible only where the need is met."""
        if None not in need.words:
            self.absent &= ~bit
        if need.part is Part.ANY:
            return
        self.present &= ~bit
        for word in need.words:
            if word is None:
                continue
            table = self.items if need.part is Part.ITEM else self.words
            if need.part is Part.START:
                table = self.starts.setdefault(len(word), {})
            table[word] = table.get(word, 0) | bit


def _finder(plans: Sequence[Plan], owners: Sequence[int], fields: Sequence[_Field]) -> Dispatch:
    """The function that does it; `owners` says whose plan's each bit is."""
    everything = (1 << len(owners)) - 1
    # Sorted by how they are looked up. No field is both a list and a word.
    lists = [(f.get, f.present, f.items) for f in fields if f.items]
    starting = [
        (f.get, f.absent, f.present, f.words, tuple(f.starts.items())) for f in fields if f.starts
    ]
    whole = [(f.get, f.absent, f.present, f.words) for f in fields if f.words and not f.starts]
    there = [(f.get, f.absent, f.present) for f in fields if not (f.items or f.starts or f.words)]
    known: dict[int, tuple[Plan, ...]] = {0: ()}

    def find(signal: Any) -> Sequence[Plan]:
        possible = everything
        for get, absent, present, words in whole:
            value = get(signal)
            if value is None:
                possible &= absent
            else:
                possible &= present | words.get(value.lower(), 0)
        for get, absent, present, words, starts in starting:
            value = get(signal)
            if value is None:
                possible &= absent
                continue
            value = value.lower()
            here = present | words.get(value, 0)
            for length, table in starts:
                here |= table.get(value[:length], 0)
            possible &= here
        for get, present, items in lists:
            here = present
            for item in get(signal):
                here |= items.get(item.lower(), 0)
            possible &= here
        for get, absent, present in there:
            possible &= absent if get(signal) is None else present
        found = known.get(possible)
        if found is None:
            numbers = sorted({owners[at] for at in _bits(possible)})
            found = tuple(plans[number] for number in numbers)
            if len(known) < _MOST_KNOWN:
                known[possible] = found
        return found

    return find


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
