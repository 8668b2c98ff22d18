"""How one value of a detection is compared with one field, by the field's type.

The authority is the Sigma specification 2.1 (SigmaHQ/sigma-specification), with the open points
settled in docs/patterns.md: strings match without regard to case unless `cased`, a regular
expression is searched for (anchor it with ``^`` and ``$``), an absent field equals nothing but
null, and a list field matches where one of its items does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import re2
from sigma import types as sigma

from streams.patterns.conditions import Always, Ask, Condition, Need, Part, among
from streams.signals import Field, FieldType

Accepts = Callable[[Any], bool]
"""From a present value of a field to whether it is accepted."""

_COMPARE: MappingProxyType[Any, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        sigma.CompareOperators.LT: operator.lt,
        sigma.CompareOperators.LTE: operator.le,
        sigma.CompareOperators.GT: operator.gt,
        sigma.CompareOperators.GTE: operator.ge,
        sigma.CompareOperators.NEQ: operator.ne,
    }
)
_TIME_PARTS: MappingProxyType[Any, Callable[[datetime], int]] = MappingProxyType(
    {
        sigma.TimestampPart.MINUTE: lambda moment: moment.minute,
        sigma.TimestampPart.HOUR: lambda moment: moment.hour,
        sigma.TimestampPart.DAY: lambda moment: moment.day,
        sigma.TimestampPart.WEEK: lambda moment: moment.isocalendar().week,
        sigma.TimestampPart.MONTH: lambda moment: moment.month,
        sigma.TimestampPart.YEAR: lambda moment: moment.year,
    }
)
_MANY = sigma.SpecialChars.WILDCARD_MULTI
_RE_FLAGS = MappingProxyType(
    {
        sigma.SigmaRegularExpressionFlag.IGNORECASE: "i",
        sigma.SigmaRegularExpressionFlag.MULTILINE: "m",
        sigma.SigmaRegularExpressionFlag.DOTALL: "s",
    }
)


class Unmatchable(Exception):
    """A value that makes no sense on its field; the message says why."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


def condition_for(field: Field, value: Any, fields: Any) -> Condition:
    """The condition that `field` (a row of the schema) matches a parsed Sigma value.

    `fields` is the schema of the topic, for field references. Raises `Unmatchable`.
    """
    if isinstance(value, sigma.SigmaNull):
        return _presence(field, present=False)
    if isinstance(value, sigma.SigmaExists):
        return _presence(field, present=bool(value.exists))
    if isinstance(value, sigma.SigmaFieldReference):
        return _same_as(field, value, fields)
    accepts = _accepts(field, value)
    if field.type is FieldType.ENUM:
        possible = _possible(field)
        allowed = frozenset(name for name in field.values or () if accepts(name))
        return among(field.name, allowed, possible)
    name = field.name
    if field.type is FieldType.REFS:
        chosen = frozenset(label for label in field.values or () if accepts(label))
        if not chosen:
            return Always(False)
        need = Need(name, Part.ITEM, frozenset(label.lower() for label in chosen))
        return Ask((name,), lambda signal: not chosen.isdisjoint(getattr(signal, name)), need)

    def test(signal: Any) -> bool:
        present = getattr(signal, name)
        return present is not None and accepts(present)

    return Ask((name,), test, _need(name, value))


def _need(name: str, value: Any) -> Need:
    """What is sure about a field that matches a value."""
    if not isinstance(value, sigma.SigmaString):
        return Need(name, Part.ANY)
    start, *rest = value.s or ("",)
    if not isinstance(start, str):
        return Need(name, Part.ANY)
    part = Part.START if rest else Part.WHOLE
    says_all = not isinstance(value, sigma.SigmaCasedString) and rest in ([], [_MANY])
    return Need(name, part, frozenset((start.lower(),)), says_all)


def _possible(field: Field) -> frozenset[str | None]:
    values: frozenset[str | None] = frozenset(field.values or ())
    return values if field.required else values | {None}


def _presence(field: Field, *, present: bool) -> Condition:
    if field.required:
        return Always(present)
    if field.type is FieldType.ENUM:
        possible = _possible(field)
        return among(field.name, possible - {None} if present else frozenset((None,)), possible)
    name = field.name
    if field.type is FieldType.REFS:
        return Ask((name,), lambda signal: bool(getattr(signal, name)) is present)
    if present:
        need = Need(name, Part.ANY, all=True)
    else:
        need = Need(name, Part.WHOLE, frozenset((None,)), all=True)
    return Ask((name,), lambda signal: (getattr(signal, name) is not None) is present, need)


