"""From read rules to patterns: references resolved, fields checked, state bounds computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.patterns import correlation_rules as types
from streams.patterns.block import Block
from streams.patterns.conditions import Condition
from streams.patterns.correlation_rules import CorrelationRule
from streams.patterns.correlations import EventCount, Temporal, TemporalOrdered, ValueCount
from streams.patterns.documents import Document
from streams.patterns.durations import format_duration
from streams.patterns.episodes import min_cooldown_ms
from streams.patterns.findings import did_you_mean
from streams.patterns.grouping import group_field, value_fields
from streams.patterns.metadata import Metadata
from streams.patterns.pattern import Pattern, Search
from streams.patterns.thresholds import Threshold
from streams.patterns.versions import (
    correlation_meaning,
    detection_meaning,
    semantic_version,
    window_key,
)
from streams.patterns.windows import Correlation
from streams.signals import Schema

MIN_LATENESS_MS = 6 * 60_000
"""The five minutes a clock may run ahead, and one more."""
MAX_RULES = 16
"""Rules of one correlation: which of them a record matched is kept as two bytes."""
COOLDOWN_WITHOUT_WINDOW_MS = 24 * 3_600_000
MAX_STATE_BYTES = 240 * 1024
"""What one window may take at most; a state record may take 256 KiB (CONTRACT.md)."""
_BYTES_PER_RECORD = 9 + 3 + 65
"""Time, and an id of 64 characters with its tag."""


@dataclass(slots=True)
class Rule:
    """A rule as read: metadata, block, and one of condition (with its topic) and correlation."""

    document: Document
    metadata: Metadata
    block: Block
    topic: str = ""
    condition: Condition | None = None
    correlation: CorrelationRule | None = None
    referenced_by: list[Rule] = field(default_factory=list)

    def error(self, message: str, suggestion: str = "", *, at: Sequence[str] = ()) -> None:
        """Note a mistake at the line of a key path."""
        self.document.report.error(self.document.data.line_of(*at), message, suggestion)


class _Measure(NamedTuple):
    correlation: Correlation | None
    cooldown: int
    group: str | None
    measures: str
    threshold: float


class Assembly:
    """All rules of a rule set, by name and id, on their way to patterns.

    `broken` are names and ids of rules that could not be read: that a reference to one of them
    leads nowhere is no mistake of its own.
    """

    def __init__(self, rules: Sequence[Rule], schema: Schema, broken: Collection[str] = ()) -> None:
        self._rules = rules
        self._schema = schema
        self._broken = broken
        self._known: dict[str, Rule] = {}

    def patterns(self) -> list[Pattern]:
        """The patterns of all rules that report; mistakes are noted in the rules' reports."""
        self._index()
        references = {id(rule): self._resolve(rule) for rule in self._rules if rule.correlation}
        found = []
        for rule in self._rules:
            if rule.metadata.mode is None:
                continue
            if not self._reports(rule):
                self._warn_of_a_silent_block(rule)
                continue
            if rule.correlation is None:
                found.append(self._single(rule))
                continue
            referenced = references[id(rule)]
            pattern = self._correlated(rule, referenced) if referenced else None
            if pattern is not None:
                found.append(pattern)
        self._distinct_keys(found)
        return found

    def _index(self) -> None:
        for rule in self._rules:
            for kind, word in (("id", rule.metadata.id), ("name", rule.metadata.name)):
                if not word:
                    continue
                first = self._known.setdefault(word, rule)
                if first is not rule:
                    place = f"{first.document.file}:{first.document.data.line_of(kind)}"
                    hint = "give the copy its own" if kind == "id" else "rename one"
                    rule.error(f"{kind} '{word}' is already taken by {place}", hint, at=(kind,))

    def _resolve(self, rule: Rule) -> list[Rule]:
        """The rules a correlation refers to, one per reference; empty with the mistakes noted."""
        assert rule.correlation is not None
        at = ("correlation", "rules")
        found: list[Rule] = []
        for reference in rule.correlation.rules:
            target = self._find(reference)
            if target is None and reference in self._broken:
                continue
            if target is None:
                hint = did_you_mean(reference, self._known, "give a rule that 'name:' or 'id:'")
                rule.error(f"refers to '{reference}', which no rule is called", hint, at=at)
            elif target.correlation is not None:
                if target is rule or self._leads_to(target, rule):
                    rule.error(f"refers to itself through '{reference}'", "break the circle", at=at)
                else:
                    rule.error(
                        f"refers to '{reference}', itself a correlation: chains are not yet supported",
                        "refer to detection rules",
                        at=at,
                    )
            elif target.metadata.mode is None and rule.metadata.mode is not None:
                rule.error(
                    f"refers to '{reference}', which its status keeps from being loaded",
                    "give that rule status stable, test or experimental",
                    at=at,
                )
            else:
                found.append(target)
                if rule.metadata.mode is not None:
                    target.referenced_by.append(rule)
        return found if len(found) == len(rule.correlation.rules) else []

    def _leads_to(self, start: Rule, goal: Rule) -> bool:
        seen: set[int] = set()
        todo = [start]
        while todo:
            rule = todo.pop()
            if rule is goal:
                return True
            if id(rule) in seen or rule.correlation is None:
                continue
            seen.add(id(rule))
            todo += filter(None, map(self._find, rule.correlation.rules))
        return False

    def _find(self, reference: str) -> Rule | None:
        """The rule of that name, or of that id however it is written."""
        return self._known.get(reference) or self._known.get(reference.lower())

    @staticmethod
    def _warn_of_a_silent_block(rule: Rule) -> None:
        data = rule.document.data
        if "vigil" in data:
            rule.document.report.warning(
                data.lines["vigil"],
                "a correlation refers to this rule, so it is silent and its vigil block has no effect",
                "move the block to the correlation, or say 'generate: true' if both are to report",
            )

    @staticmethod
    def _reports(rule: Rule) -> bool:
        """A rule others refer to is silent, unless it or one of them says `generate: true`."""
        return (
            not rule.referenced_by
            or rule.metadata.generate
            or any(
                other.metadata.generate or (other.correlation and other.correlation.generate)
                for other in rule.referenced_by
            )
        )

    def _single(self, rule: Rule) -> Pattern:
        assert rule.condition is not None
        if rule.block.lateness is not None:
            rule.error(
                "'lateness' means nothing without a window: this rule fires however late",
                "remove it",
                at=("vigil", "lateness"),
            )
        cooldown = rule.block.cooldown
        if cooldown is None:
            cooldown = COOLDOWN_WITHOUT_WINDOW_MS
        if cooldown:  # with none, every match is an episode of its own and nothing is kept
            cooldown = self._cooldown(rule, cooldown, 0)
        meaning = detection_meaning(rule.document.data, rule.topic)
        searches = (Search(rule.topic, rule.condition),)
        return self._pattern(rule, meaning, searches, _Measure(None, cooldown, None, "", 0))

    def _correlated(self, rule: Rule, referenced: list[Rule]) -> Pattern | None:
        spec = rule.correlation
        assert spec is not None
        report = rule.document.report
        before = report.errors
        topics = [other.topic for other in referenced]
        group, group_fields = group_field(rule.document, spec, topics, self._schema)
        values = value_fields(rule.document, spec, topics, self._schema)
        if report.errors > before:
            return None
        lateness = rule.block.lateness
        if lateness is None:
            lateness = max(MIN_LATENESS_MS, spec.timespan)
        cooldown = rule.block.cooldown
        if cooldown is None:
            cooldown = spec.timespan
        cooldown = self._cooldown(rule, cooldown, lateness)
        distinct = list(dict.fromkeys(map(id, referenced)))
        if len(distinct) > MAX_RULES:
            rule.error(
                f"refers to more than {MAX_RULES} rules",
                "join some into one rule with 'or'",
                at=("correlation", "rules"),
            )
            return None
        bits = [1 << distinct.index(id(other)) for other in referenced]
        threshold = self._threshold(rule, len(referenced), len(distinct))
        correlation = _correlation(spec, threshold, bits, lateness, cooldown)
        self._check_state(rule, correlation)
        if report.errors > before:
            return None
        searches = {
            id(other): Search(other.topic, other.condition, bit, grouped, value)
            for other, bit, grouped, value in zip(
                referenced, bits, group_fields, values, strict=True
            )
            if other.condition is not None
        }
        meaning = correlation_meaning(
            rule.document.data["correlation"],
            spec.timespan,
            {
                name: detection_meaning(other.document.data, other.topic)
                for name, other in zip(spec.rules, referenced, strict=True)
            },
        )
        measures = spec.type if spec.type in (types.EVENT_COUNT, types.VALUE_COUNT) else "rules"
        measure = _Measure(correlation, cooldown, group, measures, threshold.bound)
        return self._pattern(rule, meaning, tuple(searches.values()), measure)

    @staticmethod
    def _threshold(rule: Rule, steps: int, distinct: int) -> Threshold:
        spec = rule.correlation
        assert spec is not None
        if spec.type == types.TEMPORAL and distinct < steps:
            rule.error(
                "the same rule stands twice, and in a 'temporal' it counts once",
                "remove it, or use temporal_ordered",
                at=("correlation", "rules"),
            )
        if spec.threshold is not None:
            return spec.threshold
        return Threshold("gte", steps)

    @staticmethod
    def _cooldown(rule: Rule, cooldown: int, lateness: int) -> int:
        least = min_cooldown_ms(lateness)
        if cooldown >= least:
            return cooldown
        rule.error(
            f"a cooldown of {format_duration(cooldown)} is too short to remember every episode "
            f"within the lateness of {format_duration(lateness)}",
            f"make it {format_duration(least)} or more, or 'lateness' shorter",
            at=("vigil", "cooldown"),
        )
        return least

    @staticmethod
    def _check_state(rule: Rule, correlation: Correlation) -> None:
        size = correlation.limit * (_BYTES_PER_RECORD + correlation.bytes_per_value)
        if size > MAX_STATE_BYTES:
            rule.error(
                f"one account could make this window hold {correlation.limit} records, "
                f"{size // 1024} KiB of state; the most is {MAX_STATE_BYTES // 1024} KiB",
                "lower the threshold, or shorten 'lateness' against the timespan",
                at=("correlation", "condition"),
            )

    @staticmethod
    def _pattern(
        rule: Rule,
        meaning: Mapping[str, Any],
        searches: tuple[Search, ...],
        measure: _Measure,
    ) -> Pattern:
        metadata = rule.metadata
        version = semantic_version(meaning, rule.document.data.get("vigil"))
        return Pattern(
            id=metadata.id,
            title=metadata.title,
            description=metadata.description,
            falsepositives=metadata.falsepositives,
            version=version,
            key=window_key(metadata.id, version),
            mode=metadata.mode or "",
            severity=metadata.level,
            block=rule.block,
            searches=searches,
            **measure._asdict(),
            file=rule.document.file,
            line=rule.document.line,
        )

    @staticmethod
    def _distinct_keys(patterns: Sequence[Pattern]) -> None:
        taken: dict[str, Pattern] = {}
        for pattern in patterns:
            other = taken.setdefault(pattern.key, pattern)
            # The same id twice is a mistake, and told as one.
            assert other.id == pattern.id, f"{pattern.id} and {other.id} hash to the same state key"


def _correlation(
    spec: CorrelationRule, threshold: Threshold, bits: Sequence[int], lateness: int, cooldown: int
) -> Correlation:
    if spec.type == types.EVENT_COUNT:
        return EventCount(threshold, spec.timespan, lateness, cooldown)
    if spec.type == types.VALUE_COUNT:
        return ValueCount(threshold, spec.timespan, lateness, cooldown)
    if spec.type == types.TEMPORAL:
        return Temporal(threshold, len(set(bits)), spec.timespan, lateness, cooldown)
    return TemporalOrdered(bits, spec.timespan, lateness, cooldown)
