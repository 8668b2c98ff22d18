"""Detections: from the `detection:` section of a rule to a condition over one topic's signals.

Every key and value is checked against the schema first, so that a mistake is reported with its
line and in terms of the schema; pySigma then parses modifiers and the condition, and its tree is
turned into ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sigma import conditions as sigma
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetectionItem, SigmaRule
from sigma.types import SigmaString

from streams.patterns.conditions import Always, Condition, all_of, any_of, negate
from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.expressions import fault_in
from streams.patterns.findings import did_you_mean, one_of
from streams.patterns.matches import Unmatchable, condition_for
from streams.signals import Field, FieldType
from streams.signals.ids import ALPHABET_BYTES, is_id

_WORDS = frozenset({"contains", "startswith", "endswith", "re", "cased", "neq", "exists", "all"})
_FLAGS = frozenset({"i", "ignorecase", "m", "multiline", "s", "dotall"})
_ORDER = frozenset({"lt", "lte", "gt", "gte"})
_TIME_PARTS = frozenset({"minute", "hour", "day", "week", "month", "year"})
_SUPPORTED: Mapping[FieldType, frozenset[str]] = {
    FieldType.REF: _WORDS | _FLAGS | {"fieldref"},
    FieldType.ENUM: _WORDS | _FLAGS | {"fieldref"},
    FieldType.REFS: _WORDS | _FLAGS,
    FieldType.NUMBER: _ORDER | {"neq", "exists", "fieldref"},
    FieldType.BOOL: frozenset({"neq", "exists", "fieldref"}),
    FieldType.TIME: _ORDER | _TIME_PARTS | {"neq", "exists", "fieldref"},
}
_POINTLESS = {
    "base64": "no field holds encoded text",
    "base64offset": "no field holds encoded text",
    "utf16": "no field holds encoded text",
    "utf16be": "no field holds encoded text",
    "wide": "no field holds encoded text",
    "windash": "no field holds a command line",
    "cidr": "no field holds an address, only the platform's pseudonyms of them",
    "expand": "placeholders are filled by conversion pipelines, of which Vigil has none",
}
_ID_CHARS = frozenset(ALPHABET_BYTES.decode())
MODIFIERS = sorted({*_WORDS, *_FLAGS, *_ORDER, *_TIME_PARTS, "fieldref"})
"""Every modifier a rule may use on some field."""


def read_detection(
    document: Document, topic: str, topics: Mapping[str, Mapping[str, Field]]
) -> Condition | None:
    """The condition of a rule on `topic`, or None with the mistakes noted in the report.

    `topics` are the fields of every topic, to recognise a field that belongs to another.
    """
    section = document.data.get("detection")
    if not isinstance(section, Lined):
        document.report.error(
            document.data.line_of("detection"), "'detection' must be a mapping of searches"
        )
        return None
    return read_searches(document, section, topic, topics)


def read_searches(
    document: Document,
    section: Lined,
    topic: str,
    topics: Mapping[str, Mapping[str, Field]],
    *,
    beside: Sequence[str] = (),
) -> Condition | None:
    """Searches and the condition over them; `beside` are keys that are neither."""
    report = document.report
    before = report.errors
    condition = section.get("condition")
    if not isinstance(condition, str):
        what = "has no 'condition'" if condition is None else "needs one condition, as text"
        report.error(section.line_of("condition"), f"detection {what}", "write 'condition: name'")
    if "timeframe" in section:
        report.error(
            section.line_of("timeframe"),
            "'timeframe' is no longer part of Sigma",
            "write a correlation with 'timespan'",
        )
    checker = _Checker(document, topic, topics)
    for name, search in section.items():
        if name not in ("condition", "timeframe", *beside):
            checker.search(name, search, section.lines[name])
    if report.errors > before:
        return None
    searches = Lined(section.line)
    for name, search in section.items():
        if name not in beside:
            searches[name] = search
            searches.lines[name] = section.lines[name]
    return _translate(document, searches, topics[topic])


def _translate(document: Document, section: Lined, fields: Mapping[str, Field]) -> Condition | None:
    report, line = document.report, section.line_of("condition")
    data = document.data
    try:
        rule = SigmaRule.from_dict(
            {"title": data["title"], "logsource": data["logsource"], "detection": section}
        )
        tree = rule.detection.parsed_condition[0].parsed
    except SigmaError as error:
        report.error(line, *_condition_fault(_plain(error), section))
        return None
    try:
        condition = _condition(tree, fields)
    except Unmatchable as unmatchable:
        report.error(line, str(unmatchable), unmatchable.suggestion)
        return None
    words = str(section["condition"]).replace("(", " ").replace(")", " ").split()
    for name in section:
        if name != "condition" and not _mentioned(name, words):
            report.warning(section.lines[name], f"search '{name}' is not used by the condition")
    if condition == Always(False):
        report.error(
            line,
            "no signal can ever match: the searches rule each other out",
            "look for two values of one field joined with 'and'",
        )
        return None
    return condition


def _mentioned(name: str, words: list[str]) -> bool:
    for word in words:
        if word in (name, "them"):
            return True
        if "*" in word and all(piece in name for piece in word.split("*")):
            return True
    return False


def _condition_fault(message: str, section: Lined) -> tuple[str, str]:
    names = [name for name in section if name != "condition"]
    unread = re.search(r"\(at char (\d+)\)", message)
    if unread:
        rest = str(section["condition"])[int(unread[1]) :]
        where = f"from '{rest}' on" if rest else "at its end"
        return (
            f"the condition can't be read {where}",
            "join searches with and, or, not and brackets, or write '1 of name*', 'all of them'",
        )
    for word in message.split("'")[1::2]:
        hint = did_you_mean(word.strip(), names)
        if hint:
            return message, hint
    return message, "searches here: " + ", ".join(names)


def _plain(error: SigmaError) -> str:
    """The message without its own idea of the place."""
    return str(error).split(" in ", maxsplit=1)[0] if error.source else str(error)


def _condition(tree: Any, fields: Mapping[str, Field]) -> Condition:
    match tree:
        case sigma.ConditionAND():
            return all_of(_condition(arg, fields) for arg in tree.args)
        case sigma.ConditionOR():
            return any_of(_condition(arg, fields) for arg in tree.args)
        case sigma.ConditionNOT():
            return negate(_condition(tree.args[0], fields))
        case sigma.ConditionFieldEqualsValueExpression():
            return condition_for(fields[tree.field], tree.value, fields)
    raise Unmatchable("a search without a field: there is no text to search in", "name a field")


class _Checker:
    """Checks searches against the schema, noting each mistake at its line."""

    def __init__(
        self, document: Document, topic: str, topics: Mapping[str, Mapping[str, Field]]
    ) -> None:
        self._report = document.report
        self._topic = topic
        self._topics = topics
        self._fields = topics[topic]

    def search(self, name: str, search: Any, line: int) -> None:
        """A search: a mapping of fields, or a list of such mappings."""
        maps = search if isinstance(search, LinedList) else [search]
        if not maps or not all(isinstance(item, Lined) and item for item in maps):
            self._report.error(
                line,
                f"search '{name}' must map fields to values",
                "keyword searches have nothing to search in: signals hold no text",
            )
            return
        for item in maps:
            for key, value in item.items():
                self._item(key, value, item.lines[key])

    def _item(self, key: str, value: Any, line: int) -> None:
        name, *modifiers = key.split("|")
        field = self._field(name, line)
        if field is None or not self._modifiers(field, modifiers, line):
            return
        for one, at in _values(value, line):
            fault = self._value(field, modifiers, one)
            if fault:
                self._report.error(at, *fault)
                return
        if isinstance(value, list) and not value:
            self._report.error(line, f"'{key}' has an empty list", "write null for 'absent'")
            return
        try:
            item = SigmaDetectionItem.from_mapping(key, value)
            self._reachable(field, item, line)
        except SigmaError as error:
            self._report.error(line, f"'{key}': {_plain(error)}")

    def _reachable(self, field: Field, item: Any, line: int) -> None:
        """Every single value must be possible: a typo among ten is found, too."""
        for value in item.value:
            try:
                condition = condition_for(field, value, self._fields)
            except Unmatchable as unmatchable:
                self._report.error(line, str(unmatchable), unmatchable.suggestion)
                return
            if condition == Always(False):
                word = str(value)
                self._report.error(
                    line,
                    f"'{field.name}' is never '{word}'",
                    did_you_mean(word.strip("*"), field.values or (), _listing(field)),
                )
            elif isinstance(value, SigmaString) and not _possible_id(field, value):
                self._report.error(
                    line,
                    f"'{field.name}' can never be '{value}'",
                    "ids are 1 to 64 characters of A-Z a-z 0-9 _ . : -",
                )

    def _field(self, name: str, line: int) -> Field | None:
        field = self._fields.get(name)
        if field is not None:
            return field
        others = [topic for topic, fields in self._topics.items() if name in fields]
        if others:
            hint = f"'{name}' is a field of {' and '.join(others)}: set logsource.service to that"
        else:
            hint = did_you_mean(name, self._fields, "fields: " + ", ".join(self._fields))
        self._report.error(line, f"{self._topic} signals have no field '{name}'", hint)
        return None

    def _modifiers(self, field: Field, modifiers: list[str], line: int) -> bool:
        supported = _SUPPORTED[field.type]
        for modifier in modifiers:
            if modifier in _POINTLESS:
                self._report.error(
                    line, f"modifier '{modifier}' makes no sense here: {_POINTLESS[modifier]}"
                )
                return False
            if modifier not in MODIFIERS:
                hint = did_you_mean(modifier, MODIFIERS, one_of(MODIFIERS))
                self._report.error(line, f"unknown modifier '{modifier}'", hint)
                return False
            if modifier not in supported:
                self._report.error(
                    line,
                    f"modifier '{modifier}' doesn't fit '{field.name}', a field of type {field.type}",
                    one_of(sorted(supported)),
                )
                return False
        if _FLAGS.intersection(modifiers) and "re" not in modifiers:
            self._report.error(
                line, "regular expression flags need 're' before them", "write |re|i"
            )
            return False
        return True

    def _value(
        self, field: Field, modifiers: list[str], value: Any
    ) -> tuple[str, str] | tuple[str] | None:
        """What is wrong with one value as YAML gave it."""
        name = field.name
        if isinstance(value, dict | list):
            return (f"'{name}' needs plain values", "one value, or a list of them")
        if "exists" in modifiers:
            if isinstance(value, bool):
                return None
            return (f"'{name}|exists' needs true or false",)
        if "fieldref" in modifiers:
            if value in self._fields:
                return None
            hint = did_you_mean(str(value), self._fields, "fields: " + ", ".join(self._fields))
            return (f"{self._topic} signals have no field '{value}' to compare with", hint)
        if value is None:
            if modifiers and modifiers != ["neq"]:
                return (f"null can't be combined with '{modifiers[0]}'", "write it by itself")
            return None
        if "re" in modifiers:
            return fault_in(value) if isinstance(value, str) else (f"'{name}|re' needs text",)
        return _type_fault(field, modifiers, value)


def _values(value: Any, line: int) -> Iterator[tuple[Any, int]]:
    if isinstance(value, LinedList):
        yield from zip(value, value.lines, strict=True)
    else:
        yield value, line


def _type_fault(field: Field, modifiers: list[str], value: Any) -> tuple[str, str] | None:
    name = field.name
    if field.type in (FieldType.REF, FieldType.ENUM, FieldType.REFS):
        if isinstance(value, bool):
            word = "yes' or 'no" if {"yes", "no"} <= set(field.values or ()) else str(value).lower()
            return (f"'{name}' holds words, and YAML reads this as {value}", f"quote it: '{word}'")
        if not isinstance(value, str):
            return (f"'{name}' holds words, not numbers", f"quote it: '{value}'")
        return None
    if field.type is FieldType.BOOL:
        if isinstance(value, bool):
            return None
        return (f"'{name}' is true or false, not {value!r}", "write true or false without quotes")
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = "a number" if field.type is FieldType.NUMBER else "a time in epoch milliseconds"
        return (f"'{name}' is {what}, and {value!r} is not", "write a number without quotes")
    if field.type is FieldType.TIME and _TIME_PARTS.isdisjoint(modifiers) and not modifiers:
        return (
            f"'{name}' equal to one millisecond is never meant",
            "use lt, lte, gt, gte, or a part: " + ", ".join(sorted(_TIME_PARTS)),
        )
    return None


def _possible_id(field: Field, value: Any) -> bool:
    if field.type is not FieldType.REF:
        return True
    words = [part for part in value.s if isinstance(part, str)]
    if len(words) == len(value.s):
        return is_id("".join(words), field.longest)
    return sum(map(len, words)) <= field.longest and not set("".join(words)) - _ID_CHARS


def _listing(field: Field) -> str:
    return one_of(field.values) if field.values else f"the schema declares no {field.name}"
