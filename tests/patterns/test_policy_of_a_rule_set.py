"""A rule set has a policy: the file beside the rules, checked, hashed and published with them."""

from __future__ import annotations

import pytest

from streams.cli import main
from streams.patterns import RuleErrors, check_rules, load_rules
from streams.policy import shipped
from streams.rules.differences import differences
from tests.patterns.driving import HIT, SCHEMA, Play, correlation, refused

EACH = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 1}
"""
STRICT = """
[ladders.default]
decay = "30d"
cooldown = "0s"
rungs = [{strikes = 0, action = "warn"}]
"""


@pytest.fixture
def rules(tmp_path):
    rule = correlation(EACH, vigil="harm: spam\naction: suspend")
    (tmp_path / "rules.yml").write_text(rule)
    return tmp_path


def test_without_a_policy_file_the_shipped_one_applies(rules):
    assert load_rules([rules], SCHEMA).policy == shipped(SCHEMA)


def test_the_policy_beside_the_rules_decides(rules):
    (rules / "policy.toml").write_text(STRICT)
    ruleset = load_rules([rules], SCHEMA)
    (done,) = Play(ruleset).feed(refused(0)).enforcement
    assert (done["action"], done["policy"]) == ("warn", ruleset.policy.hash)


def test_another_policy_is_another_rule_set_whose_patterns_are_the_same(rules):
    before = load_rules([rules], SCHEMA)
    (rules / "policy.toml").write_text(STRICT)
    after = load_rules([rules], SCHEMA)
    assert before.hash != after.hash
    assert [p.version for p in before.patterns] == [p.version for p in after.patterns]
    (change,) = differences(before, after)
    assert change.pattern == "policy"
    assert change.what["default.decay"] == ("31536000000", "2592000000")


def test_a_directory_may_hold_the_policy_alone(rules, tmp_path_factory):
    other = tmp_path_factory.mktemp("policy")
    (other / "policy.toml").write_text(STRICT)
    assert load_rules([rules, other], SCHEMA).policy.default.decay == 30 * 86_400_000


def test_mistakes_in_the_policy_are_told_with_file_and_line_and_nothing_loads(rules, capsys):
    (rules / "policy.toml").write_text('[takeover]\nwindow = "72h"\nturns = ["restrict"]\n')
    assert main(["check", str(rules)]) == 1
    assert (
        f"{rules}/policy.toml:3: error: takeover.turns: leaves out suspend: a victim of a takeover "
        'would be suspended; add "suspend"'
    ) in capsys.readouterr().out
    with pytest.raises(RuleErrors):
        load_rules([rules], SCHEMA)


def test_two_policies_are_one_too_many(rules, tmp_path_factory):
    other = tmp_path_factory.mktemp("policy")
    for directory in (rules, other):
        (directory / "policy.toml").write_text(STRICT)
    (other / "hit.yml").write_text(HIT)
    found = [str(one) for one in check_rules([rules, other], SCHEMA)]
    assert any("is a second policy beside" in one for one in found)
