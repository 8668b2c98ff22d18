"""The shipped patterns: each of their inline tests is one test here, and each can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

import streams
from streams.patterns import check_rules, load_rules, run_tests
from streams.patterns.catalogue_page import PARTS, page, parts_of, read_entries
from streams.patterns.conduct import CONDUCT
from streams.patterns.inline_reader import CASES
from tests.patterns.breaking import broken, read, write
from tests.patterns.driving import SCHEMA, play_inline

CATALOGUE = Path(streams.__file__).parent / "catalogue"
PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"
ENTRIES = read_entries(CATALOGUE)
RULESET = load_rules(["catalogue"], SCHEMA)
RESULTS = run_tests(RULESET, play_inline)
BROKEN = [
    pytest.param(rules, id=f"{entry.slug}: {what}")
    for entry in ENTRIES
    for what, rules in broken(read(CATALOGUE / f"{entry.slug}.yml"))
]
each_pattern = pytest.mark.parametrize("pattern", RULESET.patterns, ids=lambda p: p.title)
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)

COMMON_KINDS = {
    "prompt.submitted",
    "text.generated",
    "image.generated",
    "video.generated",
    "login.succeeded",
    "message.sent",
    "content.shared",
    "upload.created",
}
"""Every account does these every day: a window over them costs state for all of them."""
ON_COMMON_KINDS = {
    "Upload, then transformed into harm": {"upload.created", "image.generated", "video.generated"},
    "Adult contacting many minors": {"message.sent"},
    "Sextortion sequence": {"message.sent"},
    "Dormant account activated for abuse": {"login.succeeded"},
    "Sharing ring": {"upload.created", "content.shared"},
    "Uploads in lockstep": {"upload.created"},
}
"""What that costs is measured in docs/decisions/0023."""


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: f"{r.title}: {r.test.name}")
def test_inline(result):
    assert result.passed, str(result)


def test_nothing_is_wrong_or_missing_in_the_catalogue():
    assert check_rules(["catalogue"], SCHEMA) == []


def test_there_are_at_least_24_patterns_one_a_file():
    assert len(RULESET.patterns) == len(ENTRIES) >= 24
    assert {entry.rule["id"] for entry in ENTRIES} == {pattern.id for pattern in RULESET.patterns}


@each_pattern
def test_every_pattern_is_shown_firing_nearly_firing_and_at_rest(pattern):
    assert {test.case for test in RULESET.tests[pattern.id]} == set(CASES)


@each_pattern
def test_every_pattern_says_why_what_to_review_and_whose_thresholds_in_this_order(pattern):
    parts = parts_of(pattern.description)
    assert tuple(parts) == PARTS
    assert "our own" in parts["Thresholds"] or parts["Thresholds"].startswith("none")
    assert all(len(part) > 20 for word, part in parts.items() if word != "Thresholds")
    assert pattern.falsepositives


@each_pattern
def test_only_patterns_that_say_so_look_at_what_every_account_does_every_day(pattern):
    reached = {
        value
        for plans in RULESET.plans_of(pattern.agent).values()
        for value, found in plans.items()
        for plan in found
        if plan.pattern is pattern
    }
    assert reached & COMMON_KINDS == ON_COMMON_KINDS.get(pattern.title, set())


def test_no_pattern_suspends_and_none_in_shadow_is_stable():
    assert {pattern.block.action for pattern in RULESET.patterns}.isdisjoint({"suspend"})


@pytest.mark.parametrize("name", CONDUCT)
def test_every_conduct_has_a_pattern(name):
    assert [entry.slug for entry in ENTRIES if name in entry.conduct]


@each_entry
def test_every_pattern_is_tagged_with_conduct_there_is(entry):
    assert entry.conduct
    assert set(entry.conduct) <= set(CONDUCT)


@each_entry
def test_the_names_of_files_are_what_campaigns_point_to(entry):
    assert entry.slug.replace("_", "").isalpha()
    assert entry.slug.islower()


def test_the_page_is_the_one_made_from_the_files():
    assert PAGE.read_text() == page(ENTRIES), "run: make docs"


@each_entry
def test_a_pattern_without_one_of_its_tests_is_noticed(entry, tmp_path):
    rules = read(CATALOGUE / f"{entry.slug}.yml")
    tests = rules[0]["vigil"]["tests"]
    for number in range(len(tests)):
        rules[0]["vigil"]["tests"] = tests[:number] + tests[number + 1 :]
        write(tmp_path, rules)
        (less,) = read_entries(tmp_path)
        assert page([less]) != page([entry])
    for case in CASES:
        named = [test for test in RULESET.tests[rules[0]["id"]] if test.case != case]
        kept = {test.name for test in named}
        rules[0]["vigil"]["tests"] = [test for test in tests if test["name"] in kept]
        write(tmp_path, rules)
        assert any(case in finding.message for finding in check_rules([tmp_path], SCHEMA))


@pytest.mark.parametrize("rules", BROKEN)
def test_a_broken_pattern_fails_one_of_its_own_tests(rules, tmp_path):
    write(tmp_path, rules)
    results = run_tests(load_rules([tmp_path], SCHEMA), play_inline)
    assert results
    assert not all(result.passed for result in results)
