"""Durations as rule files and the policy file write them: ``90s``, ``10m``, ``1h30m``, ``14d``."""

from __future__ import annotations

import re

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:ms|[smhdw]))+\Z")


def parse_duration_ms(value: object) -> int | None:
    """Milliseconds, or None where `value` is no duration (a bare 0 is one)."""
    if value in (0, "0") and not isinstance(value, bool):
        return 0
    if not isinstance(value, str) or not _WHOLE.match(value):
        return None
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(value))


def format_duration(ms: int) -> str:
    """The shortest way to write a duration: ``1h30m``."""
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, ms = divmod(ms, _UNITS_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
