"""What is wrong with a policy file: where, what, and what to do instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_SHOWN_CHARS = 60

Path = tuple[str | int, ...]
"""Where a value stands: keys, and places in lists counted from 0."""


class Mistake(NamedTuple):
    """One mistake. `line` counts from 1, 0 speaks of the whole file; `key` is dotted."""

    file: str
    line: int
    key: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}:{key} {self.message}{hint}"


class PolicyError(Exception):
    """A policy that must not be used. `mistakes` has all of them, in file order."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, mistakes)))


def dotted(path: Path) -> str:
    """A path as people write it: ``ladders.default.rungs[2].lasts``, places counted from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = f'"{part}"' if "." in part else part
            text += f".{name}" if text else name
    return text


def shown(value: object) -> str:
    """A value for a message, as short as it can be told apart."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def one_of(word: object, known: Iterable[str]) -> str:
    """A suggestion in place of a wrong `word`."""
    names = list(known)
    close = difflib.get_close_matches(str(word), names, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(names)}"
