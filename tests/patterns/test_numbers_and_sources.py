"""Sums and their like, independent sources, and for how many accounts a pattern is live."""

from __future__ import annotations

import pytest

from streams.patterns.numeric import MOST_RECORDS
from tests.patterns.driving import (
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    SECOND,
    Play,
    correlation,
    hit,
    load,
    refused,
    review,
)

SUM = "type: value_sum\nrules: [hit]\ngroup-by: [account]\ntimespan: 1h\ncondition: {field: score, %s}"
VIGIL = "harm: csam\naction: restrict"


def scored(*scores, **fields):
    return [hit(n * MINUTE, score=score, **fields) for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("kind", "condition", "scores", "measured"),
    [
        ("value_sum", "gte: 1.0", (0.5, 0.25, 0.25), 1.0),
        ("value_sum", "gt: 1.0", (0.5, 0.25, 0.25, 0.125), 1.125),
        ("value_avg", "gte: 0.5", (0.25, 0.75), 0.5),
        ("value_avg", "lt: 0.25", (0.5, 0.0, 0.0, 0.0), 0.5 / 3),
        ("value_median", "gte: 0.6", (0.1, 0.9, 0.3, 0.9), 0.6),
        ("value_percentile", "gte: 0.6", (0.1, 0.9, 0.3, 0.9), 0.6),
        ("value_percentile", "percentile: 75, gte: 0.6", (0.1, 0.9), 0.1 + 0.8 * 0.75),
        ("value_percentile", "percentile: 0, gt: 0.2", (0.3,), 0.3),
        ("value_percentile", "percentile: 100, gte: 0.9", (0.1, 0.9), 0.9),
    ],
)
def test_a_quantity_is_calculated_over_the_window(tmp_path, kind, condition, scores, measured):
    text = correlation(SUM.replace("value_sum", kind) % condition)
    play = Play(load(tmp_path, text)).feed(*scored(*scores))
    found = play.detections[0]
    assert found["values"][kind] == pytest.approx(measured)
    assert "capped" not in found["values"]
    assert found["values"]["threshold"] == float(condition.split()[-1])


def test_a_record_without_a_value_adds_none_and_alone_satisfies_nothing(tmp_path):
    text = correlation(SUM % "lt: 0.5")
    play = Play(load(tmp_path, text)).feed(*scored(None, None))
    assert play.detections == []
    play.feed(hit(HOUR, score=0.4, id="h1"))
    assert play.detections[0]["evidence"] == ["h1"]


def test_a_sum_does_not_depend_on_the_order_its_records_arrive_in(tmp_path):
    rules = load(tmp_path, correlation(SUM % "gte: 0.6"))
    scores = (0.1, 0.2, 0.3)  # 0.1 + 0.2 + 0.3 > 0.6 in floating point, 0.3 + 0.2 + 0.1 is not
    for order in ((0, 1, 2), (2, 1, 0)):
        signals = scored(*scores)
        play = Play(rules).feed(*(signals[n] for n in order))
        assert play.moments() == [2 * MINUTE]


def test_beyond_so_many_records_a_calculation_says_that_it_is_capped_and_at_most_warns(tmp_path):
    rules = load(tmp_path, correlation(SUM % "gte: 100.0", vigil=VIGIL))
    few = [hit(n * SECOND, score=0.1) for n in range(999)]
    play = Play(rules).feed(*few, hit(1000 * SECOND, score=1.0))
    (found,) = play.detections
    assert "capped" not in found["values"]
    assert play.enforcement[0]["action"] == "restrict"
    many = [hit(n * SECOND, score=0.01) for n in range(2000)]
    play = Play(rules).feed(*many, *(hit((2000 + n) * SECOND, score=1.0) for n in range(100)))
    (found,) = play.detections
    assert found["values"]["capped"] is True
    assert len(found["evidence"]) <= MOST_RECORDS + 1  # those kept, and the one that comes
    assert play.enforcement[0]["action"] == "warn"


def test_a_window_that_leaves_the_dropped_records_behind_is_exact_again(tmp_path):
    rules = load(tmp_path, correlation(SUM % "gte: 5.0", vigil="lateness: 6m\ncooldown: 1h"))
    play = Play(rules).feed(*(hit(n * SECOND, score=0.001) for n in range(1100)))
    assert play.detections == []
    play.feed(*(hit(2 * HOUR + n * SECOND, score=1.0) for n in range(5)))
    assert play.detections[0]["values"] == {"value_sum": 5.0, "threshold": 5}


