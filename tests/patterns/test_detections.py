"""What a detection matches: every modifier, on every type of field."""

from __future__ import annotations

import pytest

from streams.patterns import load_rules
from streams.signals import Schema
from tests.patterns.driving import DAY, HOUR, START, fires, hit, load, refused

RULE = """\
title: Rule
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01
logsource: {product: vigil, service: %s}
detection:
%s
"""


def rule(body, service="activity"):
    lines = body.strip().splitlines()
    if not any(line.startswith("condition:") for line in lines):
        lines = ["it:", *("  " + line for line in lines), "condition: it"]
    return RULE % (service, "\n".join("  " + line for line in lines))


def matches(tmp_path, body, *signals, service="activity"):
    """Which of the signals the detection matches, by position."""
    ruleset = load(tmp_path, rule(body, service))
    return [place for place, signal in enumerate(signals) if fires(ruleset, signal)]


@pytest.mark.parametrize(
    ("item", "matching"),
    [
        ("device: Dev-1", ["dev-1", "DEV-1"]),
        ("device|cased: Dev-1", []),
        ("device|cased: DEV-1", ["DEV-1"]),
        ("device: dev-*", ["dev-1", "DEV-1", "dev-22"]),
        ("device: '*-1'", ["dev-1", "DEV-1", "x-1"]),
        ("device: '*'", ["dev-1", "DEV-1", "dev-22", "x-1"]),
        ("device: dev-?", ["dev-1", "DEV-1"]),
        ("device: d*-*2", ["dev-22"]),
        ("device|contains: ev", ["dev-1", "DEV-1", "dev-22"]),
        ("device|contains|cased: EV", ["DEV-1"]),
        ("device|startswith: dev", ["dev-1", "DEV-1", "dev-22"]),
        ("device|endswith: '1'", ["dev-1", "DEV-1", "x-1"]),
        ("device|contains|all: [ev, '-2']", ["dev-22"]),
        ("device|re: '^dev-[0-9]+$'", ["dev-1", "dev-22"]),
        ("device|re: '2+'", ["dev-22"]),
        ("device|re|i: '^dev-[0-9]$'", ["dev-1", "DEV-1"]),
        ("device|neq: dev-1", ["dev-22", "x-1", None]),
        ("device|exists: true", ["dev-1", "DEV-1", "dev-22", "x-1"]),
        ("device|exists: false", [None]),
        ("device: null", [None]),
        ("device: [x-1, dev-22]", ["dev-22", "x-1"]),
        ("device|fieldref: network", ["dev-22"]),
        ("device|fieldref|startswith: network", ["dev-22"]),
    ],
)
def test_modifiers_on_references(tmp_path, item, matching):
    devices = ["dev-1", "DEV-1", "dev-22", "x-1", None]
    signals = [
        refused(0, device=device, network="DEV-22" if device == "dev-22" else None)
        for device in devices
    ]
    found = matches(tmp_path, item, *signals)
    assert [devices[place] for place in found] == matching


@pytest.mark.parametrize(
    ("item", "matching"),
    [
        ("surface: INPUT", ["input"]),
        ("surface: [input, message]", ["input", "message"]),
        ("surface|endswith: put", ["input", "output"]),
        ("surface|re: '^.{6}$'", ["output", "upload"]),
        ("surface|neq: input", ["output", "upload", "message", None]),
        ("surface|exists: false", [None]),
        ("surface: null", [None]),
        ("surface|exists: true", ["input", "output", "upload", "message"]),
    ],
)
def test_modifiers_on_closed_lists(tmp_path, item, matching):
    surfaces = ["input", "output", "upload", "message", None]
    found = matches(tmp_path, item, *(refused(0, surface=surface) for surface in surfaces))
    assert [surfaces[place] for place in found] == matching


@pytest.mark.parametrize(
    ("item", "matching"),
    [
        ("score|gte: 0.5", [0.5, 1]),
        ("score|gt: 0.5", [1]),
        ("score|lt: 0.5", [0]),
        ("score|lte: 0.5", [0, 0.5]),
        ("score|neq: 0.5", [0, 1, None]),
        ("score: 1", [1]),
        ("score: [0, 1]", [0, 1]),
        ("score|exists: false", [None]),
    ],
)
def test_modifiers_on_numbers(tmp_path, item, matching):
    scores = [0, 0.5, 1, None]
    signals = [hit(0, score=score) for score in scores]
    found = matches(tmp_path, item, *signals, service="moderation-hits")
    assert [scores[place] for place in found] == matching


