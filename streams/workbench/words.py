"""Words for people: what rules and records say, made fit for a screen."""

from __future__ import annotations

_SECOND_MS = 1_000
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", _SECOND_MS))
_PARTS = 2


def printable(text: str) -> str:
    """The text without control characters: a rule is anybody's, and must not steer a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 signal``, ``1,204 signals``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(ms: int) -> str:
    """In the two largest units that say something: ``3 h 20 min``, ``1 d``, ``40 ms``, ``0 s``."""
    parts = []
    for unit, size in _UNITS:
        count, ms = divmod(ms, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == _PARTS:
            break
    return " ".join(parts) or (f"{ms} ms" if ms else "0 s")


def offset(ms: int) -> str:
    """A time relative to another: ``−12 min 3 s``, ``+0.4 s``, ``0 s`` (the moment itself)."""
    sign = "−" if ms < 0 else "+" if ms > 0 else ""
    ms = abs(ms)
    return sign + (f"{ms / _SECOND_MS:.1f} s" if 0 < ms < _SECOND_MS else duration(ms))
