"""Names for what a rule means and for a set of rule files, as hashes that never change by chance.

*Semantic version*: the detection or correlation, the rules it refers to, and the `vigil:` block,
without anything a reader sees but the engine doesn't (title, comments, names, tests). *Rule set*:
all files, byte by byte. Both are lower-case base32 SHA-256, 16 and 26 characters.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from streams.patterns.durations import parse_duration_ms

VERSION_CHARS = 16
KEY_CHARS = 10
RULESET_CHARS = 26

_DEFAULTS = {"rollout": 100, "evidence": 1}


def base32_sha256(data: bytes, chars: int) -> str:
    """The first `chars` of the lower-case base32 SHA-256."""
    return base64.b32encode(hashlib.sha256(data).digest()).decode().lower()[:chars]


def detection_meaning(data: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """What a detection rule matches; the same for two files that differ in form only."""
    return {"topic": topic, "detection": data["detection"]}


def correlation_meaning(
    section: Mapping[str, Any], timespan: int, referenced: Mapping[str, Any]
) -> dict[str, Any]:
    """What a correlation finds; `referenced` maps each reference to that rule's meaning."""
    rules = section["rules"] if isinstance(section["rules"], list) else [section["rules"]]
    group_by = section["group-by"]
    return {
        "type": section["type"],
        "rules": [referenced[rule] for rule in rules],
        "group-by": group_by if isinstance(group_by, list) else [group_by],
        "timespan": timespan,
        "condition": section.get("condition"),
        "aliases": {
            alias: [mapping[rule] for rule in rules]
            for alias, mapping in (section.get("aliases") or {}).items()
        },
    }


def semantic_version(meaning: Mapping[str, Any], block: Mapping[str, Any] | None) -> str:
    """The version of a pattern: its meaning and its block, without the inline tests."""
    policy = {
        key: _plain_duration(key, value)
        for key, value in (block or {}).items()
        if key != "tests" and value is not None and _DEFAULTS.get(key) != value
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
