"""At which line of a TOML file each value stands: `tomllib` tells values, not places.

It reads only what `tomllib` has accepted, so it need not find mistakes, and may be short.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from streams.policy.mistakes import Path

_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> Mapping[Path, int]:
    """The line, counted from 1, of every key, table and item of a list; `text` is valid TOML."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # how many of an array of tables were seen

    def scan(self) -> Mapping[Path, int]:
        self._skip(_BLANK)
        table: Path = ()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Path:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        start = self._at
        self._at += brackets
        table: Path = ()
        *above, last = self._keys()
        for key in above:
            table = self._inside((*table, key))
            self._note(table, start)
        table = (*table, last)
        self._at += brackets
        self._note(table, start)
        if brackets == 1:
            return table
        number = self._tables.get(table, 0)
        self._tables[table] = number + 1
        self._note((*table, number), start)
        return (*table, number)

    def _inside(self, table: Path) -> Path:
        """A key in a header that names an array of tables speaks of its newest."""
        count = self._tables.get(table)
        return table if count is None else (*table, count - 1)

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys())
        for depth in range(len(table) + 1, len(path) + 1):
            self._note(path[:depth], start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if first in "\"'" else _PLAIN)

    def _list(self, path: Path) -> None:
        self._at += 1
        number = 0
        while not self._closed("]"):
            self._note((*path, number), self._at)
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        """Go to the next item, or past the closing bracket."""
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)
        if self._text[self._at] == bracket:
            self._at += 1
            return True
        return False

    def _keys(self) -> list[str]:
        found = []
        while True:
            self._skip(_SPACE)
            match = _KEY.match(self._text, self._at)
            assert match is not None, "not valid TOML"
            self._at = match.end()
            key = match.group()
            if key[0] in "\"'":
                (key,) = tomllib.loads(f"{key} = 0")
            found.append(key)
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return found
            self._at += 1

    def _note(self, path: Path, at: int) -> None:
        self._lines.setdefault(path, self._text.count("\n", 0, at) + 1)

    def _skip(self, what: re.Pattern[str]) -> None:
        match = what.match(self._text, self._at)
        assert match is not None, "not valid TOML"
        self._at = match.end()
