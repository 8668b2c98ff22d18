"""Windows and episodes against the reference that keeps everything."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sigma.correlations import SigmaExtendedCorrelationCondition

from streams.patterns.correlations import EventCount, ValueCount
from streams.patterns.numeric import Numeric, average, percentile, total
from streams.patterns.temporal import Order, Temporal, TemporalOrdered
from streams.patterns.thresholds import Threshold
from streams.patterns.windows import Correlation, Entry, Terms, Window
from streams.patterns.words import compile_words, orders
from tests.patterns.reference import NUMERIC, Reference, says, ways

SPAN = 1000
KINDS = (
    *("event_count", "value_count", "temporal", "temporal_ordered"),
    *("value_sum", "value_avg", "value_percentile"),
)
OPS = ("gte", "gt", "lte", "lt", "eq", "neq")
MONOTONE = ("gte", "gt")
GAPS = (0, 0, 1, 7, 20, 60, SPAN // 4, SPAN // 2, SPAN - 1, SPAN, 2 * SPAN)
THOROUGH = settings(max_examples=1000, deadline=None)
LONG = settings(max_examples=400, deadline=None)


@dataclass(frozen=True)
class Rule:
    kind: str
    op: str
    bound: float
    steps: tuple[int, ...]
    lateness: int
    cooldown: int
    words: Any = None
    percentile: int = 50
    independent: int = 1

    def correlation(self) -> Correlation:
        threshold = Threshold(self.op, self.bound)
        asked = self.independent if self.independent > 1 else 0
        terms = Terms(SPAN, self.lateness, self.cooldown, asked)
        if self.kind in NUMERIC:
            calculation = {
                "value_sum": total,
                "value_avg": average,
                "value_percentile": percentile(self.percentile),
            }[self.kind]
            return Numeric(calculation, threshold, terms)
        if self.words is not None:
            parsed = SigmaExtendedCorrelationCondition(text(self.words)).parsed
            bits = {f"r{rule}": 1 << rule for rule in range(3)}
            if self.kind == "temporal_ordered":
                return TemporalOrdered(orders(parsed, bits), terms)
            return Temporal(compile_words(parsed, bits).met, 3, terms)
        if self.kind == "event_count":
            return EventCount(threshold, terms)
        if self.kind == "value_count":
            return ValueCount(threshold, terms)
        if self.kind == "temporal":
            met = lambda present: threshold(present.bit_count())  # noqa: E731
            return Temporal(met, 3, terms)
        return TemporalOrdered([Order(self.steps)], terms)

    def reference(self) -> Reference:
        return Reference(
            self.kind,
            SPAN,
            self.lateness,
            self.cooldown,
            self.op,
            self.bound,
            self.steps,
            self.words,
            self.percentile,
            self.independent,
        )


@st.composite
def rules(draw: st.DrawFn, kinds: tuple[str, ...] = (), ops: tuple[str, ...] = OPS) -> Rule:
    kind = draw(st.sampled_from(kinds or KINDS))
    bound = draw(st.sampled_from((1, 2, 3, 4, 1.5, 2.5)))
    steps = tuple(draw(st.lists(st.sampled_from((1, 2, 4)), min_size=2, max_size=4)))
    lateness = draw(st.sampled_from((0, SPAN // 3, SPAN, 3 * SPAN)))
    cooldown = draw(st.sampled_from((SPAN // 4, SPAN, 5 * SPAN)))
    words = draw(conditions()) if kind.startswith("temporal") and draw(st.booleans()) else None
    share = draw(st.sampled_from((1, 25, 50, 90, 99, 100)))
    independent = draw(st.sampled_from((1, 1, 2, 3)))
    op = draw(st.sampled_from(ops))
    return Rule(kind, op, bound, steps, lateness, cooldown, words, share, independent)


def conditions() -> st.SearchStrategy[Any]:
    """Conditions in words over three rules that need at least one of them to match."""
    leaf = st.integers(0, 2)
    tree = st.recursive(
        leaf,
        lambda part: st.one_of(
            st.tuples(st.just("and"), part, part),
            st.tuples(st.just("or"), part, part),
            st.tuples(st.just("not"), part),
        ),
        max_leaves=4,
    )
    return tree.filter(possible)


def possible(words: Any) -> bool:
    """Whether every way to satisfy it needs a rule, and one excludes nothing of its own."""
    found = [(order, w) for order, w in ways(words) if not w.intersection(order)]
    return bool(found) and all(order for order, _ in found) and not says(words, set())


def text(words: Any) -> str:
    if isinstance(words, int):
        return f"r{words}"
    word, *parts = words
    if word == "not":
        return f"not {text(parts[0])}"
    return f"({f' {word} '.join(map(text, parts))})"


def values(rule: Rule) -> list[Any]:
    if rule.kind == "value_count":
        return [None, "a", "b", "c", "d", "e"]
    if rule.kind in NUMERIC:
        return [None, 0.1, 0.2, 0.7, 1.0, 1.5, -0.5]
    ordered = rule.kind == "temporal_ordered" and rule.words is None
    bits = sorted(set(rule.steps)) if ordered else [1, 2, 4]
    sets = itertools.chain.from_iterable(
        itertools.combinations(bits, size) for size in range(1, len(bits) + 1)
    )
    return [sum(chosen) for chosen in sets]


@st.composite
def streams(draw: st.DrawFn, rule: Rule, delay: int) -> list[tuple[int, str, Any]]:
    """A few (at, id, value) in order of arrival; a record arrives up to `delay` ms late."""
    one = st.tuples(
        st.sampled_from(GAPS),
        st.sampled_from(values(rule)),
        st.integers(0, delay),
    )
    return arrivals(draw(st.lists(one, min_size=1, max_size=16)))


@st.composite
def floods(draw: st.DrawFn, rule: Rule, delay: int) -> list[tuple[int, str, Any]]:
    """More than a window may hold, from a seed: so long a list is beyond shrinking anyway.

    One value is rare and late, so that it meets a window that was compacted without it.
    """
    source = random.Random(draw(st.integers(0, 2**32)))
    gaps = source.choice((GAPS[:5], GAPS[:7], GAPS))
    every = values(rule)
    # Often just as many values as it takes, so that nothing holds until the rare one comes.
    few = min(math.ceil(rule.bound), len(every))
    some = source.sample(every, k=source.choice((few, few, source.randint(1, len(every)))))
    rare = some[0]
    steps = []
    for _ in range(source.randint(60, 120)):
        late = source.randint(0, delay)
        value = source.choice(some[1:] or some)
        if source.random() < 0.05:
            late, value = delay, rare
        steps.append((source.choice(gaps), value, late))
    return arrivals(steps)


def arrivals(steps: list[tuple[int, Any, int]]) -> list[tuple[int, str, Any]]:
    at, found = 100_000, []
    for number, (gap, value, late) in enumerate(steps):
        at += gap
        found.append((at + late, at, f"s{number}", value))
    return [(at, name, value) for _, at, name, value in sorted(found, key=lambda one: one[0])]


def play(rule: Rule, stream: list[tuple[int, str, Any]]) -> list[tuple[int, bool, list[str]]]:
    correlation, window, newest, found = rule.correlation(), Window(), 0, []
    for at, name, value in stream:
        newest = max(newest, at)
        if newest - at > rule.lateness:
            continue
        found += correlation.add(window, Entry(at, name, value, source(name)), newest)
        assert len(window.ats) <= correlation.limit
        assert len(window.ats) == len(window.ids)
    return [(firing.at, firing.opens, list(firing.evidence)) for firing in found]


def expected(rule: Rule, stream: list[tuple[int, str, Any]]) -> list[tuple[int, bool, list[str]]]:
    reference, newest, found = rule.reference(), 0, []
    for at, name, value in stream:
        newest = max(newest, at)
        found += reference.add(at, name, value, newest, source(name))
    return found


def source(name: str) -> int:
    """A class of source for a record, one or none."""
    return (0, 1, 2, 2, 4, 4, 4)[int(name[1:]) % 7]


def moments(found: list[tuple[int, bool, list[str]]]) -> list[tuple[int, bool]]:
    return [(at, opens) for at, opens, _ in found]


@LONG
@given(st.data())
def test_in_event_time_order_every_detection_is_identical_however_much_traffic(data):
    rule = data.draw(rules())
    stream = data.draw(floods(rule, delay=0))
    if rule.words is not None or rule.independent > 1:  # what is listed as evidence differs
        assert moments(play(rule, stream)) == moments(expected(rule, stream))
    else:
        assert play(rule, stream) == expected(rule, stream)


@THOROUGH
@given(st.data())
def test_late_and_too_late_records_fire_the_same_at_the_same_times(data):
    rule = data.draw(rules())
    stream = data.draw(streams(rule, delay=rule.lateness * 2))
    assert moments(play(rule, stream)) == moments(expected(rule, stream))


@LONG
@given(st.data())
def test_a_count_stays_exact_when_late_records_meet_a_window_that_was_compacted(data):
    rule = data.draw(rules(kinds=("event_count",)))
    stream = data.draw(floods(rule, delay=rule.lateness))
    assert moments(play(rule, stream)) == moments(expected(rule, stream))


@LONG
@given(st.data())
def test_values_and_rules_fire_at_the_same_first_time_though_late_records_meet_a_compacted_window(
    data,
):
    rule = data.draw(rules(kinds=("value_count", "temporal"), ops=MONOTONE))
    stream = data.draw(floods(rule, delay=rule.lateness))
    found, wanted = moments(play(rule, stream)), moments(expected(rule, stream))
    assert min(found, default=None) == min(wanted, default=None)


@THOROUGH
@given(st.data())
def test_shuffled_within_the_lateness_every_episode_is_found_with_its_first_time(data):
    kinds = ("event_count", "value_count", "temporal", "temporal_ordered")
    rule = data.draw(rules(kinds=kinds, ops=MONOTONE))
    assume("not" not in str(rule.words))  # what more records can undo depends on their order
    stream = data.draw(streams(rule, delay=rule.lateness))
    shuffled = {at for at, _ in moments(play(rule, stream))}
    in_order = {at for at, _ in moments(play(rule, sorted(stream, key=lambda one: one[0])))}
    assert in_order <= shuffled
    assert min(in_order, default=None) == min(shuffled, default=None)
