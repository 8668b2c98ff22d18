"""Reading inline tests: what a pattern must and must not find, written beside it.

The format is described in docs/patterns.md. Signals pass the same decoders as real ones, at load,
so that a test can't lean on a record that would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.findings import did_you_mean, one_of
from streams.signals import Refused, Schema
from streams.signals.durations import parse_duration_ms
from streams.signals.records import DERIVED

START_MS = 1_767_225_600_000
"""0s of every test: 2026-01-01T00:00:00Z."""

CASES = ("firing", "near miss", "benign")
MAX_SIGNALS = 10_000

_TEST_KEYS = ("name", "case", "given", "signals", "fires")
_SIGNAL_KEYS = ("topic", "at", "every", "times", "late")
NEVER = "never"
"""What a test says that expects nothing."""


class Record(NamedTuple):
    """One signal on its way to a driver: logical topic, key, JSON value, Kafka timestamp in ms."""

    topic: str
    key: bytes
    value: bytes
    timestamp: int

    @property
    def headers(self) -> tuple[()]:
        """None: inline tests have no headers."""
        return ()


def case_of(test: Mapping[str, Any]) -> Any:
    """The case of a test as written: its own word, or what follows from what it expects."""
    return test.get("case", "near miss" if test.get("fires") == NEVER else "firing")


@dataclass(frozen=True, slots=True)
class InlineTest:
    """One test. `expected` holds (account or None for any, ms after the start) per detection."""

    name: str
    case: str
    records: tuple[Record, ...]
    expected: tuple[tuple[str | None, int], ...]
    file: str
    line: int


@dataclass(slots=True)
class InlineReader:
    """Reads the tests of rule files; it keeps the decoders of one schema."""

    schema: Schema
    _decoders: dict[str, Any] = field(default_factory=dict)

    def read(self, document: Document, tests: Sequence[Any]) -> list[InlineTest]:
        """The tests of one rule; mistakes are noted in the document's report."""
        lines = getattr(tests, "lines", [document.line] * len(tests))
        found = []
        for test, line in zip(tests, lines, strict=True):
            before = document.report.errors
            read = self._test(document, test, line)
            if read is not None and document.report.errors == before:
                found.append(read)
        return found

    def _test(self, document: Document, test: Any, line: int) -> InlineTest | None:
        report = document.report
        if not isinstance(test, Lined):
            report.error(line, "a test must be a mapping", one_of(_TEST_KEYS))
            return None
        for key in test:
            if key not in _TEST_KEYS:
                hint = did_you_mean(key, _TEST_KEYS, one_of(_TEST_KEYS))
                report.error(test.lines[key], f"unknown key '{key}' in a test", hint)
        if not isinstance(test.get("name"), str):
            report.error(line, "a test needs a 'name'", "say what happens, in a sentence")
        expected = self._expected(document, test)
        case = case_of(test)
        if case not in CASES:
            report.error(test.line_of("case"), f"'{case}' is not a case", one_of(CASES))
        given = test.get("given") or Lined(line)
        signals = test.get("signals")
        if not isinstance(signals, LinedList) or not isinstance(given, Lined):
            report.error(test.line_of("signals"), "a test needs a list of 'signals'")
            return None
        if expected is None:
            return None
        arrivals: list[tuple[int, str, dict[str, Any], int]] = []
        for signal, at_line in zip(signals, signals.lines, strict=True):
            arrivals += self._signals(document, signal, given, at_line)
        if len(arrivals) > MAX_SIGNALS:
            report.error(line, f"a test of more than {MAX_SIGNALS} signals", "use fewer 'times'")
            return None
        records = self._records(document, sorted(arrivals, key=lambda arrival: arrival[0]))
        return InlineTest(str(test.get("name")), str(case), records, expected, document.file, line)

    @staticmethod
    def _expected(document: Document, test: Lined) -> tuple[tuple[str | None, int], ...] | None:
        fires = test.get("fires")
        line = test.line_of("fires")
        if fires == NEVER:
            return ()
        entries = fires.items() if isinstance(fires, Lined) else [(None, fires)]
        found: list[tuple[str | None, int]] = []
        for account, moments in entries:
            if moments == NEVER:
                continue
            for moment in moments if isinstance(moments, LinedList) else [moments]:
                ms = parse_duration_ms(moment)
                if ms is None:
                    document.report.error(
                        line,
                        "'fires' must say when, counted from the start of the test",
                        "write 'fires: 5m', 'fires: [5m, 2h]', 'fires: {a1: 5m}' or 'fires: never'",
                    )
                    return None
                found.append((account, ms))
        return tuple(found)

    def _signals(
        self, document: Document, signal: Any, given: Lined, line: int
    ) -> list[tuple[int, str, dict[str, Any], int]]:
        """(arrival in ms, topic, value, line) of each signal that one entry stands for."""
        report = document.report
        if not isinstance(signal, Lined):
            report.error(line, "a signal must be a mapping of fields", "start with 'at:'")
            return []
        value = {"account": "a1", **given, **signal}
        numbers: dict[str, int] = {}
        for key, default in (("at", 0), ("every", 0), ("late", 0)):
            ms = parse_duration_ms(value.get(key, default))
            if ms is None:
                report.error(
                    signal.line_of(key), f"'{key}' must be a duration", "write, say, 90s or 1h30m"
                )
                return []
            numbers[key] = ms
        times = value.get("times", 1)
        if not isinstance(times, int) or not 1 <= times <= MAX_SIGNALS:
            report.error(signal.line_of("times"), "'times' must be a whole number from 1 on")
            return []
        topic = self._topic(document, value, line)
        if topic is None:
            return []
        for key in _SIGNAL_KEYS:
            value.pop(key, None)
        return [
            (at + numbers["late"], topic, {**value, "at": START_MS + at}, line)
            for at in (numbers["at"] + numbers["every"] * turn for turn in range(times))
        ]

    def _topic(self, document: Document, value: Mapping[str, Any], line: int) -> str | None:
        """The topic a signal says it is of, or the only one that has all its fields."""
        named = value.get("topic")
        topics = self.schema.topics
        if named is not None and named not in topics:
            hint = did_you_mean(str(named), topics, one_of(topics))
            document.report.error(line, f"there is no topic '{named}'", hint)
            return None
        given = {key for key in value if key not in _SIGNAL_KEYS}
        fitting = []
        for topic in [named] if named else topics:
            fields = self.schema.fields(topic)
            required = {name for name, row in fields.items() if row.required} - {"id", "at"}
            told = topic not in DERIVED or value.get("kind") in (fields["kind"].values or ())
            if given <= set(fields) and required <= given and told:
                fitting.append(topic)
        if len(fitting) == 1:
            return str(fitting[0])
        document.report.error(line, *self._no_topic(given, named))
        return None

    def _no_topic(self, given: set[str], named: str | None) -> tuple[str, str]:
        topics = [named] if named else self.schema.topics
        nearest = max(topics, key=lambda topic: len(given & set(self.schema.fields(topic))))
        fields = self.schema.fields(nearest)
        for name in sorted(given):
            if name not in fields:
                hint = did_you_mean(name, fields, "fields: " + ", ".join(fields))
                return f"no {nearest} signal has the fields of this one: '{name}' is unknown", hint
        required = {name for name, row in fields.items() if row.required} - {"id", "at"}
        missing = ", ".join(sorted(required - given))
        return f"a signal on {nearest} also needs {missing}", "put what repeats into 'given'"

    def _records(
        self, document: Document, arrivals: Sequence[tuple[int, str, dict[str, Any], int]]
    ) -> tuple[Record, ...]:
        records = []
        for number, (arrival, topic, value, line) in enumerate(arrivals, start=1):
            value.setdefault("id", f"s{number}")
            record = Record(
                topic,
                str(value["account"]).encode(),
                msgspec.json.encode(value),
                START_MS + arrival,
            )
            if topic not in self._decoders:
                self._decoders[topic] = self.schema.decoder(topic)
            try:
                self._decoders[topic](record)
            except Refused as refused:
                document.report.error(
                    line,
                    f"this signal would be refused: {refused}",
                    "write it as a producer would have to",
                )
                return ()
            records.append(record)
        return tuple(records)