COUNT = (
    "type: event_count\nrules: [hit, seen]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 3}"
)
SEEN = """
title: Reviewed
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a04
name: seen
status: stable
logsource: {product: vigil, service: reviews}
detection:
  any: {stage|exists: true}
  condition: any
"""


def independent(tmp_path, number):
    text = correlation(COUNT, vigil=f"evidence: {number}", rules=[HIT, SEEN])
    return load(tmp_path, text)


def test_many_hits_of_one_source_are_one_opinion(tmp_path):
    play = Play(independent(tmp_path, 2)).feed(*scored(*[0.9] * 10))
    assert play.detections == []
    play.feed(hit(20 * MINUTE, source="user_report", reporter="a9", id="r1"))
    (found,) = play.detections
    assert "r1" in found["evidence"]
    assert len(found["evidence"]) == 3


def test_the_record_that_speaks_for_another_source_is_listed_however_old(tmp_path):
    play = Play(independent(tmp_path, 2))
    play.feed(hit(0, source="hash_match", id="old"))
    play.feed(*(hit(n * MINUTE, id=f"c{n}") for n in range(1, 4)))
    assert play.detections[0]["evidence"] == ["old", "c1", "c2"]
    play = Play(independent(tmp_path, 3))
    play.feed(hit(0, source="hash_match", id="old"))
    play.feed(*(hit(n * SECOND, id=f"c{n}") for n in range(1, 900)))
    play.feed(hit(HOUR - 1, source="human", id="new"))
    assert play.detections[0]["evidence"] == ["old", "c898", "c899", "new"]


def test_reports_without_a_reporter_and_what_the_account_did_add_no_source(tmp_path):
    body = COUNT.replace("[hit, seen]", "[hit, refused]")
    rules = load(tmp_path, correlation(body, vigil="evidence: 2", rules=[HIT, REFUSED]))
    play = Play(rules).feed(*scored(0.9, 0.9, 0.9), refused(5 * MINUTE))
    play.feed(hit(6 * MINUTE, source="user_report"))
    assert play.detections == []
    play.feed(hit(7 * MINUTE, source="user_report", reporter="a9"))
    assert len(play.detections) == 1


def test_a_review_is_the_word_of_a_person(tmp_path):
    play = Play(independent(tmp_path, 2)).feed(*scored(0.9, 0.9), review(3 * MINUTE))
    assert len(play.detections) == 1
    play = Play(independent(tmp_path, 2)).feed(
        hit(0, source="human"), hit(1, source="human"), review(3 * MINUTE)
    )
    assert play.detections == []


def test_sources_count_across_a_chain(tmp_path):
    inner = correlation("type: event_count\nrules: [hit]\ngroup-by: [account]\ntimespan: 1h\n"
                        "condition: {gte: 2}").replace("status: stable", "name: twice", 1)  # fmt: skip
    outer = correlation(
        "type: event_count\nrules: [twice]\ngroup-by: [account]\ntimespan: 1d\ncondition: {gte: 2}",
        vigil="evidence: 2",
        rules=(),
    ).replace("7aff", "7afe")
    rules = load(tmp_path, outer + "---\n" + inner)
    play = Play(rules).feed(*scored(0.9, 0.9, 0.9, 0.9))
    assert play.detections == []
    play.feed(hit(5 * HOUR, source="human"), hit(5 * HOUR + 1))
    assert len(play.detections) == 1


def live_accounts(tmp_path, percent, accounts):
    text = HIT + f"vigil: {{harm: csam, action: warn, rollout: {percent}}}\n"
    play = Play(load(tmp_path, text)).feed(*(hit(0, account=name) for name in accounts))
    live = {found["account"] for found in play.detections if found["mode"] == "live"}
    assert {one["account"] for one in play.enforcement} == live
    assert len(play.detections) == len(accounts), "for the others it detects in shadow"
    return live


def test_a_rollout_is_live_for_so_many_accounts_and_growing_it_loses_none(tmp_path):
    accounts = [f"a{n}" for n in range(1000)]
    shares = [live_accounts(tmp_path, percent, accounts) for percent in (0, 10, 50, 100)]
    assert [len(live) for live in (shares[0], shares[3])] == [0, 1000]
    assert 70 <= len(shares[1]) <= 130
    assert 440 <= len(shares[2]) <= 560
    assert shares[1] < shares[2]


def test_a_rollout_and_a_status_are_no_part_of_the_version(tmp_path):
    text = HIT + "vigil: {harm: csam, action: warn, rollout: 10}\n"
    variants = (text, text.replace("10", "20"), text.replace("stable", "test"))
    versions = {load(tmp_path, variant).patterns[0].version for variant in variants}
    assert len(versions) == 1
