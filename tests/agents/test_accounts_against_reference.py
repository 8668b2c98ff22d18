"""Whole rule files and streams of signals against the reference: groups, duplicates, lateness."""

from __future__ import annotations

import random
from typing import Any

import pytest

from streams.patterns import RuleSet
from tests.patterns.driving import MINUTE, START, Play, activity, correlation, hit, load, refused
from tests.patterns.reference import Reference

SPAN = 10 * MINUTE
STREAMS_PER_RULE = 60
RULES = {
    "count": ("type: event_count\nrules: [refused, hit]\ncondition: {gte: 3}", (), "gte", 3),
    "few": ("type: event_count\nrules: [refused, hit]\ncondition: {lte: 2}", (), "lte", 2),
    "not five": ("type: event_count\nrules: [refused]\ncondition: {neq: 1}", (), "neq", 1),
    "values": (
        "type: value_count\nrules: [refused, hit]\ncondition: {field: surface, gt: 2}", (), "gt", 2,
    ),
    "all rules": ("type: temporal\nrules: [refused, generated, hit]", (), "gte", 3),
    "any two": (
        "type: temporal\nrules: [refused, generated, hit]\ncondition: {gte: 2}", (), "gte", 2,
    ),
    "in order": ("type: temporal_ordered\nrules: [refused, generated, hit]", (1, 2, 4), "", 0),
    "twice": ("type: temporal_ordered\nrules: [refused, refused, hit]", (1, 1, 2), "", 0),
}  # fmt: skip
KINDS = ("refused", "generated", "hit")


def ruleset(tmp_path, name: str, *, grouped: bool) -> RuleSet:
    group = "[account, device]" if grouped else "[account]"
    return load(tmp_path, correlation(f"{RULES[name][0]}\ngroup-by: {group}\ntimespan: 10m"))


def stream(source: random.Random, delay: int) -> list[tuple[str, dict[str, Any]]]:
    """A few accounts and devices at once, some ids twice, each signal up to `delay` ms late."""
    at, found = 0, []
    for number in range(source.randint(5, 60)):
        at += source.choice((0, 1, 1000, MINUTE, 3 * MINUTE, SPAN // 2, SPAN))
        fields: dict[str, Any] = {
            "id": f"s{number}",
            "account": source.choice(("a1", "a1", "a2")),
            "device": source.choice((None, "d1", "d1", "d2")),
            "surface": source.choice((None, "input", "output", "upload", "message")),
        }
        make = source.choice(
            (refused, refused, hit, lambda at, **rest: activity("image.generated", at, **rest))
        )
        found.append((at + source.randint(0, delay), make(at, **fields)))
        if source.random() < 0.15:
            found.append((at + source.randint(0, delay), source.choice(found)[1]))
    return [signal for _, signal in sorted(found, key=lambda one: one[0])]


def expected(name: str, signals, *, grouped: bool) -> list[tuple[str, str | None, int, list[str]]]:
    body, steps, op, bound = RULES[name]
    kind = body.split()[1]
    rules = [word for word in KINDS if word in body]
    windows: dict[tuple[str, str | None], Reference] = {}
    newest: dict[str, int] = {}
    seen: set[tuple[str, str, str]] = set()
    found = []
    for topic, value in signals:
        account, at = value["account"], value["at"]
        if (topic, account, value["id"]) in seen:
            continue
        seen.add((topic, account, value["id"]))
        newest[account] = max(newest.get(account, 0), at)
        what = {"prompt.refused": "refused", "image.generated": "generated"}.get(
            value.get("kind", ""), "hit"
        )
        group = value.get("device") if grouped else None
        if what not in rules or (grouped and group is None):
            continue
        reference = windows.setdefault(
            (account, group), Reference(kind, SPAN, SPAN, SPAN, op, bound, steps)
        )
        counted = value.get("surface") if kind == "value_count" else 1 << rules.index(what)
        for moment, _, evidence in reference.add(at, value["id"], counted, newest[account]):
            found.append((account, group, moment - START, evidence))
    return found


def detected(play: Play) -> list[tuple[str, str | None, int, list[str]]]:
    return [
        (detection["account"], detection["values"].get("device"), at, detection["evidence"])
        for detection, at in zip(play.detections, play.moments(), strict=True)
    ]


@pytest.mark.parametrize("grouped", [False, True], ids=["by account", "by account and device"])
@pytest.mark.parametrize("name", RULES)
def test_in_event_time_order_the_agent_finds_exactly_what_the_reference_finds(
    tmp_path, name, grouped
):
    rules = ruleset(tmp_path, name, grouped=grouped)
    for seed in range(STREAMS_PER_RULE):
        signals = sorted(stream(random.Random(seed), 0), key=lambda one: one[1]["at"])
        found = detected(Play(rules).feed(*signals))
        assert found == expected(name, signals, grouped=grouped), seed


@pytest.mark.parametrize("grouped", [False, True], ids=["by account", "by account and device"])
@pytest.mark.parametrize("name", RULES)
def test_late_and_too_late_signals_fire_the_same_patterns_groups_and_times(tmp_path, name, grouped):
    rules = ruleset(tmp_path, name, grouped=grouped)
    for seed in range(STREAMS_PER_RULE):
        signals = stream(random.Random(seed), 2 * SPAN)
        found = detected(Play(rules).feed(*signals))
        wanted = expected(name, signals, grouped=grouped)
        assert [one[:3] for one in found] == [one[:3] for one in wanted], seed
