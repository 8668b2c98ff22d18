"""Whole rules, chained ones included, judged by brute force: everything is kept, for ever.

A rule is a tree of plain data (`Node`), the same one the YAML is written from. Shares no code with
`streams.patterns`; what a window must hold stands in `tests.patterns.reference`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.patterns.reference import Kept, Reference

SOURCES = ("hash_match", "classifier", "user_report", "trusted_flagger", "human")


@dataclass
class Node:
    """One correlation: its name, what it refers to (names of detections, or nodes), and the rest.

    `group` is the field that groups beside the account, `words` a tree over places in `rules`.
    """

    name: str
    kind: str
    rules: list[Any]
    timespan: int
    op: str = "gte"
    bound: float = 1
    group: str | None = None
    value: str | None = None
    percentile: int = 50
    words: Any = None

    def names(self) -> list[str]:
        return [rule if isinstance(rule, str) else rule.name for rule in self.rules]

    def all(self) -> list[Node]:
        below = [node for rule in self.rules if isinstance(rule, Node) for node in rule.all()]
        return [self, *below]


@dataclass
class Level:
    """What one node has seen of one account and group."""

    window: Reference
    satisfied: set[str] = field(default_factory=set)


@dataclass
class Brute:
    """One rule. `matches` says which detections a signal matches, by name."""

    root: Node
    lateness: int
    cooldown: int
    independent: int = 1
    levels: dict[tuple[str, str, str | None], Level] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def feed(
        self, topic: str, signal: dict[str, Any], matches: set[str]
    ) -> list[tuple[str, str | None, int]]:
        """(account, group, time) of every firing this signal brings about."""
        account, at = signal["account"], signal["at"]
        if (topic, account, signal["id"]) in self.seen:
            return []
        self.seen.add((topic, account, signal["id"]))
        newest = self.newest[account] = max(at, self.newest.get(account, 0))
        if newest - at > self.lateness:
            return []
        identifier = f"{topic} {signal['id']}"
        found = []
        for group, moments in self._enter(self.root, account, identifier, signal, matches).items():
            level = self._level(self.root, account, group)
            for moment in sorted({moment for moment, _, _ in moments}):
                if level.window.held(moment) is not None:
                    found += [(account, group, moment)]
        return sorted(found, key=lambda one: one[2])

    def _enter(
        self, node: Node, account: str, identifier: str, signal: dict[str, Any], matches: set[str]
    ) -> dict[str | None, list[tuple[int, str, int]]]:
        """Per group, the records (time, id, sources) at which the node is satisfied only now."""
        entering: dict[tuple[str | None, int, str], tuple[Any, int]] = {}

        def put(group: str | None, at: int, name: str, value: Any, sources: int) -> None:
            known, others = entering.get((group, at, name), (None, 0))
            if known is not None and node.kind.startswith("temporal"):
                value |= known
            elif known is not None:
                value = known
            entering[group, at, name] = (value, sources | others)

        for place, rule in enumerate(node.rules):
            bit = 1 << node.names().index(node.names()[place])
            if isinstance(rule, str):
                if rule not in matches:
                    continue
                group = signal.get(node.group) if node.group else None
                if node.group and group is None:
                    continue
                value = signal.get(node.value) if node.value else bit
                put(group, signal["at"], identifier, value, _source(signal))
            else:
                below = self._enter(rule, account, identifier, signal, matches)
                for group, records in below.items():
                    value = group if node.value else bit
                    for at, name, sources in records:
                        put(group if node.group else None, at, name, value, sources)
        return self._satisfied(node, account, entering)

    def _satisfied(
        self, node: Node, account: str, entering: Any
    ) -> dict[str | None, list[tuple[int, str, int]]]:
        found: dict[str | None, list[tuple[int, str, int]]] = {}
        first: dict[str | None, int] = {}
        for (group, at, name), (value, sources) in entering.items():
            records = self._level(node, account, group).window.records
            new = Kept(at, len(records), name, value, sources)
            for old in [kept for kept in records if (kept.at, kept.id) == (at, name)]:
                records.remove(old)
                united = old.value | value if node.kind.startswith("temporal") else old.value
                new = Kept(at, len(records), name, united, old.source | sources)
            records.append(new)
            first[group] = min(at, first.get(group, at))
        for group, at in first.items():
            level = self._level(node, account, group)
            for moment in sorted({kept.at for kept in level.window.records if kept.at >= at}):
                inside = level.window.window(moment)
                if not level.window.holds(inside):
                    continue
                classes = 0
                for kept in inside:
                    classes |= kept.source
                for kept in inside:
                    if kept.at == moment and kept.id not in level.satisfied:
                        level.satisfied.add(kept.id)
                        found.setdefault(group, []).append((moment, kept.id, classes))
        return found

    def _level(self, node: Node, account: str, group: str | None) -> Level:
        outermost = node is self.root
        return self.levels.setdefault(
            (node.name, account, group),
            Level(
                Reference(
                    node.kind,
                    node.timespan,
                    self.lateness,
                    self.cooldown,
                    node.op,
                    node.bound,
                    tuple(1 << node.names().index(name) for name in node.names()),
                    node.words,
                    node.percentile,
                    self.independent if outermost else 1,
                )
            ),
        )


def _source(signal: dict[str, Any]) -> int:
    source = signal.get("source")
    if source is None or (source == "user_report" and "reporter" not in signal):
        return 0
    return 1 << SOURCES.index(source)