@pytest.mark.parametrize(
    ("item", "matching"),
    [
        (f"at|gt: {START}", [1, 2]),
        ("at|hour: 14", [0, 1, 2]),
        ("at|hour|gte: 14", [0, 1, 2]),
        ("at|minute: 13", [0, 2]),
        ("at|day: 22", [2]),
        ("at|month: 9", [0, 1, 2]),
        ("at|week: 39", [0, 1, 2]),
        ("at|year|lt: 2026", []),
    ],
)
def test_modifiers_on_times_in_utc(tmp_path, item, matching):
    """The start is 2026-09-21T14:13:20Z, a Monday."""
    signals = [refused(0), refused(HOUR // 60 * 30), refused(DAY)]
    assert matches(tmp_path, item, *signals) == matching


def test_modifiers_on_truths_and_labels(tmp_path):
    (tmp_path / "schema.toml").write_text(
        '[activity]\nlabels = ["new", "vip", "test"]\n'
        '[activity.attributes]\nverified = {type = "bool"}\namount = {type = "number"}\n'
    )
    schema = Schema.load(tmp_path / "schema.toml")
    signals = [
        refused(0, verified=True, labels=["new", "vip"]),
        refused(0, verified=False, labels=["vip"]),
        refused(0),
    ]
    (tmp_path / "rules").mkdir()

    def found(item):
        (tmp_path / "rules" / "r.yml").write_text(rule(item))
        ruleset = load_rules([tmp_path / "rules"], schema)
        return [place for place, signal in enumerate(signals) if fires(ruleset, signal)]

    assert found("verified: true") == [0]
    assert found("verified|neq: true") == [1, 2]
    assert found("verified: null") == [2]
    assert found("labels: VIP") == [0, 1]
    assert found("labels|all: [new, vip]") == [0]
    assert found("labels|contains: e") == [0]
    assert found("labels|neq: new") == [1, 2]
    assert found("labels|exists: false") == [2]
    assert found("labels: null") == [2]


CONDITIONS = """
one: {device: d1}
two: {network: n1}
three: {model: m1}
condition: %s
"""


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("one and two", {"12", "123"}),
        ("one or two", {"1", "2", "12", "13", "23", "123"}),
        ("not one", {"", "2", "3", "23"}),
        ("one and not two", {"1", "13"}),
        ("one and (two or three)", {"12", "13", "123"}),
        ("1 of them", {"1", "2", "3", "12", "13", "23", "123"}),
        ("all of them", {"123"}),
        ("all of t*", {"23", "123"}),
        ("any of t*", {"2", "3", "12", "13", "23", "123"}),
        ("not 1 of t*", {"", "1"}),
        ("not (one or not two)", {"2", "23"}),
    ],
)
def test_conditions_join_searches(tmp_path, condition, wanted):
    names = {"1": ("device", "d1"), "2": ("network", "n1"), "3": ("model", "m1")}
    every = ["", "1", "2", "3", "12", "13", "23", "123"]
    signals = [refused(0, **dict(names[digit] for digit in digits)) for digits in every]
    found = matches(tmp_path, CONDITIONS % condition, *signals)
    assert {every[place] for place in found} == wanted


def test_a_search_may_be_a_list_of_mappings_any_of_which_matches(tmp_path):
    body = "it:\n  - {device: d1, network: n1}\n  - {device: d2}\ncondition: it"
    signals = [
        refused(0, device="d1", network="n1"),
        refused(0, device="d1"),
        refused(0, device="d2"),
    ]
    assert matches(tmp_path, body, *signals) == [0, 2]


def test_a_signal_meets_only_patterns_its_kind_can_match(tmp_path):
    text = "\n---\n".join(
        rule(item).replace("7a01", f"7a0{number}")
        for number, item in enumerate(
            ["kind: prompt.*", "kind|neq: login.failed", "device: d1", "kind: upload.created"]
        )
    )
    plans = load(tmp_path, text).plans["activity"]
    reached = {kind: [plan.pattern.id[-1] for plan in found] for kind, found in plans.items()}
    assert reached["prompt.submitted"] == ["0", "1", "2"]
    assert reached["login.failed"] == ["2"]
    assert reached["upload.created"] == ["1", "2", "3"]
