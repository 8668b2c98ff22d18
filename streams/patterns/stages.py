"""From a correlation rule, and those it is chained to, to the stages and searches of a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.patterns import correlation_types as types
from streams.patterns.correlation_rules import CorrelationRule
from streams.patterns.correlations import EventCount, ValueCount
from streams.patterns.grouping import Fields, Grouping
from streams.patterns.numeric import Numeric, average, percentile, total
from streams.patterns.pattern import Search, Stage
from streams.patterns.rule import Rule
from streams.patterns.temporal import Order, Temporal, TemporalOrdered
from streams.patterns.thresholds import Threshold
from streams.patterns.windows import Correlation, Terms
from streams.patterns.words import TooManyOrders, compile_words, orders

MAX_RULES = 16
"""Rules of one correlation: which of them a record matched is kept as two bytes."""
MAX_STAGES = 16
"""Correlations of one pattern, chained ones included."""
MAX_STATE_BYTES = 240 * 1024
"""What one window may take at most; a state record may take 256 KiB (CONTRACT.md)."""
BYTES_PER_ID = 3 + 65
"""An id of 64 characters with its tag, as it is stored."""
_BYTES_PER_TIME = 9


@dataclass(slots=True)
class Stages:
    """Builds them. Times are ms; `independent` is how many classes of source the pattern wants."""

    fields: Fields
    lateness: int
    cooldown: int
    independent: int
    stages: list[Stage] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)

    def build(self, rule: Rule, grouping: Grouping) -> bool:
        """Add a pattern's correlation and all below it; False with the mistakes noted."""
        before = rule.document.report.errors
        self._add(rule, grouping, above=None, bits=1, passes=False, counted=False)
        return rule.document.report.errors == before

    def _add(
        self,
        rule: Rule,
        grouping: Grouping,
        *,
        above: int | None,
        bits: int,
        passes: bool,
        counted: bool,
    ) -> None:
        spec = rule.correlation
        assert spec is not None
        place = len(self.stages)
        if place >= MAX_STAGES:
            rule.error(f"is chained to more than {MAX_STAGES} correlations", "make it simpler")
            return
        targets = self.fields.references.of(rule)
        bit_of = self._bits(rule, targets)
        values = self.fields.values(rule)
        correlation = self._correlation(rule, bit_of, outermost=above is None)
        if correlation is None:
            return
        self._check_state(rule, correlation)
        self.stages.append(
            Stage(
                correlation,
                above,
                bits,
                grouping.group is not None,
                passes,
                counted,
                rule.metadata.title,
            )
        )
        done: set[int] = set()
        for name, target in zip(spec.rules, targets, strict=True):
            if id(target) in done:
                continue  # the same rule for two steps
            done.add(id(target))
            if target.correlation is None:
                owner, group = (
                    self.fields.name_in(rule, name, entry) if entry else None
                    for entry in (grouping.owner, grouping.group)
                )
                assert target.condition is not None
                assert owner is not None
                self.searches.append(
                    Search(
                        target.topic,
                        target.condition,
                        place,
                        bit_of[name],
                        owner,
                        group,
                        values[name],
                        target.metadata.title,
                    )
                )
                continue
            correlation.merges = True
            below = self.fields.below(rule, name, target, grouping)
            if below is None:
                continue
            value = values[name]
            if value is not None and value != below.group:
                rule.error(
                    f"counts '{spec.field}', which '{name}' does not group by",
                    f"add '{value}' to the group-by of '{name}'",
                    at=("correlation", "condition", "field"),
                )
                continue
            self._add(
                target,
                below,
                above=place,
                bits=bit_of[name],
                passes=grouping.group is not None,
                counted=value is not None,
            )

    @staticmethod
    def _bits(rule: Rule, targets: Sequence[Rule]) -> dict[str, int]:
        """The bit of each reference; two names of one rule have the same."""
        spec = rule.correlation
        assert spec is not None
        distinct = list(dict.fromkeys(map(id, targets)))
        if len(distinct) > MAX_RULES:
            rule.error(
                f"refers to more than {MAX_RULES} rules",
                "join some into one rule with 'or'",
                at=("correlation", "rules"),
            )
        if spec.type == types.TEMPORAL and len(distinct) < len(targets):
            rule.error(
                "the same rule stands twice, and in a 'temporal' it counts once",
                "remove it, or use temporal_ordered",
                at=("correlation", "rules"),
            )
        return {
            name: 1 << distinct.index(id(target))
            for name, target in zip(spec.rules, targets, strict=True)
        }

    def _correlation(
        self, rule: Rule, bit_of: dict[str, int], *, outermost: bool
    ) -> Correlation | None:
        spec = rule.correlation
        assert spec is not None
        # Inner windows only collect the classes of source, the outermost one asks for them.
        asked = 0 if self.independent <= 1 else self.independent if outermost else 1
        terms = Terms(spec.timespan, self.lateness, self.cooldown, asked)
        if spec.type == types.EVENT_COUNT:
            return EventCount(_bound(spec), terms)
        if spec.type == types.VALUE_COUNT:
            return ValueCount(_bound(spec), terms)
        if spec.type in types.NUMERIC:
            return Numeric(_calculation(spec), _bound(spec), terms)
        if spec.type == types.TEMPORAL:
            return self._temporal(rule, spec, bit_of, terms)
        return self._ordered(rule, spec, bit_of, terms)

    @staticmethod
    def _temporal(
        rule: Rule, spec: CorrelationRule, bit_of: dict[str, int], terms: Terms
    ) -> Correlation | None:
        if spec.words is None:
            threshold = spec.threshold or Threshold("gte", len(spec.rules))
            return Temporal(
                lambda present: threshold(present.bit_count()),
                len(bit_of),
                terms,
                needed=threshold.enough,
            )
        try:
            words = compile_words(spec.words, bit_of)
        except TooManyOrders:
            _too_many(rule)
            return None
        if words.holds_on_nothing:
            rule.error(
                "the condition holds although no rule matches",
                "say which rule must match: 'a and not b'",
                at=("correlation", "condition"),
            )
        return Temporal(words.met, len(bit_of), terms, wanted=words.wanted, needed=words.needed)

    @staticmethod
    def _ordered(
        rule: Rule, spec: CorrelationRule, bit_of: dict[str, int], terms: Terms
    ) -> Correlation | None:
        if spec.words is None:
            return TemporalOrdered([Order(tuple(bit_of[name] for name in spec.rules))], terms)
        try:
            found = orders(spec.words, bit_of)
        except TooManyOrders:
            _too_many(rule)
            return None
        if not found or not all(order.steps for order in found):
            rule.error(
                "the condition can never hold" if not found else "the condition holds on nothing",
                "say which rules must match, in order: 'a and b and not c'",
                at=("correlation", "condition"),
            )
            return None
        return TemporalOrdered(found, terms)

    @staticmethod
    def _check_state(rule: Rule, correlation: Correlation) -> None:
        sources = 1 if correlation.independent else 0
        each = _BYTES_PER_TIME + BYTES_PER_ID + correlation.bytes_per_value + sources
        size = correlation.limit * each
        if size > MAX_STATE_BYTES:
            rule.error(
                f"one account could make this window hold {correlation.limit} records, "
                f"{size // 1024} KiB of state; the most is {MAX_STATE_BYTES // 1024} KiB",
                "lower the threshold, or shorten 'lateness' against the timespan",
                at=("correlation", "condition"),
            )


def _bound(spec: CorrelationRule) -> Threshold:
    assert spec.threshold is not None
    return spec.threshold


def _calculation(spec: CorrelationRule) -> Any:
    if spec.type == types.VALUE_SUM:
        return total
    if spec.type == types.VALUE_AVG:
        return average
    return percentile(spec.percentile)


def _too_many(rule: Rule) -> None:
    rule.error(
        "the condition has too many ways to be satisfied",
        "split it into several correlations",
        at=("correlation", "condition"),
    )
