"""How soon a person should look at something: 1 comes first in the review queue."""

from __future__ import annotations

FIRST = 1
_BY_SEVERITY = {"critical": FIRST, "high": 2, "medium": 3}
LAST = 4


def priority_of(severity: str) -> int:
    """The priority of what a pattern of that severity asks for."""
    return _BY_SEVERITY.get(severity, LAST)
