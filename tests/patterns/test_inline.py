"""Inline tests: what they can say, and that they can fail."""

from __future__ import annotations

import pytest

from streams.patterns import check_rules, run_tests
from tests.patterns.driving import SCHEMA, correlation, load, play_inline

BODY = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 3}
"""


def outcome(tmp_path, test):
    text = correlation(
        BODY, vigil="tests:\n" + "\n".join("  " + line for line in test.splitlines())
    )
    (result,) = run_tests(load(tmp_path, text), play_inline)
    return result


def test_a_test_that_expects_the_wrong_time_fails_and_says_both(tmp_path):
    result = outcome(
        tmp_path,
        "- name: wrong\n  signals: [{kind: prompt.refused, at: 1m, every: 1m, times: 3}]\n"
        "  fires: 2m",
    )
    assert not result.passed
    assert str(result).endswith("wrong: expected 2m, found 3m (a1)")


def test_a_test_that_expects_nothing_fails_when_something_fires(tmp_path):
    result = outcome(
        tmp_path, "- name: n\n  signals: [{kind: prompt.refused, times: 3}]\n  fires: never"
    )
    assert (result.passed, result.expected, result.found) == (False, "never", "0s (a1)")


def test_expectations_may_name_accounts(tmp_path):
    result = outcome(
        tmp_path,
        "- name: two accounts\n"
        "  given: {kind: prompt.refused, every: 1s, times: 3}\n"
        "  signals: [{at: 0s}, {at: 5m, account: a2}, {at: 9m, account: a3, times: 2}]\n"
        "  fires: {a1: 2s, a2: [5m2s], a3: never}",
    )
    assert result.passed, str(result)


def test_the_same_id_again_can_be_played(tmp_path):
    result = outcome(
        tmp_path,
        "- name: n\n  signals: [{kind: prompt.refused, id: x, times: 9}]\n  fires: never",
    )
    assert result.passed, str(result)


def test_late_signals_arrive_in_the_order_of_their_arrival(tmp_path):
    late = "- name: n\n  signals:\n  - {kind: prompt.refused, times: 2, late: %s}\n"
    late += "  - {kind: prompt.refused, at: 11m}\n  - {kind: prompt.refused, at: 1m}\n  fires: %s"
    assert outcome(tmp_path, late % ("1m", "1m")).passed
    assert outcome(tmp_path, late % ("12m", "never")).passed


@pytest.mark.parametrize(
    ("test", "line", "reason", "hint"),
    [
        ("- nme: x\n  signals: []\n  fires: never", 12, "unknown key 'nme'", "'name'"),
        ("- name: x\n  signals: []\n  fires: later", 14, "say when", "never"),
        ("- name: x\n  signals: []", 12, "say when", "never"),
        ("- name: x\n  fires: never", 12, "needs a list of 'signals'", ""),
        ("- name: x\n  signals: [{kind: prompt.refussed}]\n  fires: never", 13, "refused", ""),
        ("- name: x\n  signals: [{knd: prompt.refused}]\n  fires: never", 13, "'knd'", "'kind'"),
        ("- name: x\n  signals: [{verdict: match}]\n  fires: never", 13, "source", "given"),
        ("- name: x\n  signals: [{at: soon}]\n  fires: never", 13, "'at' must be", "90s"),
        ("- name: x\n  case: odd\n  signals: []\n  fires: never", 13, "not a case", "benign"),
        ("- just words", 12, "must be a mapping", "name"),
    ],
)
def test_a_mistake_in_a_test_is_refused_at_its_line(tmp_path, test, line, reason, hint):
    text = correlation(BODY, vigil="tests:\n" + "\n".join("  " + row for row in test.splitlines()))
    (tmp_path / "rules.yml").write_text(text)
    found = [finding for finding in check_rules([tmp_path], SCHEMA) if finding.severity == "error"]
    assert any(f.line == line and reason in f.message and hint in f.suggestion for f in found), (
        found
    )


SHARED = BODY.replace("[account]", "[device]").replace("event_count", "value_count")
SHARED = SHARED.replace("{gte: 3}", "{field: account, gte: 2}")


def test_those_who_join_what_an_entity_pattern_found_are_no_further_moment(tmp_path):
    signals = ", ".join(
        f"{{kind: prompt.refused, device: d1, at: {n}m, account: a{n}}}" for n in range(5)
    )
    vigil = f"tests:\n  - name: n\n    signals: [{signals}]\n    fires: 1m"
    (result,) = run_tests(load(tmp_path, correlation(SHARED, vigil=vigil)), play_inline)
    assert result.passed, str(result)
