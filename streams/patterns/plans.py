"""How signals find their patterns: a plan per pattern under each value of the dispatch field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from streams.patterns.conditions import Always, Condition, Test, assume, compile_test
from streams.patterns.pattern import DISPATCH_FIELD, Pattern, Search
from streams.signals import Field

ANY = ""
"""The value under which a topic without a dispatch field keeps its plans."""

Found = tuple[int, str, Any]
"""A match: the stage it enters or `STOP`, the group within the owner ("" for none), the value."""

Find = Callable[[Any], Sequence[Found]]
"""From a signal to what it is to a pattern, nothing where it doesn't match."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with signals of one topic and dispatch value for one pattern.

    `owner` is the field that says whose state it is; `find` finds nothing unless one of the
    `conditions` holds. `sure` is `find` without asking, for who knows that the only one holds; None
    where there are several.
    """

    pattern: Pattern
    owner: str
    find: Find
    conditions: tuple[Condition, ...]
    sure: Find | None = None


def plans(
    patterns: Sequence[Pattern], topic: str, fields: Mapping[str, Field]
) -> dict[str, tuple[Plan, ...]]:
    """Dispatch value → the plans of the patterns that a signal with it can match, by pattern id."""
    name = DISPATCH_FIELD.get(topic)
    values = (fields[name].values or ()) if name else (ANY,)
    ordered = sorted(patterns, key=lambda pattern: pattern.id)
    found: dict[str, tuple[Plan, ...]] = {}
    for value in values:
        reached: list[Plan] = []
        for pattern in ordered:
            searches = [
                (search, left)
                for search in pattern.searches
                if search.topic == topic
                for left in [assume(search.condition, name, value) if name else search.condition]
                if left != Always(False)
            ]
            for owner in dict.fromkeys(search.owner for search, _ in searches):
                own = [pair for pair in searches if pair[0].owner == owner]
                conditions = tuple(condition for _, condition in own)
                sure = _finder([(own[0][0], Always(True))]) if len(own) == 1 else None
                reached.append(Plan(pattern, owner, _finder(own), conditions, sure))
        if reached:
            found[value] = tuple(reached)
    return found


def _finder(searches: list[tuple[Search, Condition]]) -> Find:
    entries = [_Entry(search, condition) for search, condition in searches]
    if len(entries) == 1 and entries[0].search.group is None:
        return _find_one(entries[0])
    return _find_any(entries)


class _Entry:
    """A search with its functions made."""

    __slots__ = ("group", "search", "stage", "test", "value")

    def __init__(self, search: Search, condition: Condition) -> None:
        self.search = search
        self.stage = search.stage
        self.test: Test | None = None if condition == Always(True) else compile_test(condition)
        self.group = attrgetter(search.group) if search.group else None
        bits = search.bits
        self.value: Callable[[Any], Any] = (
            attrgetter(search.value) if search.value else lambda _: bits
        )


def _find_one(entry: _Entry) -> Find:
    """One search, without a second group: the usual case, without a loop."""
    stage, test, value = entry.stage, entry.test, entry.value
    if entry.search.value is None:
        alone = ((stage, "", entry.search.bits),)
        if test is None:
            return lambda _: alone
        return lambda signal: alone if test(signal) else ()
    if test is None:
        return lambda signal: ((stage, "", value(signal)),)
    return lambda signal: ((stage, "", value(signal)),) if test(signal) else ()


def _find_any(entries: list[_Entry]) -> Find:
    """Several searches or a group field. A signal that matches two counts once per window."""

    def find(signal: Any) -> Sequence[Found]:
        found: dict[tuple[int, str], Any] = {}
        for entry in entries:
            if entry.test is not None and not entry.test(signal):
                continue
            group = ""
            if entry.group is not None:
                present = entry.group(signal)
                if present is None:
                    continue  # a record without the field belongs to no group
                group = _text(present)
            place = (entry.stage, group)
            if entry.search.value is None:
                found[place] = found.get(place, 0) | entry.search.bits
            else:
                found.setdefault(place, entry.value(signal))
        return [(stage, group, value) for (stage, group), value in found.items()]

    return find


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) else repr(value)
