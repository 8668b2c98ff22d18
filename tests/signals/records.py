"""Records for the tests of this folder: good ones, and the raw form a decoder reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

NOW_MS = 1_790_000_000_000

GOOD: dict[str, dict[str, Any]] = {
    "activity": {
        "id": "s1",
        "account": "a1",
        "kind": "prompt.submitted",
        "at": NOW_MS,
        "surface": "input",
        "device": "d-1",
        "model": "m-1.0",
    },
    "moderation-hits": {
        "id": "h1",
        "account": "a1",
        "at": "2026-09-21T14:13:20.000Z",
        "act_at": "2026-09-21T16:13:19.5+02:00",
        "source": "classifier",
        "category": "spam",
        "verdict": "suspected",
        "score": 0.9,
        "surface": "output",
    },
    "reviews": {
        "id": "r1",
        "account": "a1",
        "at": NOW_MS,
        "decision": "d1",
        "stage": "first",
        "outcome": "upheld",
        "reviewer": "p1",
        "viewed": True,
    },
    "account-commands": {
        "id": "c1",
        "account": "a1",
        "kind": "snooze",
        "until": NOW_MS + 86_400_000,
        "reviewer": "p1",
        "at": NOW_MS,
        "reason": "research",
    },
    "pattern-commands": {
        "id": "c1",
        "pattern": "a1",  # the key of all records here
        "kind": "release",
        "target": "p1",
        "reviewer": "p1",
        "at": "2026-09-21T14:13:20.000Z",
        "reason": "reviewed",
    },
}


@dataclass
class Raw:
    value: bytes | None
    key: bytes | None = b"a1"
    timestamp: int = NOW_MS
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    offset: int = 0


def raw(value: Any, **changes: Any) -> Raw:
    """A record of a JSON-able value, or of bytes as they are."""
    body = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return Raw(body, **changes)


def changed(topic: str, without: str = "", **fields: Any) -> dict[str, Any]:
    record = {**GOOD[topic], **fields}
    record.pop(without, None)
    return record
