"""The points Sigma leaves open: groups and values, what is silent, episodes, status."""

from __future__ import annotations

import pytest

from streams.agents.windows_state import WINDOW
from streams.signals import Schema
from tests.patterns.driving import (
    GENERATED,
    HOUR,
    MINUTE,
    REFUSED,
    SECOND,
    Play,
    activity,
    correlation,
    fires,
    hit,
    load,
    refused,
    review,
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


# 7 — and the fault: missing fields forming a group of their own


def test_a_record_without_the_group_field_belongs_to_no_group(tmp_path):
    body = COUNT_3_IN_10M.replace("[account]", "[account, device]")
    ruleset = load(tmp_path, correlation(body))
    assert fires(ruleset, *(refused(number) for number in range(9))) == []
    assert fires(ruleset, *(refused(number, device="d1") for number in range(3))) == [2]


def test_groups_of_one_account_do_not_mix(tmp_path):
    body = COUNT_3_IN_10M.replace("[account]", "[account, device]")
    play = Play(load(tmp_path, correlation(body)))
    play.feed(*(refused(number, device=f"d{number % 2}") for number in range(5)))
    assert play.moments() == [4]
    assert play.detections[0]["values"] == {"event_count": 3, "threshold": 3, "device": "d0"}


def test_numbers_and_truths_group_exactly(tmp_path):
    (tmp_path / "schema.toml").write_text(
        '[activity.attributes]\namount = {type = "number"}\nverified = {type = "bool"}\n'
    )
    schema = Schema.load(tmp_path / "schema.toml")
    body = COUNT_3_IN_10M.replace("[account]", "[account, amount]").replace("gte: 3", "gte: 2")
    (tmp_path / "rules").mkdir()
    amounts = (1234567, 1234568, 1234567.0, 0.1, 0.25)
    play = Play(load(tmp_path / "rules", correlation(body), schema))
    play.feed(*(refused(number, amount=amount) for number, amount in enumerate(amounts)))
    assert [detection["values"]["amount"] for detection in play.detections] == ["1234567"]
    body = body.replace("amount", "verified")
    play = Play(load(tmp_path / "rules", correlation(body), schema))
    play.feed(*(refused(number, verified=number > 0) for number in range(3)))
    assert [detection["values"]["verified"] for detection in play.detections] == ["true"]


def test_an_alias_names_the_group_field_per_rule(tmp_path):
    body = """
type: temporal
rules: [refused, hit]
group-by: [account, what]
timespan: 10m
aliases:
  what:
    refused: content_ref
    hit: dataset_ref
"""
    ruleset = load(tmp_path, correlation(body))
    assert fires(ruleset, refused(0, content_ref="x"), hit(1, dataset_ref="x")) == [1]
    assert fires(ruleset, refused(0, content_ref="x"), hit(1, dataset_ref="y")) == []
    assert fires(ruleset, refused(0, content_ref="x"), hit(1, content_ref="x")) == []


# 8, 15

HOPPING = """
type: value_count
rules: [hit]
group-by: account
timespan: 10m
condition: {field: surface, gte: 2}
"""


def test_value_count_counts_distinct_values_and_a_missing_one_is_none(tmp_path):
    ruleset = load(tmp_path, correlation(HOPPING))
    assert fires(ruleset, hit(0, surface="input"), hit(1, surface="input"), hit(2)) == []
    assert fires(ruleset, hit(0, surface="input"), hit(1), hit(2, surface="output")) == [2]


def test_without_any_value_a_value_condition_is_false(tmp_path):
    ruleset = load(tmp_path, correlation(HOPPING.replace("gte: 2", "lt: 5")))
    assert fires(ruleset, hit(0), hit(1)) == []
    assert fires(ruleset, hit(0), hit(1, surface="input")) == [1]


def test_value_count_lists_the_newest_record_of_each_value(tmp_path):
    play = Play(load(tmp_path, correlation(HOPPING)))
    play.feed(
        hit(0, surface="input", id="h0"),
        hit(1, surface="input", id="h1"),
        hit(2, surface="output", id="h2"),
    )
    assert play.detections[0]["evidence"] == ["h1", "h2"]
    assert play.detections[0]["values"] == {"value_count": 2, "threshold": 2}


# The fault: temporal firing on any one rule


def test_a_temporal_without_a_condition_needs_all_its_rules_in_any_order(tmp_path):
    body = "type: temporal\nrules: [refused, generated, hit]\ngroup-by: account\ntimespan: 10m"
    ruleset = load(tmp_path, correlation(body))
    assert fires(ruleset, *(refused(number) for number in range(9))) == []
    assert fires(ruleset, hit(0), generated(1)) == []
    assert fires(ruleset, hit(0), refused(1), generated(2)) == [2]
    assert fires(ruleset, hit(0), refused(1), generated(10 * MINUTE)) == []


def test_a_temporal_with_a_count_needs_so_many_of_its_rules(tmp_path):
    body = (
        "type: temporal\nrules: [refused, generated, hit]\ngroup-by: account\n"
        "timespan: 10m\ncondition: {gte: 2}"
    )
    assert fires(load(tmp_path, correlation(body)), hit(0), hit(1), refused(2)) == [2]


# 11


def test_a_rule_others_refer_to_is_silent(three):
    assert [pattern.title for pattern in three.patterns] == ["Correlation"]


@pytest.mark.parametrize("where", ["in the correlation", "at its root", "in the rule itself"])
def test_generate_makes_a_referenced_rule_speak_wherever_it_stands(tmp_path, where):
    body, rule, head = COUNT_3_IN_10M, REFUSED, ""
    if where == "in the correlation":
        body += "generate: true\n"
    elif where == "at its root":
        head = "generate: true"
    else:
        rule = rule.replace("status:", "generate: true\nstatus:")
    ruleset = load(tmp_path, correlation(body, rules=(rule,), head=head))
    assert [pattern.title for pattern in ruleset.patterns] == ["Refused", "Correlation"]


# 13


def test_what_goes_on_within_the_cooldown_is_one_episode(three):
    steady = [refused(minute * MINUTE) for minute in range(60)]
    assert fires(three, *steady) == [2 * MINUTE]


def test_after_a_pause_of_the_cooldown_it_is_another_episode(three):
    def burst(at):
        return [refused(at + number) for number in range(3)]

    assert fires(three, *burst(0), *burst(20 * MINUTE)) == [2, 20 * MINUTE + 2]
    assert fires(three, *burst(0), *burst(10 * MINUTE)) == [2]


def test_two_groups_never_share_a_cooldown(tmp_path):
    body = COUNT_3_IN_10M.replace("[account]", "[account, device]")
    ruleset = load(tmp_path, correlation(body, vigil="cooldown: 1d"))
    first = [refused(number, device="d1") for number in range(3)]
    second = [refused(3 + number, device="d2") for number in range(3)]
    third = [refused(6 + number, "a2", device="d1") for number in range(3)]
    assert fires(ruleset, *first, *second, *third) == [2, 5, 8]


def test_a_rule_without_a_window_has_a_cooldown_of_a_day(tmp_path):
    ruleset = load(tmp_path, REFUSED)
    assert fires(ruleset, refused(0), refused(23 * HOUR), refused(46 * HOUR)) == [0]
    assert fires(ruleset, refused(0), refused(24 * HOUR)) == [0, 24 * HOUR]


def test_without_a_window_and_a_cooldown_every_match_is_a_detection_and_nothing_is_kept(tmp_path):
    play = Play(load(tmp_path, REFUSED + "vigil: {cooldown: 0s}\n"))
    twice = refused(5)
    play.feed(refused(0), refused(0), twice, twice, refused(1))
    assert play.moments() == [0, 0, 5, 1]
    assert len({detection["id"] for detection in play.detections}) == 4
    assert list(play.store.scan(WINDOW, "a1")) == []


def test_a_correlation_that_is_not_loaded_silences_nobody(tmp_path):
    ruleset = load(tmp_path, correlation(COUNT_3_IN_10M, status="deprecated"))
    assert [pattern.title for pattern in ruleset.patterns] == ["Refused"]


def test_a_late_record_that_moves_an_episode_forward_is_told_but_not_enforced_again(tmp_path):
    vigil = "harm: csam\naction: warn"
    ruleset = load(tmp_path, correlation(COUNT_3_IN_10M, vigil=vigil))
    play = Play(ruleset).feed(refused(0), refused(MINUTE), refused(4 * MINUTE))
    play.feed(refused(2 * MINUTE))
    assert play.moments() == [4 * MINUTE, 2 * MINUTE]
    assert len(play.enforcement) == 1


# 14


def test_strings_match_without_regard_to_case_unless_cased(tmp_path):
    plain = REFUSED.replace("kind: prompt.refused", "model: Image-XL")
    assert fires(load(tmp_path, plain), refused(0, model="iMAGE-xl")) == [0]
    cased = REFUSED.replace("kind: prompt.refused", "model|cased: Image-XL")
    assert fires(load(tmp_path, cased), refused(0, model="iMAGE-xl")) == []
    assert fires(load(tmp_path, cased), refused(0, model="Image-XL")) == [0]


def test_a_rule_on_activity_never_sees_a_hit(tmp_path):
    rule = REFUSED.replace("kind: prompt.refused", "surface: output")
    ruleset = load(tmp_path, rule)
    assert fires(ruleset, hit(0, surface="output")) == []
    assert fires(ruleset, refused(0, surface="output")) == [0]


def test_a_rule_on_reviews_sees_reviews(tmp_path):
    rule = REFUSED.replace("activity", "reviews").replace("kind: prompt.refused", "outcome: over*")
    ruleset = load(tmp_path, rule)
    assert fires(ruleset, review(0), review(1, outcome="overturned")) == [1]


# 16


@pytest.mark.parametrize(
    ("status", "mode"),
    [("status: stable", "live"), ("status: test", "shadow"), ("status: experimental", "shadow"),
     ("", "shadow")],
)  # fmt: skip
def test_status_decides_between_live_and_shadow(tmp_path, status, mode):
    rule = GENERATED.replace("status: stable", status)
    play = Play(load(tmp_path, rule)).feed(generated(0))
    assert [detection["mode"] for detection in play.detections] == [mode]


@pytest.mark.parametrize("status", ["deprecated", "unsupported"])
def test_deprecated_and_unsupported_rules_are_not_loaded_and_warned_about(tmp_path, status):
    ruleset = load(tmp_path, GENERATED.replace("stable", status))
    assert len(ruleset) == 0
    assert [(warning.line, status in warning.message) for warning in ruleset.warnings] == [
        (5, True)
    ]


def test_a_rule_without_a_vigil_block_detects_and_proposes_nothing(tmp_path):
    play = Play(load(tmp_path, GENERATED)).feed(generated(0))
    assert [d["severity"] for d in play.detections] == ["medium"]
    assert play.enforcement == []


def test_lateness_may_be_set_shorter_than_the_timespan(tmp_path):
    ruleset = load(tmp_path, correlation(COUNT_3_IN_10M, vigil="lateness: 30s"))
    late = [refused(0), refused(5 * SECOND), refused(40 * SECOND), refused(9 * SECOND)]
    assert fires(ruleset, *late) == [40 * SECOND]  # as the third, not with the late one
    assert fires(ruleset, *late[:2], refused(60 * SECOND, "a2"), refused(1)) == [5 * SECOND]
