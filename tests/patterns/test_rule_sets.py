"""Random rule files, chained and filtered ones included, and random streams, against brute force."""

from __future__ import annotations

import random
from typing import Any

import pytest

from streams.patterns import RuleSet
from tests.patterns.brute import Brute, Node
from tests.patterns.driving import (
    GENERATED,
    HIT,
    MINUTE,
    REFUSED,
    SECOND,
    START,
    Play,
    activity,
    hit,
    load,
    refused,
)
from tests.patterns.reference import says, ways

RULE_SETS = 1200
BATCHES = 12
LEAVES = {"refused": REFUSED, "generated": GENERATED, "hit": HIT}
SPANS = (5 * MINUTE, 10 * MINUTE, 30 * MINUTE)
OPS = ("gte", "gte", "gte", "gt", "lte", "eq")
FILTER = """
title: Not the office
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7bff
logsource: {product: vigil, service: activity}
filter:
  rules: FILTERED
  office: {network: n1}
  condition: not office
"""


class Draw:
    """Draws a rule: a tree of nodes, at most three levels deep."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.made = 0

    def node(self, depth: int, group: str | None, *, spare: bool) -> Node:
        source, number = self.source, self.made
        self.made += 1
        own = group or (source.choice((None, "device")) if spare else None)
        kinds = ["event_count", "event_count", "temporal", "temporal", "temporal_ordered"]
        if depth == 0 or group is None:
            kinds += ["value_count"]
        if depth == 0:
            kinds += ["value_sum", "value_avg", "value_percentile"]
        kind = source.choice(kinds)
        node = Node(f"c{number}", kind, [], source.choice(SPANS), group=own)
        node.op, node.bound = source.choice(OPS), source.randint(1, 3)
        if kind in ("value_sum", "value_avg", "value_percentile"):
            node.value, node.rules = "score", ["hit"]
            node.bound = source.choice((0.25, 0.5, 0.75) if kind != "value_sum" else (0.5, 1, 1.5))
            node.percentile = source.choice((10, 50, 90))
            return node
        if kind == "value_count":
            node.value = "surface" if depth == 0 else "device"
        wanted = source.randint(1, 3) if not kind.startswith("temporal") else source.randint(2, 3)
        names = source.sample(sorted(LEAVES), k=wanted)
        if kind == "value_count":
            names = [name for name in names if name != "generated"] or ["hit"]
        node.rules = list(names)
        if depth:
            inner = 1 if kind == "value_count" else source.randint(1, len(node.rules))
            for place in range(inner):
                passes = own if kind != "value_count" else "device"
                below = self.node(depth - 1, passes, spare=own is None and kind != "value_count")
                node.rules[place] = below
            if kind == "value_count":
                # Its value is what the inner one groups by, and it groups by the account alone.
                node.group, node.rules = None, node.rules[:1]
        if kind == "temporal_ordered":
            node.op = "gte"
        if kind.startswith("temporal") and source.random() < 0.5:
            node.words = self.words(len(node.rules))
        if kind == "temporal" and node.words is None:
            node.bound = min(node.bound, len(node.rules) - (node.op == "gt"))
        return node

    def words(self, count: int) -> Any:
        while True:
            tree: Any = 0
            for place in range(1, count):
                part: Any = place
                if self.source.random() < 0.4:
                    part = ("not", place)
                tree = (self.source.choice(("and", "or")), tree, part)
            found = [(order, w) for order, w in ways(tree) if not w.intersection(order)]
            if found and all(order for order, _ in found) and not says(tree, set()):
                return tree


def possible(node: Node) -> bool:
    """Whether the loader would take the thresholds: an impossible one is refused, rightly."""
    return all(
        not (each.op == "eq" and each.bound < 1) and (each.op, each.bound) != ("gt", 3)
        for each in node.all()
    )


def text(words: Any, names: list[str]) -> str:
    if isinstance(words, int):
        return names[words]
    word, *parts = words
    if word == "not":
        return f"not {text(parts[0], names)}"
    return f"({f' {word} '.join(text(part, names) for part in parts)})"


def yaml(root: Node, vigil: str, filtered: str | None) -> str:
    documents = []
    for number, node in enumerate(root.all()):
        group = f"[account, {node.group}]" if node.group else "[account]"
        lines = [
            f"title: {node.name}",
            f"id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7c{number:02x}",
            f"name: {node.name}",
            "status: stable",
            "correlation:",
            f"  type: {node.kind}",
            f"  rules: [{', '.join(node.names())}]",
            f"  group-by: {group}",
            f"  timespan: {node.timespan // SECOND}s",
        ]
        if node.words is not None:
            lines.append(f"  condition: {text(node.words, node.names())}")
        elif node.kind != "temporal_ordered":
            field = f"field: {node.value}, " if node.value else ""
            share = f"percentile: {node.percentile}, " if "percentile" in node.kind else ""
            lines.append(f"  condition: {{{field}{share}{node.op}: {node.bound}}}")
        if node is root:
            lines += ["vigil:", *(f"  {line}" for line in vigil.splitlines())]
        documents.append("\n".join(lines) + "\n")
    used = {rule for node in root.all() for rule in node.rules if isinstance(rule, str)}
    documents += [LEAVES[name] for name in sorted(used)]
    if filtered:
        documents.append(FILTER.replace("FILTERED", filtered))
    return "---\n".join(documents)


def stream(source: random.Random, delay: int, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Signals of two accounts in order of arrival, some twice, each up to `delay` ms late."""
    at, found = 0, []
    for number in range(count):
        at += source.choice((0, 1, SECOND, MINUTE, MINUTE, 3 * MINUTE, 5 * MINUTE, 30 * MINUTE))
        fields: dict[str, Any] = {
            "id": f"s{number}",
            "account": source.choice(("a1", "a1", "a1", "a2")),
            "device": source.choice((None, "d1", "d1", "d2")),
            "network": source.choice((None, "n1", "n2")),
            "surface": source.choice((None, "input", "output", "upload")),
        }
        made = source.choice(("refused", "refused", "generated", "hit", "hit"))
        if made == "hit":
            fields["score"] = source.choice((None, 0.2, 0.5, 0.9))
            fields["source"] = source.choice(("classifier", "user_report", "human"))
            fields["reporter"] = source.choice((None, "a7"))
            signal = hit(at, **fields)
        else:
            make = refused if made == "refused" else generated
            signal = make(at, **fields)
        found.append((at + source.randint(0, delay), signal))
        if source.random() < 0.1:
            found.append((at + source.randint(0, delay), source.choice(found)[1]))
    return [signal for _, signal in sorted(found, key=lambda one: one[0])]


