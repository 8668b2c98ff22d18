"""The shipped patterns: each of their inline tests is one test here."""

from __future__ import annotations

import pytest

from streams.patterns import check_rules, load_rules, run_tests
from streams.patterns.inline_reader import CASES
from streams.workbench.inline import play
from tests.patterns.driving import SCHEMA

RULESET = load_rules(["catalogue"], SCHEMA)
RESULTS = run_tests(RULESET, play)


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: f"{r.title}: {r.test.name}")
def test_inline(result):
    assert result.passed, str(result)


def test_nothing_is_wrong_or_missing_in_the_catalogue():
    assert check_rules(["catalogue"], SCHEMA) == []


def test_the_six_first_patterns_are_there_and_live():
    assert {pattern.title: pattern.mode for pattern in RULESET.patterns} == dict.fromkeys(
        (
            "Refusal ladder",
            "Output hit after input refusals",
            "Repeated suspected hits",
            "Confirmed hash match",
            "Surface hopping",
            "Slow drip",
        ),
        "live",
    )


@pytest.mark.parametrize("pattern", RULESET.patterns, ids=lambda pattern: pattern.title)
def test_every_pattern_is_shown_firing_nearly_firing_and_at_rest(pattern):
    assert {test.case for test in RULESET.tests[pattern.id]} == set(CASES)


@pytest.mark.parametrize("pattern", RULESET.patterns, ids=lambda pattern: pattern.title)
def test_every_pattern_says_why_what_errs_what_to_review_and_whose_thresholds(pattern):
    for word in ("Why:", "Review:", "Thresholds:"):
        assert word in pattern.description
    assert "our own" in pattern.description or "none" in pattern.description
    assert pattern.falsepositives


@pytest.mark.parametrize("pattern", RULESET.patterns, ids=lambda pattern: pattern.title)
def test_a_pattern_is_found_by_the_kinds_it_can_match_only(pattern):
    reached = {
        value
        for plans in RULESET.plans.values()
        for value, found in plans.items()
        for plan in found
        if plan.pattern is pattern
    }
    assert reached <= {"prompt.refused", "csam", "csem", "sexualisation_of_minor"}
