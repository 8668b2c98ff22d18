"""Words for people: what rules and records say, made fit for a screen."""

from __future__ import annotations

from streams.tap.show import duration


def printable(text: str) -> str:
    """The text without control characters: a rule is anybody's, and must not steer a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 signal``, ``1,204 signals``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def offset(ms: int) -> str:
    """A time relative to another: ``−12 min 3 s``, ``+4 s``, ``0 s`` (the moment itself)."""
    return ("−" if ms < 0 else "+" if ms > 0 else "") + duration(abs(ms))
