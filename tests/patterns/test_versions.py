"""Semantic versions follow what a rule means; the rule set's hash follows every byte."""

from __future__ import annotations

import pytest

from tests.patterns.driving import REFUSED, correlation, load

BODY = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 60m
condition: {gte: 3}
"""
VIGIL = "harm: csam\naction: warn\ncooldown: 2h"


def version(tmp_path, text):
    (pattern,) = load(tmp_path, text).patterns
    return pattern.version, pattern.key


@pytest.mark.parametrize(
    "change",
    [
        ("title: Correlation", "title: Another title"),
        ("status: stable\ncorrelation", "status: test\ndescription: x\ncorrelation"),
        ("timespan: 60m", "timespan: 1h  # a comment"),
        ("group-by: [account]", "group-by: account"),
        ("cooldown: 2h", "cooldown: 120m"),
        ("cooldown: 2h", "cooldown: 2h\n  rollout: 100\n  evidence: 1"),
        ("cooldown: 2h", "cooldown: 2h\n  tests: []"),
        ("title: Refused", "title: Renamed"),
        ("name: refused", "name: renamed"),
    ],
    ids=lambda change: change[1].split("\n")[-1],
)
def test_a_change_that_means_nothing_changes_no_version(tmp_path, change):
    text = correlation(BODY, vigil=VIGIL)
    changed = text.replace(*change)
    if change[1] == "name: renamed":
        changed = changed.replace("[refused]", "[renamed]")
    assert changed != text
    assert version(tmp_path, changed) == version(tmp_path, text)


@pytest.mark.parametrize(
    "change",
    [
        ("gte: 3", "gte: 4"),
        ("60m", "61m"),
        ("kind: prompt.refused", "kind: login.failed"),
        ("cooldown: 2h", "cooldown: 3h"),
        ("action: warn", "action: restrict"),
        ("[account]", "[account, device]"),
    ],
    ids=lambda change: change[1],
)
def test_a_change_that_means_something_makes_a_new_version_and_new_windows(tmp_path, change):
    text = correlation(BODY, vigil=VIGIL)
    before, after = version(tmp_path, text), version(tmp_path, text.replace(*change))
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_two_rules_that_mean_the_same_keep_windows_apart(tmp_path):
    text = correlation(BODY)
    other = text.split("---")[0].replace("7aff", "7afe")
    one, two = load(tmp_path, text + "---\n" + other).patterns
    assert one.version == two.version
    assert one.key != two.key


def test_the_rule_set_hash_follows_every_byte_but_not_the_directory(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = load(tmp_path / "a", REFUSED)
    assert load(tmp_path / "b", REFUSED).hash == first.hash
    assert load(tmp_path / "b", REFUSED + "# one more comment\n").hash != first.hash
    assert len(first.hash) == 26