def _same_as(field: Field, reference: Any, fields: Any) -> Condition:
    other = fields[reference.field]
    names = (field.name, other.name)
    words = (FieldType.REF, FieldType.ENUM)
    if FieldType.REFS in (field.type, other.type) or (
        field.type is not other.type and not (field.type in words and other.type in words)
    ):
        raise Unmatchable(
            f"'{names[0]}' is a {field.type} and '{names[1]}' a {other.type}: never equal",
            "refer to a field of the same type",
        )
    if field.type in words:
        compare = _word_comparison(starts=reference.starts_with, ends=reference.ends_with)
    else:
        compare = operator.eq

    def test(signal: Any) -> bool:
        left, right = getattr(signal, names[0]), getattr(signal, names[1])
        return left is not None and right is not None and compare(left, right)

    return Ask(names, test)


def _word_comparison(*, starts: bool, ends: bool) -> Callable[[str, str], bool]:
    if starts and ends:
        return lambda left, right: right.lower() in left.lower()
    if starts:
        return lambda left, right: left.lower().startswith(right.lower())
    if ends:
        return lambda left, right: left.lower().endswith(right.lower())
    return lambda left, right: left.lower() == right.lower()


def _accepts(field: Field, value: Any) -> Accepts:
    if isinstance(value, sigma.SigmaString):
        return _string(value, cased=isinstance(value, sigma.SigmaCasedString))
    if isinstance(value, sigma.SigmaRegularExpression):
        return _regex(value)
    if isinstance(value, sigma.SigmaCompareExpression):
        return _number(field, value.number, _COMPARE[value.op])
    if isinstance(value, sigma.SigmaNumber):
        return _number(field, value, operator.eq)
    if isinstance(value, sigma.SigmaBool):
        wanted = value.boolean
        return lambda present: present is wanted
    raise Unmatchable(f"a value of type {type(value).__name__} can't be matched here")


def _number(field: Field, number: Any, compare: Callable[[Any, Any], bool]) -> Accepts:
    bound = number.number
    if isinstance(number, sigma.SigmaTimestampPart):
        part = _TIME_PARTS[number.timestamp_part]
        return lambda ms: compare(part(datetime.fromtimestamp(ms / 1000, UTC)), bound)
    low, high = field.low, field.high
    if low is not None and high is not None:
        # The comparison is monotone, so if no end, middle or the bound itself passes, none does.
        probes = (low, high, (low + high) / 2, bound if low <= bound <= high else low)
        if not any(compare(probe, bound) for probe in probes):
            raise Unmatchable(
                f"'{field.name}' lies between {low:g} and {high:g}: this can never match"
            )
    return lambda present: compare(present, bound)


def _string(value: Any, *, cased: bool) -> Accepts:
    parts = [part if isinstance(part, str) else None for part in value.s]
    if not cased:
        parts = [part if part is None else part.lower() for part in parts]
    plain = _plain(parts) if all(isinstance(p, str) or p is _MANY for p in value.s) else None
    if plain is None:
        plain = re2.compile("(?s)^" + "".join(map(_wildcard, value.s, parts)) + "$").search
    accepts: Accepts = plain
    if cased:
        return lambda present: bool(accepts(present))
    return lambda present: bool(accepts(present.lower()))


def _wildcard(part: Any, text: str | None) -> str:
    if text is not None:
        return str(re2.escape(text))
    return ".*" if part is _MANY else "."


def _plain(parts: list[str | None]) -> Accepts | None:
    """A str method for the usual shapes; None in `parts` is a ``*``."""
    match parts:
        case []:
            return lambda present: present == ""
        case [str(text)]:
            return text.__eq__
        case [None]:
            return lambda _: True
        case [str(text), None]:
            return lambda present: present.startswith(text)
        case [None, str(text)]:
            return lambda present: present.endswith(text)
        case [None, str(text), None]:
            return lambda present: text in present
        case _:
            return None


def _regex(value: Any) -> Accepts:
    flags = "".join(sorted(_RE_FLAGS[flag] for flag in value.flags))
    # RE2 runs in time linear to the text: no expression can stall a worker.
    search = re2.compile((f"(?{flags})" if flags else "") + str(value.regexp)).search
    return lambda present: search(present) is not None