def generated(at: int, **fields: Any) -> tuple[str, dict[str, Any]]:
    return activity("image.generated", at, **fields)


def matches(topic: str, signal: dict[str, Any], filtered: str | None) -> set[str]:
    name = {"prompt.refused": "refused", "image.generated": "generated"}.get(
        signal.get("kind", ""), "hit"
    )
    narrowed = filtered in ("any", name)
    if narrowed and topic == "activity" and signal.get("network") == "n1":
        return set()
    return {name}


def draw(seed: int, tmp_path) -> tuple[RuleSet, Brute, str | None]:
    source = random.Random(seed)
    while True:
        root = Draw(source).node(source.choice((0, 1, 1, 2)), None, spare=True)
        if possible(root):
            break
    lateness = source.choice((6 * MINUTE, 10 * MINUTE, 30 * MINUTE))
    cooldown = source.choice((MINUTE, 10 * MINUTE, 60 * MINUTE))
    from_hits = any("hit" in node.rules for node in root.all())
    independent = source.choice((1, 1, 2)) if from_hits else 1
    vigil = f"lateness: {lateness // SECOND}s\ncooldown: {cooldown // SECOND}s"
    vigil += f"\nevidence: {independent}"
    refuses = any("refused" in node.rules for node in root.all())
    filtered = source.choice((None, None, "any", "[refused]" if refuses else "any"))
    rules = load(tmp_path, yaml(root, vigil, filtered))
    return rules, Brute(root, lateness, cooldown, independent), filtered and filtered.strip("[]")


def check(seed: int, tmp_path, *, delay: bool) -> int:
    rules, brute, filtered = draw(seed, tmp_path)
    late = brute.lateness * (1, 3)[seed % 2] // 2 if delay else 0
    signals = stream(random.Random(seed), late, 40)
    play = Play(rules)
    wanted = []
    for topic, signal in signals:
        found = brute.feed(topic, signal, matches(topic, signal, filtered))
        wanted += [(account, group, at - START) for account, group, at in found]
    play.feed(*signals)
    found = [
        (detection["account"], detection["values"].get("device"), at)
        for detection, at in zip(play.detections, play.moments(), strict=True)
    ]
    assert found == wanted, f"seed {seed}"
    return len(found)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_rule_sets_find_what_brute_force_finds_in_order_and_late(tmp_path, batch):
    fired = 0
    for seed in range(batch * RULE_SETS // BATCHES, (batch + 1) * RULE_SETS // BATCHES):
        fired += check(seed, tmp_path, delay=False)
        fired += check(seed, tmp_path, delay=True)
    assert fired > RULE_SETS // BATCHES, "these rules hardly ever fire: the test says little"
