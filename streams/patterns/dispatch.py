"""From a signal to the few plans that can match it, however many there are.

What most conditions ask of a field can be looked up: a word, how it starts, that it is there. Each
plan's condition is a bit (each of its searches, where it has several), and for each field a table
says under which value which bits are still possible. A signal's fields, looked up and taken
together, leave hardly more plans than do match it, without asking a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from streams.patterns.conditions import Need, Part, compile_test, needs, needs_say_all
from streams.patterns.plans import Plan
from streams.signals import Field
from streams.signals.records import MAX_ENTITY_CHARS

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
        return _ask_all(plans)
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
    plans = tuple(map(_without_asking, plans))
    together = [field for field in fields.values() if field.name in few]
    alone = [field for field in fields.values() if field.name not in few]
    return _finder(plans, owners, together, alone)


def _ask_all(plans: tuple[Plan, ...]) -> Dispatch:
    asked = [
        (None, plan) if plan.sure is None else (compile_test(*plan.conditions), _sure(plan))
        for plan in plans
    ]

    def find(signal: Any) -> Sequence[Plan]:
        try:
            return [plan for test, plan in asked if test is None or test(signal)]
        except Exception:  # noqa: BLE001 - whoever asks the plans can say whose failure it is
            return plans

    return find


def _sure(plan: Plan) -> Plan:
    """A plan that doesn't ask, for where its condition is known to hold."""
    return plan if plan.sure is None else replace(plan, find=plan.sure)


def _without_asking(plan: Plan) -> Plan:
    """A plan that needn't ask what the tables have answered, where they answer it all."""
    return _sure(plan) if len(plan.conditions) == 1 and needs_say_all(*plan.conditions) else plan


class _Field:
    """One field's table: which bits are possible where it isn't there, is there, has a word."""

    def __init__(self, name: str, everything: int) -> None:
        self.name = name
        self.get = attrgetter(name)
        self.absent = self.present = everything
        self.words: dict[str, int] = {}
        self.starts: dict[int, dict[str, int]] = {}

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
            start = need.part is Part.START
            table = self.starts.setdefault(len(word), {}) if start else self.words
            table[word] = table.get(word, 0) | bit

    @property
    def longest(self) -> int:
        """So many characters of a value tell what is possible with it."""
        return MAX_ENTITY_CHARS if self.words else max(self.starts)

    def possible(self, value: str | tuple[str, ...] | None) -> int:
        """The bits that are possible with that value."""
        if value is None:
            return self.absent
        found = self.present
        for word in (value,) if isinstance(value, str) else value:
            folded = word.lower()
            found |= self.words.get(folded, 0)
            for length, table in self.starts.items():
                found |= table.get(folded[:length], 0)
        return found


def _finder(
    plans: Sequence[Plan],
    owners: Sequence[int],
    together: Sequence[_Field],
    alone: Sequence[_Field],
) -> Dispatch:
    """The function that does it; `owners` says whose plan's each bit is."""
    everything = (1 << len(owners)) - 1
    # At least two, the last ones always there, so that it is a tuple.
    combination = attrgetter(*(field.name for field in together), *["topic"] * (2 - len(together)))
    words: list[tuple[Any, int, int, Callable[[str], int], dict[str, int]]] = [
        (field.get, field.absent, field.longest, field.possible, {})
        for field in alone
        if field.words or field.starts
    ]
    there = [
        (field.get, field.absent, field.present)
        for field in alone
        if not field.words and not field.starts
    ]
    seen: dict[tuple[Any, ...], int] = {}
    known: dict[int, tuple[Plan, ...]] = {0: ()}

    def find(signal: Any) -> Sequence[Plan]:
        values = combination(signal)
        possible = seen.get(values)
        if possible is None:
            possible = everything
            for field, value in zip(together, values, strict=False):
                possible &= field.possible(value)
            if len(seen) < _MOST_KNOWN:
                seen[values] = possible
        for get, absent, longest, with_value, before in words:
            value = get(signal)
            if value is None:
                possible &= absent
                continue
            value = value[:longest]
            here = before.get(value)
            if here is None:
                here = with_value(value)
                if len(before) < _MOST_KNOWN:
                    before[value] = here
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
