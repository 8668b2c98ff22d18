"""Rules and signals in, detections out: the accounts agent on the in-memory driver."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.agents.accounts import accounts_agent
from streams.agents.team import all_agents
from streams.engine.inline import play as play_inline  # noqa: F401 - found here by all tests of rules
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet, load_rules
from streams.signals import Schema
from streams.signals.times import parse_ms

SCHEMA = Schema.load(None)
START = 1_790_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_ids = itertools.count(1)

REFUSED = """
title: Refused
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01
name: refused
status: stable
logsource: {product: vigil, service: activity}
detection:
  it: {kind: prompt.refused}
  condition: it
"""
GENERATED = """
title: Generated
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a02
name: generated
status: stable
logsource: {product: vigil, service: activity}
detection:
  it: {kind: image.generated}
  condition: it
"""
HIT = """
title: Hit
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a03
name: hit
status: stable
logsource: {product: vigil, service: moderation-hits}
detection:
  it: {category: csam}
  condition: it
"""


def correlation(
    body: str,
    *,
    vigil: str = "",
    rules: Sequence[str] | None = None,
    head: str = "",
    status: str = "stable",
) -> str:
    """A rule file: one correlation with this body, and the rules it refers to."""
    if rules is None:
        known = {"refused": REFUSED, "generated": GENERATED, "hit": HIT}
        rules = [rule for name, rule in known.items() if re.search(rf"\b{name}\b", body)]
    lines = [
        "title: Correlation",
        "id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff",
        f"status: {status}",
        *head.splitlines(),
        "correlation:",
        *("  " + line for line in body.strip().splitlines()),
    ]
    if vigil:
        lines += ["vigil:", *("  " + line for line in vigil.strip().splitlines())]
    return "\n".join(lines) + "\n" + "".join("---" + rule for rule in rules)


def load(directory: Path, text: str, schema: Schema = SCHEMA) -> RuleSet:
    """The rule set of one file."""
    (directory / "rules.yml").write_text(text)
    return load_rules([directory], schema)


def activity(kind: str, at: int, account: str = "a1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """An activity `at` ms after the start."""
    return "activity", _filled({"kind": kind, "at": START + at, "account": account, **fields})


def refused(at: int, account: str = "a1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """A refused prompt."""
    return activity("prompt.refused", at, account, **fields)


def hit(at: int, account: str = "a1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """A suspected hit."""
    value = {"category": "csam", "source": "classifier", "verdict": "suspected", **fields}
    return "moderation-hits", _filled({"at": START + at, "account": account, **value})


def review(at: int, account: str = "a1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """A review."""
    value = {"decision": "d1", "stage": "first", "outcome": "upheld", "reviewer": "r1", **fields}
    return "reviews", _filled({"at": START + at, "account": account, **value})


def order(kind: str, at: int, account: str = "a1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """A command about an account."""
    value = {"kind": kind, "reviewer": "r9", "reason": "other", **fields}
    return "account-commands", _filled({"at": START + at, "account": account, **value})


def decree(kind: str, at: int, pattern: str, target: str) -> tuple[str, dict[str, Any]]:
    """A command about a pattern."""
    value = {"kind": kind, "pattern": pattern, "target": target, "reviewer": "r9"}
    return "pattern-commands", _filled({"at": START + at, **value, "reason": "other"})


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    value.setdefault("id", f"s{next(_ids)}")
    return {name: given for name, given in value.items() if given is not None}


def records(
    signals: Iterable[tuple[str, dict[str, Any]]],
) -> Iterator[tuple[str, bytes, bytes, int]]:
    """The signals as a driver takes them, in the order given, which is that of their arrival."""
    newest = 0
    for topic, value in signals:
        newest = max(newest, value["at"])
        key = value["pattern" if topic == "pattern-commands" else "account"]
        yield topic, key.encode(), msgspec.json.encode(value), newest


class Play:
    """All three agents running; what they emit is kept by topic, decoded."""

    def __init__(self, ruleset: RuleSet, **options: Any) -> None:
        self.agent = options.get("agent") or accounts_agent(ruleset, ruleset.schema, **options)
        _, *others = all_agents(ruleset)
        self.driver = MemoryDriver([self.agent, *others])
        self.out: dict[str, list[dict[str, Any]]] = {}

    @property
    def store(self) -> Any:
        return self.driver.processors[0].store

    def feed(self, *signals: tuple[str, dict[str, Any]]) -> Play:
        return self._take(self.driver.feed(records(signals)))

    def until(self, at: int) -> Play:
        """Time passes, to `at` ms after the start."""
        return self._take(self.driver.advance(START + at))

    def _take(self, outputs: Iterable[Any]) -> Play:
        for output in outputs:
            self.out.setdefault(output.topic, []).append(msgspec.json.decode(output.value))
        assert "dead-letters" not in self.out, self.out
        return self

    @property
    def detections(self) -> list[dict[str, Any]]:
        return self.out.get("detections", [])

    @property
    def enforcement(self) -> list[dict[str, Any]]:
        return self.out.get("enforcement", [])

    def moments(self) -> list[int]:
        """When the detections happened, in ms after the start, in the order emitted."""
        return [parse_ms(detection["at"]) - START for detection in self.detections]


def fires(ruleset: RuleSet, *signals: tuple[str, dict[str, Any]]) -> list[int]:
    """When the rule set's patterns fire on these signals, in ms after the start."""
    return Play(ruleset).feed(*signals).moments()
