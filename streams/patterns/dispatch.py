"""From a signal to the few plans that can match it, however many there are.

What most conditions ask of a field can be looked up: a word, how it starts, that it is there. Each
plan's condition is a bit (each of its searches, where it has several), and for each field a table
says under which value which bits are still possible. A signal's fields, looked up and taken
together, leave hardly more plans than do match it, without asking a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from streams.patterns.conditions import Need, Part, needs
from streams.patterns.plans import Plan
from streams.signals import Field

Dispatch = Callable[[Any], Sequence[Plan]]
"""From a signal to the plans that may match it, by pattern id; no others do."""

_FEW_PLANS = 3
"""Asking so few is quicker than looking up which to ask."""
_MOST_KNOWN = 4_096
"""Combinations whose outcome is remembered."""


def dispatch(
    plans: Mapping[str, Sequence[Plan]], fields: Mapping[str, Field]
) -> dict[str, Dispatch]:
    """Dispatch value → how its plans are found; values nothing matches are missing.

    `fields` are the topic's, as in the schema.
    """
    # Fields whose values are few, by the look of it: their combinations come again and again.
    few = {name for name, field in fields.items() if field.values or field.listed}
    return {value: _dispatch(tuple(found), few) for value, found in plans.items()}


def _dispatch(plans: tuple[Plan, ...], few: Collection[str]) -> Dispatch:
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
    combined = [field for name, field in fields.items() if name in few and not field.items]
    others = [field for field in fields.values() if field not in combined]
    return _finder(plans, owners, combined, others)


class _Field:
    """One field's table: which bits are possible where it isn't there, is there, has a word."""

    def __init__(self, name: str, everything: int) -> None:
        self.name = name
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

    def possible(self, value: str | None) -> int:
        """The bits that are possible with that value of a field that is no list."""
        if value is None:
            return self.absent
        value = value.lower()
        found = self.present | self.words.get(value, 0)
        for length, table in self.starts.items():
            found |= table.get(value[:length], 0)
        return found


def _finder(
    plans: Sequence[Plan],
    owners: Sequence[int],
    combined: Sequence[_Field],
    others: Sequence[_Field],
) -> Dispatch:
    """The function that does it; `owners` says whose plan's each bit is."""
    everything = (1 << len(owners)) - 1
    combination = attrgetter("topic", "topic", *(field.name for field in combined))
    lists = [(field.get, field.present, field.items) for field in others if field.items]
    words = [
        (field.get, field.absent, field.present, field.words, tuple(field.starts.items()))
        for field in others
        if field.words or field.starts
    ]
    there = [
        (field.get, field.absent, field.present)
        for field in others
        if not (field.items or field.words or field.starts)
    ]
    seen: dict[tuple[Any, ...], int] = {}
    known: dict[int, tuple[Plan, ...]] = {0: ()}

    def find(signal: Any) -> Sequence[Plan]:
        values = combination(signal)
        possible = seen.get(values)
        if possible is None:
            possible = everything
            for field, value in zip(combined, values[2:], strict=True):
                possible &= field.possible(value)
            if len(seen) < _MOST_KNOWN:
                seen[values] = possible
        for get, absent, present, table, starts in words:
            value = get(signal)
            if value is None:
                possible &= absent
                continue
            value = value.lower()
            here = present | table.get(value, 0) if table else present
            for length, start in starts:
                here |= start.get(value[:length], 0)
            possible &= here
        for get, absent, present in there:
            possible &= absent if get(signal) is None else present
        for get, present, items in lists:
            here = present
            for item in get(signal):
                here |= items.get(item.lower(), 0)
            possible &= here
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
