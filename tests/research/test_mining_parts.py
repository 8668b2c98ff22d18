"""The parts of the miner against slow and obvious versions of themselves, and against the agent."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from math import comb, exp, isclose, log

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.accounts import accounts_agent
from streams.engine.inline import play
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleFile, check_files, load_files, run_tests
from streams.research.candidates import TIMESPANS, Candidate, densest, shortest
from streams.research.chance import fisher, holm
from streams.research.items import Item
from streams.research.sample import Bounds, Labels, Sample
from streams.research.writing import rule_file
from streams.signals import Schema

START = 1_767_571_200_000
REFUSED = Item("activity", (("kind", "prompt.refused"),))
ON_INPUT = Item("activity", (("kind", "prompt.refused"), ("surface", "input")))
SHARED = Item("activity", (("kind", "content.shared"),))
HIT = Item("moderation-hits", (("category", "csam"),))
SEEN = Item(
    "moderation-hits", (("category", "csam"), ("source", "classifier"), ("surface", "output"))
)
ITEMS = (REFUSED, ON_INPUT, SHARED, HIT, SEEN)

counts = st.builds(
    Candidate,
    st.tuples(st.sampled_from(ITEMS)),
    st.sampled_from(TIMESPANS),
    st.integers(2, 20),
)
sequences = st.builds(
    Candidate,
    st.lists(st.sampled_from(ITEMS), min_size=2, max_size=4).map(tuple),
    st.sampled_from(TIMESPANS),
)
minutes = st.lists(st.integers(0, 300), max_size=12, unique=True).map(sorted)


@given(counts | sequences)
@settings(max_examples=60, deadline=None)
def test_any_candidate_is_a_rule_without_mistakes_whose_tests_pass(candidate):
    ruleset, findings = check_files(
        [RuleFile("a.yml", "a.yml", rule_file(candidate, ""))], Schema()
    )
    assert findings == []
    results = run_tests(ruleset, play)
    assert len(results) == 5
    assert [result for result in results if not result.passed] == []


@given(minutes, st.integers(1, 120))
def test_the_densest_window_is_what_trying_them_all_gives(moments, timespan):
    tried = [sum(start <= one < start + timespan for one in moments) for start in moments]
    assert densest(moments, timespan) == max(tried, default=0)


@given(minutes, minutes, st.lists(st.sampled_from([REFUSED, HIT]), min_size=2, max_size=3))
def test_the_shortest_way_through_is_what_trying_them_all_gives(some, others, items):
    done = {item: at for item, at in ((REFUSED, some), (HIT, others)) if at}
    signals = sorted((at, item) for item, ats in done.items() for at in ats)
    spans = [
        chosen[-1][0] - chosen[0][0]
        for chosen in combinations(signals, len(items))
        if [item for _, item in chosen] == items
        and all(one[0] < other[0] for one, other in pairwise(chosen))
    ]
    assert shortest(done, items) == min(spans, default=None)


@given(
    minutes,
    minutes,
    st.sampled_from(
        [
            Candidate((REFUSED,), 30 * 60_000, 3),
            Candidate((REFUSED, HIT), 30 * 60_000),
            Candidate((REFUSED, REFUSED, HIT), 2 * 3_600_000),
        ]
    ),
)
@settings(max_examples=60, deadline=None)
def test_a_candidate_holds_where_its_rule_fires(refused, hits, candidate):
    signals = sorted(
        [
            *((at, "activity", {"kind": "prompt.refused"}) for at in refused),
            *(
                (
                    at,
                    "moderation-hits",
                    {"source": "classifier", "category": "csam", "verdict": "suspected"},
                )
                for at in hits
            ),
        ],
        key=lambda one: one[:2],
    )
    records = [
        (
            topic,
            b"a1",
            json.dumps(
                {"id": f"s{number}", "account": "a1", "at": START + at * 60_000, **fields}
            ).encode(),
            START + at * 60_000,
        )
        for number, (at, topic, fields) in enumerate(signals)
    ]
    schema = Schema()
    ruleset = load_files([RuleFile("a.yml", "a.yml", rule_file(candidate, ""))], schema)
    driver = MemoryDriver([accounts_agent(ruleset, schema)])
    fired = any(output.topic == "detections" for output in driver.feed(records))
    done = {
        item: [START + at * 60_000 for at in ats]
        for item, ats in ((REFUSED, refused), (HIT, hits))
        if ats
    }
    assert fired == candidate.holds(done)


@given(st.data())
def test_fishers_p_is_that_of_counting(data):
    total = data.draw(st.integers(1, 60))
    upheld, fired = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    hits = data.draw(st.integers(max(0, upheld + fired - total), min(upheld, fired)))
    ways = sum(
        comb(upheld, k) * comb(total - upheld, fired - k)
        for k in range(hits, min(upheld, fired) + 1)
    )
    assert isclose(exp(fisher(hits, fired, upheld, total)), ways / comb(total, fired), rel_tol=1e-9)


def test_holm_asks_the_least_p_most():
    ps = [log(p) for p in (0.004, 0.0001, 0.02)]
    assert holm(ps, 0.01) == [True, True, False]
    assert holm(ps, 0.001) == [False, True, False]
    assert holm([], 0.01) == []


def test_too_many_accounts_are_drawn_by_their_hash_in_whatever_order_they_come():
    accounts = [f"a{number}" for number in range(1000)]
    drawn = []
    for order in (accounts, accounts[::-1]):
        sample = Sample(Labels({"a7": START}), Bounds(rest=50))
        for account in order:
            if sample.wants(account):
                sample.note(account, REFUSED, START)
        sample.close()
        drawn.append((set(sample.done), sample.held_out, sample.share))
    assert drawn[0] == drawn[1]
    kept, held, share = drawn[0]
    assert len(kept | held) in (50, 51)
    assert "a7" in kept | held
    assert 0.03 < share < 0.08


def test_memory_is_bounded_by_dropping_accounts_and_the_upheld_stay():
    labels = Labels({f"u{number}": START + 10**9 for number in range(10)})
    sample = Sample(labels, Bounds(moments=500))
    for number in range(400):
        for account in (f"a{number}", f"u{number % 10}"):
            if sample.wants(account):
                sample.note(account, REFUSED, START + number)
                if sample.wants(account):
                    sample.note(account, SHARED, START + number)
    sample.close()
    held = sum(len(moments) for done in sample.done.values() for moments in done.values())
    assert held <= 500
    assert sample.share < 1
    assert all(f"u{number}" in sample.done.keys() | sample.held_out for number in range(10))
