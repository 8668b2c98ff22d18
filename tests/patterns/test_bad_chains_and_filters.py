"""A mistake between rules, in a chain or a filter, is refused with its line, reason and a way out."""

from __future__ import annotations

import pytest

from streams.patterns import load_rules
from tests.patterns.driving import SCHEMA
from tests.patterns.mistakes import GOOD, faults


def test_a_circle_of_correlations_is_told_as_one(tmp_path):
    other = GOOD.split("---", maxsplit=1)[0].replace("7aff", "7afe").replace("[refused]", "[first]")
    text = GOOD.replace("level: high", "name: first").replace("[refused]", "[second]")
    other = other.replace("level: high", "name: second")
    found = faults(tmp_path, text + "---\n" + other)
    assert all("refers to itself" in finding.message for finding in found)
    assert len(found) == 2


def chained(outer, **changes):
    """GOOD as the inner correlation `first`, and an outer one of this body."""
    inner = GOOD.replace("level: high", "name: first")
    for old, new in changes.get("inner", ()):
        assert old in inner
        inner = inner.replace(old, new, 1)
    head = "---\ntitle: Outer\nid: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7afe\ncorrelation:\n"
    return inner + head + "".join(f"  {line}\n" for line in outer.splitlines())


OUTER = "type: event_count\nrules: [first]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 2}"
DEVICE = ("group-by: [account]", "group-by: [account, device]")

CHAIN_MISTAKES = {
    "groups by what the inner one doesn't": (
        OUTER.replace("[account]", "[account, device]"), (), "'device'", "device",
    ),
    "belongs to somebody else": (
        OUTER.replace("[account]", "[device]"), (), "which groups by|groups by account", "device",
    ),
    "counts what the inner one doesn't group by": (
        OUTER.replace("event_count", "value_count").replace("{", "{field: device, "), (),
        "groups by account", "",
    ),
    "sums what is no field of the inner one": (
        OUTER.replace("event_count", "value_sum").replace("{", "{field: score, "), (),
        "groups by account", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAIN_MISTAKES)
def test_a_chain_that_can_not_be_is_refused_at_its_line(tmp_path, name):
    outer, inner, reason, hint = CHAIN_MISTAKES[name]
    found = faults(tmp_path, chained(outer, inner=inner))
    assert any(
        any(part in finding.message for part in reason.split("|"))
        and hint in finding.message + finding.suggestion
        and finding.line > 30
        for finding in found
    ), found


def test_a_chain_that_can_be_loads(tmp_path):
    counted = OUTER.replace("event_count", "value_count").replace("{", "{field: device, ")
    for outer, inner in ((OUTER, ()), (counted, [DEVICE])):
        assert faults(tmp_path, chained(outer, inner=inner)) == []


FILTER = """---
title: Not ours
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7afd
logsource: {product: vigil, service: activity}
filter:
  rules: [refused]
  ours:
    device: d1
  condition: not ours
"""
FILTER_MISTAKES = {
    "no rules": ("  rules: [refused]\n", "", "needs 'rules'", "any"),
    "unknown rule": ("[refused]", "[refusd]", "'refusd'", "'refused'"),
    "a correlation": ("[refused]", "[6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff]", "correlation", "detection"),
    "another topic": (
        "service: activity}\nfilter:\n  rules: [refused]\n  ours:\n    device",
        "service: reviews}\nfilter:\n  rules: [refused]\n  ours:\n    reviewer",
        "the filter is about reviews", "log source",
    ),
    "unknown field": ("    device", "    devce", "no field 'devce'", "'device'"),
    "leaves nothing": ("device: d1\n  condition: not ours", "surface: output\n  condition: ours", "leaves nothing", "not"),
    "no condition": ("  condition: not ours\n", "", "no 'condition'", "condition"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTER_MISTAKES)
def test_a_filter_that_can_not_be_is_refused(tmp_path, name):
    old, new, reason, hint = FILTER_MISTAKES[name]
    assert old in FILTER
    found = faults(tmp_path, GOOD + FILTER.replace(old, new))
    assert any(reason in f.message and hint in f.suggestion and f.line > 29 for f in found), found


def test_a_filter_that_applies_to_nothing_is_warned_about(tmp_path):
    text = (
        FILTER.replace("[refused]", "any")
        .replace("activity", "reviews")
        .replace("device", "reviewer")
    )
    (tmp_path / "rules.yml").write_text(GOOD + text)
    (warning,) = load_rules([tmp_path], SCHEMA).warnings
    assert "applies to no rule" in warning.message
