"""A policy file as TOML, and asking it for values: what is wrong is noted, and all is read on.

A value that can't be used is answered with None, so that one run tells every mistake.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from streams.policy.lines import lines_of
from streams.policy.mistakes import Mistake, Path, PolicyError, dotted, one_of, shown
from streams.signals.durations import format_duration, parse_duration_ms

MAX_FILE_BYTES = 65_536

_SYNTAX = re.compile(r"(.*) \(at line (\d+), column \d+\)", re.DOTALL)


@dataclass
class Document:
    """A file's values, where they stand, and what was found wrong with them."""

    file: str
    values: Mapping[str, Any]
    lines: Mapping[Path, int]
    found: list[Mistake] = field(default_factory=list)

    def wrong(self, path: Path, message: str, suggestion: str = "") -> None:
        """Note a mistake, at the line of the value or of what it would stand in."""
        line = next(
            (self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 0
        )
        self.found.append(Mistake(self.file, line, dotted(path), message, suggestion))

    def table(
        self, path: Path, value: object, keys: Iterable[str], needed: Iterable[str] = ()
    ) -> Mapping[str, Any]:
        """A table of those keys; what is wrong with it is left out."""
        if not isinstance(value, dict):
            self.wrong(path, "must be a table", f"write [{dotted(path)}]")
            return {}
        keys = tuple(keys)
        for key in value:
            if key not in keys:
                self.wrong((*path, key), "is not known here", one_of(key, keys))
        for key in needed:
            if key not in value:
                self.wrong(path, f"has no {key}", f"add {key} = …")
        return {key: value[key] for key in value if key in keys}

    def word(self, path: Path, value: object, known: Collection[str]) -> str | None:
        """One of the known words."""
        if isinstance(value, str) and value in known:
            return value
        self.wrong(path, f"can't be {shown(value)}", one_of(value, known))
        return None

    def words(self, path: Path, value: object, known: Collection[str]) -> frozenset[str]:
        """A list of known words, each once."""
        if not isinstance(value, list):
            self.wrong(path, "must be a list", 'write ["a", "b"]')
            return frozenset()
        read = [self.word((*path, n), item, known) for n, item in enumerate(value)]
        for n, word in enumerate(read):
            if word is not None and word in read[:n]:
                self.wrong((*path, n), f"{word} stands there twice", "remove one")
        return frozenset(word for word in read if word is not None)

    def whole(self, path: Path, value: object, least: int) -> int | None:
        """A whole number, from `least` on."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.wrong(path, f"must be a whole number from {least} on, not {shown(value)}")
        return None

    def number(self, path: Path, value: object, least: float, most: float) -> float | None:
        """A number within bounds."""
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and least <= value <= most
        ):
            return float(value)
        self.wrong(path, f"must be a number from {least:g} to {most:g}, not {shown(value)}")
        return None

    def duration(self, path: Path, value: object, least: int, most: int) -> int | None:
        """A duration, in ms."""
        ms = parse_duration_ms(value)
        if ms is None or ms % 1000:
            hint = 'write it in whole seconds: "90s", "10m", "72h" or "30d"'
            self.wrong(path, f"{shown(value)} is not a duration", hint)
        elif not least <= ms <= most:
            bounds = f"from {format_duration(least)} to {format_duration(most)}"
            self.wrong(path, f"must be {bounds}, not {shown(value)}")
        else:
            return ms
        return None


def read_document(path: File) -> Document:
    """The file's values. Raises `PolicyError` when it can't be read or is not TOML."""
    name = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(name, f"can't be read: {error.strerror}") from None
    return parse_document(name, raw)


def parse_document(name: str, raw: bytes) -> Document:
    """The values of a file that was read already. Raises `PolicyError` when it is not TOML."""
    if len(raw) > MAX_FILE_BYTES:
        raise _unreadable(name, f"is over {MAX_FILE_BYTES // 1024} KiB: not a policy file?")
    try:
        text = raw.decode()
        values = tomllib.loads(text)
        return Document(name, values, lines_of(text))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(name, "is not UTF-8", "save it as UTF-8", line) from None
    except RecursionError:
        raise _unreadable(name, "is nested too deep: not a policy file?") from None
    except tomllib.TOMLDecodeError as error:
        told = _SYNTAX.match(str(error))
        problem, line = (told[1], int(told[2])) if told else (str(error), text.count("\n") + 1)
        hint = 'check quotes, brackets and commas; a name with a dot is quoted: "content.remove"'
        raise _unreadable(name, f"is not TOML: {problem}", hint, line) from None


def _unreadable(name: str, message: str, suggestion: str = "", line: int = 0) -> PolicyError:
    return PolicyError([Mistake(name, line, "", message, suggestion)])
