"""What a detection asks of one signal: a small tree, simplified at load, then made a closure.

Enum fields have closed lists, so a test of one is the set of values it accepts; such sets can be
intersected, joined and complemented. That is what finds a detection nothing can ever match, and
what leaves nothing to ask of a signal once its kind has been looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple

Test = Callable[[Any], bool]
"""From a signal to whether it matches."""


@dataclass(frozen=True, slots=True)
class Always:
    """True or false whatever the signal."""

    value: bool


@dataclass(frozen=True, slots=True)
class Among:
    """An enum field has one of `allowed`; `possible` are all it can have (None: absent)."""

    field: str
    allowed: frozenset[str | None]
    possible: frozenset[str | None]


class Part(Enum):
    """What of a field a `Need` speaks of."""

    WHOLE = "whole"
    START = "start"
    ITEM = "item"
    ANY = "any"


class Need(NamedTuple):
    """What one field must have wherever a test holds; there may be more to the test.

    One of `words`, which are in lower case, is the whole of the field's value in lower case, its
    start, or one item of a list; with `Part.ANY` it is enough that the field is there. None among
    the words stands for a field that isn't there. `all` says that the test asks nothing more.
    """

    field: str
    part: Part
    words: frozenset[str | None] = frozenset()
    all: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Any other test. `fields` are what it reads, `test` gets the signal; `need` is for dispatch."""

    fields: tuple[str, ...]
    test: Test
    need: Need | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a test."""

    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


Condition = Always | Among | Ask | Not | AllOf | AnyOf


def negate(part: Condition) -> Condition:
    """`part` turned around, simplified."""
    match part:
        case Always(value):
            return Always(not value)
        case Among(field, allowed, possible):
            return among(field, possible - allowed, possible)
        case Not(inner):
            return inner
        case _:
            return Not(part)


def all_of(parts: Iterable[Condition]) -> Condition:
    """The conjunction, simplified: sets of one field intersect, False swallows everything."""
    return _join(parts, AllOf, neutral=True)


def any_of(parts: Iterable[Condition]) -> Condition:
    """The disjunction, simplified: sets of one field unite, True swallows everything."""
    return _join(parts, AnyOf, neutral=False)


def assume(condition: Condition, field: str, value: str | None) -> Condition:
    """What is left to ask of a signal whose enum `field` is known to be `value`; None: absent."""
    match condition:
        case Among(name, allowed, _) if name == field:
            return Always(value in allowed)
        case Not(part):
            return negate(assume(part, field, value))
        case AllOf(parts):
            return all_of(assume(part, field, value) for part in parts)
        case AnyOf(parts):
            return any_of(assume(part, field, value) for part in parts)
        case _:
            return condition


def fields_read(condition: Condition) -> frozenset[str]:
    """The fields the condition looks at."""
    match condition:
        case Among(field, _, _):
            return frozenset((field,))
        case Ask(fields, _, _):
            return frozenset(fields)
        case Not(part):
            return fields_read(part)
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*(fields_read(part) for part in parts))
        case _:
            return frozenset()


def needs(condition: Condition) -> dict[tuple[str, Part], Need]:
    """What fields must have wherever the condition holds, at most one need for each and part."""
    match condition:
        case Among(field, allowed, _):
            words = frozenset(map(_folded, allowed))
            return {(field, Part.WHOLE): Need(field, Part.WHOLE, words)}
        case Ask(_, _, Need(field, part) as need):
            return {(field, part): need}
        case AllOf(parts):
            return {key: need for part in parts for key, need in needs(part).items()}
        case AnyOf(parts):
            first, *others = map(needs, parts)
            shared = set(first).intersection(*others)
            return {
                key: Need(*key, frozenset().union(*(one[key].words for one in (first, *others))))
                for key in shared
            }
        case _:
            return {}


def needs_say_all(condition: Condition) -> bool:
    """Whether the condition holds wherever its `needs` are met: then nothing is left to ask."""
    match condition:
        case Always(value):
            return value
        case Among(_, allowed, possible):
            words = set(map(_folded, allowed))
            return allowed == {value for value in possible if _folded(value) in words}
        case Ask(_, _, Need() as need):
            return need.all
        case AllOf(parts):
            fields = [field for part in parts for field, _ in needs(part)]
            return len(fields) == len(set(fields)) and all(map(needs_say_all, parts))
        case AnyOf(parts):
            keys = {key for part in parts for key in needs(part)}
            return len(keys) == 1 and all(map(needs_say_all, parts))
        case _:
            return False


def _folded(word: str | None) -> str | None:
    return None if word is None else word.lower()


def compile_test(condition: Condition) -> Test:
    """A closure that asks a signal."""
    match condition:
        case Always(value):
            return lambda _: value
        case Among(field, allowed, _):
            return _member_test(field, allowed)
        case Ask(_, test, _):
            return test
        case Not(part):
            inner = compile_test(part)
            return lambda signal: not inner(signal)
        case AllOf(parts):
            return _every([compile_test(part) for part in parts])
        case AnyOf(parts):
            return _some([compile_test(part) for part in parts])


def _member_test(field: str, allowed: frozenset[str | None]) -> Test:
    get = attrgetter(field)
    if len(allowed) == 1:
        (only,) = allowed
        return lambda signal: get(signal) == only
    return lambda signal: get(signal) in allowed


def _every(tests: list[Test]) -> Test:
    if len(tests) == 2:  # noqa: PLR2004 - the common case, without a loop
        first, second = tests
        return lambda signal: first(signal) and second(signal)
    return lambda signal: all(test(signal) for test in tests)


def _some(tests: list[Test]) -> Test:
    if len(tests) == 2:  # noqa: PLR2004 - the common case, without a loop
        first, second = tests
        return lambda signal: first(signal) or second(signal)
    return lambda signal: any(test(signal) for test in tests)


def among(field: str, allowed: frozenset[str | None], possible: frozenset[str | None]) -> Condition:
    """`Among`, or what it comes to where it accepts nothing or everything."""
    if not allowed:
        return Always(False)
    if allowed == possible:
        return Always(True)
    return Among(field, allowed, possible)


def _join(parts: Iterable[Condition], kind: type[AllOf | AnyOf], *, neutral: bool) -> Condition:
    sets: dict[str, Among] = {}
    rest: list[Condition] = []
    for part in _flatten(parts, kind):
        if isinstance(part, Always):
            if part.value != neutral:
                return part
        elif isinstance(part, Among):
            seen = sets.get(part.field)
            if seen is not None:
                both = seen.allowed & part.allowed if neutral else seen.allowed | part.allowed
                part = Among(part.field, both, part.possible)  # noqa: PLW2901
            sets[part.field] = part
        elif part not in rest:
            rest.append(part)
    # Sets first: they are the cheapest to ask.
    simple = [among(s.field, s.allowed, s.possible) for s in sets.values()]
    for part in simple:
        if isinstance(part, Always) and part.value != neutral:
            return part
    left = [part for part in simple if not isinstance(part, Always)] + rest
    if not left:
        return Always(neutral)
    return left[0] if len(left) == 1 else kind(tuple(left))


def _flatten(parts: Iterable[Condition], kind: type[AllOf | AnyOf]) -> Iterable[Condition]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part
