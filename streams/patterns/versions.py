"""Names for what a rule means and for a set of rule files, as hashes that never change by chance.

*Semantic version*: the detection or correlation, the rules it refers to, and the `vigil:` block,
without anything a reader sees but the engine doesn't (title, comments, names, tests), and without
whom it is live for (status, rollout): promoting a pattern keeps its windows. *Rule set*:
all files, byte by byte. Both are lower-case base32 SHA-256, 16 and 26 characters.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from streams.patterns.correlation_rules import CorrelationRule
from streams.patterns.filters import searches_of
from streams.patterns.references import References
from streams.patterns.rule import Rule
from streams.patterns.words import meaning_of_words
from streams.signals.durations import parse_duration_ms

VERSION_CHARS = 16
KEY_CHARS = 10
RULESET_CHARS = 26

_NOT_MEANING = frozenset({"tests", "rollout", "unless"})
"""Keys of the block that are no part of it as written: `tests` and `rollout` change nothing about
what is found (for whom it is live is like `status`), and what `unless` names is in the meaning."""
_DEFAULTS = {"evidence": 1}


def base32_sha256(data: bytes, chars: int) -> str:
    """The first `chars` of the lower-case base32 SHA-256."""
    return base64.b32encode(hashlib.sha256(data).digest()).decode().lower()[:chars]


class Meanings:
    """What rules mean: the same for two files that differ in form only."""

    def __init__(self, references: References) -> None:
        self._references = references

    def of(self, rule: Rule) -> dict[str, Any]:
        """What a rule that reports finds, and what must not follow."""
        meaning = self._of(rule)
        unless = rule.block.unless
        if unless is not None:
            stops = [self._of(stop) for stop in self._references.stops(rule)]
            meaning["unless"] = {
                "within": unless.within,
                "rules": sorted(stops, key=lambda stop: json.dumps(stop, sort_keys=True)),
            }
        return meaning

    def _of(self, rule: Rule) -> dict[str, Any]:
        if rule.correlation is not None:
            return self._correlation(rule, rule.correlation)
        meaning: dict[str, Any] = {"topic": rule.topic, "detection": rule.detection}
        if rule.narrowed_by:
            meaning["filters"] = sorted(
                (searches_of(other.document.data["filter"]) for other in rule.narrowed_by),
                key=lambda searches: json.dumps(searches, sort_keys=True),
            )
        return meaning

    def _correlation(self, rule: Rule, spec: CorrelationRule) -> dict[str, Any]:
        section = rule.document.data["correlation"]
        targets = self._references.of(rule)
        condition = section.get("condition")
        if spec.words is not None:
            bits = {name: 1 << place for place, name in enumerate(dict.fromkeys(spec.rules))}
            condition = meaning_of_words(spec.words, bits)
        return {
            "type": spec.type,
            "rules": [self._of(target) for target in targets],
            "group-by": list(spec.group_by),
            "timespan": spec.timespan,
            "condition": condition,
            "aliases": {
                alias: [mapping[name] for name in spec.rules]
                for alias, mapping in spec.aliases.items()
            },
        }


def semantic_version(meaning: Mapping[str, Any], block: Mapping[str, Any] | None) -> str:
    """The version of a pattern: its meaning and its block, without what changes no detection."""
    policy = {
        key: _plain_duration(key, value)
        for key, value in (block or {}).items()
        if key not in _NOT_MEANING and value is not None and _DEFAULTS.get(key) != value
    }
    text = json.dumps([meaning, policy], sort_keys=True, separators=(",", ":"))
    return base32_sha256(text.encode(), VERSION_CHARS)


def window_key(pattern: str, version: str) -> str:
    """The short name windows and episodes of one version of one pattern are stored under."""
    return base32_sha256(f"{pattern}/{version}".encode(), KEY_CHARS)


def ruleset_hash(files: Iterable[tuple[str, bytes]]) -> str:
    """The hash of all files, given as (name relative to their directory, contents)."""
    data = b"".join(
        len(part).to_bytes(4, "big") + part
        for name, contents in sorted(files)
        for part in (name.encode(), contents)
    )
    return base32_sha256(data, RULESET_CHARS)


def _plain_duration(key: str, value: Any) -> Any:
    return parse_duration_ms(value) if key in ("cooldown", "lateness") else value
