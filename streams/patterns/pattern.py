"""A pattern: one rule that reports, compiled, and the plans by which signals reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from streams.patterns.block import Block
from streams.patterns.conditions import Always, Condition, Test, assume, compile_test
from streams.patterns.windows import Correlation
from streams.signals import Field

LIVE = "live"
SHADOW = "shadow"

DISPATCH_FIELD: Mapping[str, str] = MappingProxyType(
    {"activity": "kind", "moderation-hits": "category"}
)
"""The required enum field of a topic by whose value signals are led to their patterns."""

ANY = ""
"""The value under which a topic without such a field keeps its plans."""

Find = Callable[[Any], Iterable[tuple[str, Any]]]
"""From a signal to what it is to a pattern: (group, value) pairs, none where it doesn't match."""


@dataclass(frozen=True, slots=True)
class Search:
    """One detection a pattern looks for, and how its signals enter the window.

    `group` and `value` name the field that groups beside the account and the field whose values
    are counted, None without; `bits` says which of the pattern's rules it is.
    """

    topic: str
    condition: Condition
    bits: int = 1
    group: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rule that reports. `key` is the short name its state is stored under.

    `correlation` is None for a rule without a window; then `cooldown` (ms) alone separates its
    episodes, and with none every match is one. `group` is the name of the field that groups beside the account, None without.
    `description` and `falsepositives` are the rule's own words for people.
    `measures` and `threshold` name the quantity and its bound in a detection's `values`.
    """

    id: str
    title: str
    description: str
    falsepositives: tuple[str, ...]
    version: str
    key: str
    mode: str
    severity: str
    block: Block
    searches: tuple[Search, ...]
    correlation: Correlation | None
    cooldown: int
    group: str | None
    measures: str
    threshold: float
    file: str
    line: int

    @property
    def horizon(self) -> int:
        """How long after the last touch (ms) its state is kept; 0: it has none."""
        return self.correlation.horizon if self.correlation else 2 * self.cooldown


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with signals of one topic and dispatch value for one pattern."""

    pattern: Pattern
    find: Find


def plans(
    patterns: Sequence[Pattern], topic: str, fields: Mapping[str, Field]
) -> dict[str, tuple[Plan, ...]]:
    """Dispatch value → the plans of the patterns that a signal with it can match, by pattern id."""
    name = DISPATCH_FIELD.get(topic)
    values = (fields[name].values or ()) if name else (ANY,)
    found: dict[str, tuple[Plan, ...]] = {}
    for value in values:
        reached = []
        for pattern in sorted(patterns, key=lambda pattern: pattern.id):
            searches = [
                (search, left)
                for search in pattern.searches
                if search.topic == topic
                for left in [assume(search.condition, name, value) if name else search.condition]
                if left != Always(False)
            ]
            if searches:
                reached.append(Plan(pattern, _finder(searches)))
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

    __slots__ = ("group", "search", "test", "value")

    def __init__(self, search: Search, condition: Condition) -> None:
        self.search = search
        self.test: Test | None = None if condition == Always(True) else compile_test(condition)
        self.group = attrgetter(search.group) if search.group else None
        bits = search.bits
        self.value: Callable[[Any], Any] = (
            attrgetter(search.value) if search.value else lambda _: bits
        )


def _find_one(entry: _Entry) -> Find:
    """One search, grouped by account alone: the usual case, without a loop."""
    test, value = entry.test, entry.value
    if entry.search.value is None:
        alone = (("", entry.search.bits),)
        if test is None:
            return lambda _: alone
        return lambda signal: alone if test(signal) else ()
    if test is None:
        return lambda signal: (("", value(signal)),)
    return lambda signal: (("", value(signal)),) if test(signal) else ()


def _find_any(entries: list[_Entry]) -> Find:
    """Several searches or a group field. A signal that matches two counts once per group."""
    unite = all(entry.search.value is None for entry in entries)

    def find(signal: Any) -> Iterable[tuple[str, Any]]:
        found: dict[str, Any] = {}
        for entry in entries:
            if entry.test is not None and not entry.test(signal):
                continue
            group = ""
            if entry.group is not None:
                present = entry.group(signal)
                if present is None:
                    continue  # a record without the field belongs to no group
                group = _text(present)
            value = entry.value(signal)
            if unite:
                found[group] = found.get(group, 0) | value
            else:
                found.setdefault(group, value)
        return found.items()

    return find


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) else repr(value)
