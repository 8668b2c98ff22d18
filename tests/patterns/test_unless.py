"""`unless` through the agent: held back, told at the deadline, dropped, taken back."""

from __future__ import annotations

import pytest

from streams.patterns import run_tests
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    Play,
    correlation,
    hit,
    load,
    play_inline,
    refused,
    review,
)

REVIEWED = """
title: Reviewed
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a04
name: reviewed
status: stable
logsource: {product: vigil, service: reviews}
detection:
  any: {stage|exists: true}
  condition: any
"""
UNSEEN = HIT.replace("name: hit\n", "") + (
    "vigil:\n  harm: csam\n  action: warn\n  unless: {rules: [reviewed], within: 2h}\n"
    "  lateness: 6h\n  cooldown: 6h\n"
)
THREE = (
    "type: event_count\nrules: [refused]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 3}"
)


@pytest.fixture
def unseen(tmp_path):
    return load(tmp_path, UNSEEN + "---" + REVIEWED)


def test_what_nobody_reviews_in_time_is_told_with_its_deadline(unseen):
    play = Play(unseen).feed(hit(0, id="h1", content_ref="c1")).until(2 * HOUR)
    assert play.detections == []
    play.until(2 * HOUR + 1)
    (found,) = play.detections
    assert play.moments() == [2 * HOUR]
    assert found["evidence"] == ["h1"]
    assert found["content_ref"] == "c1"
    assert found["values"] == {"waited_s": 7200}
    assert [one["action"] for one in play.enforcement] == ["warn"]


def test_a_review_in_time_prevents_it_and_traffic_of_others_lets_time_pass(unseen):
    play = Play(unseen).feed(hit(0), review(HOUR), refused(5 * HOUR, account="a2"))
    assert play.detections == []
    play.feed(hit(6 * HOUR), refused(8 * HOUR, account="a2"))
    assert play.detections == [], "the deadline itself is still in time"
    play.feed(refused(8 * HOUR + 1, account="a2"))
    assert play.moments() == [8 * HOUR]


def test_a_review_of_another_account_prevents_nothing(unseen):
    play = Play(unseen).feed(hit(0), review(HOUR, account="a2")).until(DAY)
    assert play.moments() == [2 * HOUR]


def test_a_late_review_takes_back_the_detection_and_what_was_done(unseen):
    play = Play(unseen).feed(hit(0)).until(3 * HOUR)
    play.feed(refused(3 * HOUR), review(HOUR))
    told, taken_back = play.detections
    assert taken_back["retracts"] == told["id"] != taken_back["id"]
    assert taken_back["at"] == told["at"]
    warned, undone = play.enforcement
    assert (undone["action"], undone["undoes"]) == ("undo", warned["id"])
    play.feed(hit(4 * HOUR)).until(DAY)
    assert play.moments()[2:] == [6 * HOUR], "what was taken back is no episode"


def test_a_review_later_than_the_lateness_changes_nothing(unseen):
    play = Play(unseen).feed(hit(0)).until(3 * HOUR)
    play.feed(refused(8 * HOUR), review(HOUR))
    assert len(play.detections) == 1


def test_a_review_that_came_before_a_late_hit_prevents_it(unseen):
    play = Play(unseen).feed(review(HOUR), hit(0)).until(DAY)
    assert play.detections == []


def test_the_same_signals_again_change_nothing(unseen):
    first, second = hit(0, id="h1"), review(HOUR, id="r1")
    play = Play(unseen).feed(first, first).until(3 * HOUR).feed(first).until(DAY)
    assert len(play.detections) == 1
    play = Play(unseen).feed(first, second, first, second).until(DAY)
    assert play.detections == []


def test_a_window_and_a_group_wait_each_for_themselves(tmp_path):
    body = THREE.replace("[account]", "[account, device]")
    stop = HIT.replace("name: hit", "name: seen")
    text = correlation(body, vigil="unless: {rules: [seen], within: 2h}") + "---" + stop
    play = Play(load(tmp_path, text))
    for minute in range(3):
        play.feed(*(refused(minute * MINUTE, device=device) for device in ("d1", "d2")))
    play.feed(hit(HOUR, device="d1")).until(DAY)
    assert [found["values"]["device"] for found in play.detections] == ["d2"]
    assert play.detections[0]["values"]["event_count"] == 3
    assert play.moments() == [2 * HOUR + 2 * MINUTE]


def test_a_stop_must_have_the_field_that_groups(tmp_path):
    body = THREE.replace("[account]", "[account, session]")
    text = correlation(body, vigil="unless: {rules: [hit], within: 2h}") + "---" + HIT
    with pytest.raises(Exception, match="no field 'session' to tell whose wait it ends"):
        load(tmp_path, text)


def test_a_wait_survives_a_restart_of_the_state(unseen):
    play = Play(unseen).feed(hit(0))
    store = play.store
    store.savepoint()
    again = Play(unseen)
    for full, data in store.items():
        again.store.restore(full, data)
    again.until(DAY)
    assert again.moments() == [2 * HOUR]


def test_a_wait_of_a_pattern_that_is_gone_is_dropped(tmp_path, unseen):
    play = Play(unseen).feed(hit(0))
    play.agent.handler.use(load(tmp_path, REFUSED))
    play.until(DAY)
    assert play.detections == []
    assert all(not full.startswith(b"U") for full, _ in play.store.items())


def test_inline_tests_let_time_pass_after_their_signals(tmp_path):
    tests = """  tests:
    - name: nobody looks
      signals:
        - {at: 0s, category: csam, source: classifier, verdict: suspected}
      fires: 2h
    - name: somebody looked in time, and it is told later
      signals:
        - {at: 0s, category: csam, source: classifier, verdict: suspected}
        - {at: 1h, late: 3h, decision: d1, stage: first, outcome: upheld, reviewer: r1}
      fires: never
"""
    results = run_tests(load(tmp_path, UNSEEN + tests + "---" + REVIEWED), play_inline)
    assert [one.passed for one in results] == [True, True], list(map(str, results))
