"""The points Sigma leaves open, as docs/patterns.md settles them: time and order, and the faults
other engines have there."""

from __future__ import annotations

import pytest

from tests.patterns.driving import (
    DAY,
    MINUTE,
    REFUSED,
    Play,
    activity,
    correlation,
    fires,
    hit,
    load,
    refused,
)

COUNT_3_IN_10M = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 3}
"""


@pytest.fixture
def three(tmp_path):
    return load(tmp_path, correlation(COUNT_3_IN_10M))


def generated(at, **fields):
    return activity("image.generated", at, **fields)


# 1 — and the faults: tumbling windows, times cut to seconds


def test_a_window_slides_and_does_not_start_anew_at_round_times(three):
    assert fires(three, refused(8 * MINUTE), refused(12 * MINUTE), refused(17 * MINUTE)) == [
        17 * MINUTE
    ]


def test_a_record_exactly_one_timespan_old_is_outside(three):
    assert fires(three, refused(0), refused(1), refused(10 * MINUTE)) == []


def test_a_record_one_millisecond_younger_than_the_timespan_is_inside(three):
    assert fires(three, refused(1), refused(2), refused(10 * MINUTE)) == [10 * MINUTE]


def test_times_are_exact_to_the_millisecond(tmp_path):
    body = COUNT_3_IN_10M.replace("10m", "1s")
    ruleset = load(tmp_path, correlation(body, vigil="lateness: 1s"))
    assert fires(ruleset, refused(0), refused(400), refused(1000)) == []
    assert fires(ruleset, refused(1), refused(400), refused(1000)) == [1000]


# 2 — lateness, and the fault: late records that count newer ones


def test_a_late_record_does_not_count_records_newer_than_itself(three):
    assert fires(three, refused(5 * MINUTE), refused(14 * MINUTE), refused(4 * MINUTE)) == []


def test_a_late_record_that_completes_an_older_window_fires_it_at_that_windows_newest_record(three):
    play = Play(three).feed(refused(0), refused(4 * MINUTE), refused(8 * MINUTE, "other"))
    play.feed(refused(2 * MINUTE))
    assert play.moments() == [4 * MINUTE]
    window = play.detections[0]["window"]
    assert window["end"] == play.detections[0]["at"]


def test_a_record_later_than_the_lateness_enters_no_window(three):
    recent = refused(20 * MINUTE), refused(20 * MINUTE + 1)
    assert fires(three, *recent, refused(20 * MINUTE - 10 * MINUTE)) == []
    within = refused(10 * MINUTE + 2), refused(10 * MINUTE + 3), refused(20 * MINUTE + 1)
    assert fires(three, within[0], within[2], within[1]) == [20 * MINUTE + 1]


def test_only_signals_of_the_same_account_make_a_record_late(three):
    fast_clock = refused(2 * DAY, "other")
    assert fires(three, fast_clock, refused(1), refused(2), refused(3)) == [3]


def test_any_signal_of_the_account_makes_a_record_late(three):
    assert fires(three, refused(1), refused(2), hit(12 * MINUTE), refused(3)) == []


def test_the_default_lateness_is_the_timespan_but_at_least_six_minutes(tmp_path):
    body = COUNT_3_IN_10M.replace("10m", "10s")
    ruleset = load(tmp_path, correlation(body))
    late = [refused(1), refused(6 * MINUTE), refused(2), refused(3)]
    assert fires(ruleset, *late) == [3]
    too_late = [refused(1), refused(6 * MINUTE + 10), refused(2), refused(3)]
    assert fires(ruleset, *too_late) == []


def test_a_rule_without_a_window_fires_however_late(tmp_path):
    ruleset = load(tmp_path, REFUSED)
    assert fires(ruleset, activity("prompt.submitted", 300 * DAY), refused(0)) == [0]


# The fault: order judged by arrival


def test_order_is_judged_by_event_time_and_not_by_arrival(tmp_path):
    ruleset = load(
        tmp_path,
        correlation("""
type: temporal_ordered
rules: [refused, generated]
group-by: [account]
timespan: 10m
"""),
    )
    assert fires(ruleset, generated(2 * MINUTE), refused(1 * MINUTE)) == [2 * MINUTE]
    assert fires(ruleset, refused(2 * MINUTE), generated(1 * MINUTE)) == []


# 3


@pytest.mark.parametrize(
    ("condition", "moments"),
    [
        ("gte: 2", [1]),
        ("gt: 2", [2]),
        ("lt: 2", [0]),
        ("lte: 2", [0]),
        ("eq: 3", [2]),
        ("neq: 1", [1]),
        ("gte: 2.5", [2]),
    ],
)
def test_every_operator_is_judged_at_a_record(tmp_path, condition, moments):
    body = COUNT_3_IN_10M.replace("gte: 3", condition)
    ruleset = load(tmp_path, correlation(body))
    found = fires(ruleset, *(refused(minute * MINUTE) for minute in range(4)))
    assert found == [moment * MINUTE for moment in moments]


def test_a_small_count_never_fires_on_an_empty_window(tmp_path):
    ruleset = load(tmp_path, correlation(COUNT_3_IN_10M.replace("gte: 3", "lt: 2")))
    assert fires(ruleset, activity("prompt.submitted", 0), generated(DAY)) == []


# 5


def test_an_ordered_sequence_needs_strictly_increasing_times(tmp_path):
    ruleset = load(
        tmp_path,
        correlation("""
type: temporal_ordered
rules: [refused, generated]
group-by: account
timespan: 10m
"""),
    )
    assert fires(ruleset, refused(MINUTE), generated(MINUTE)) == []
    assert fires(ruleset, refused(MINUTE), generated(MINUTE + 1)) == [MINUTE + 1]


def test_one_record_serves_one_step_also_when_the_same_rule_stands_twice(tmp_path):
    ruleset = load(
        tmp_path,
        correlation("""
type: temporal_ordered
rules: [refused, refused]
group-by: account
timespan: 10m
"""),
    )
    assert fires(ruleset, refused(0)) == []
    assert fires(ruleset, refused(0), refused(1)) == [1]


# 6

WORDY = """
title: Any activity of a model
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a04
name: wordy
logsource: {product: vigil, service: activity}
detection:
  it: {model|exists: true}
  condition: it
"""


def test_a_record_that_matches_two_rules_counts_once(tmp_path):
    body = COUNT_3_IN_10M.replace("[refused]", "[refused, wordy]")
    ruleset = load(tmp_path, correlation(body, rules=(REFUSED, WORDY)))
    both = [refused(number, model="m1") for number in range(3)]
    assert fires(ruleset, *both[:2]) == []
    assert fires(ruleset, *both) == [2]


def test_a_record_that_matches_two_rules_serves_both_in_a_temporal(tmp_path):
    body = "type: temporal\nrules: [refused, wordy]\ngroup-by: account\ntimespan: 10m"
    ruleset = load(tmp_path, correlation(body, rules=(REFUSED, WORDY)))
    play = Play(ruleset).feed(refused(0, model="m1", id="both"))
    assert play.moments() == [0]
    assert play.detections[0]["evidence"] == ["both"]
    assert play.detections[0]["values"] == {"rules": 2, "threshold": 2}
