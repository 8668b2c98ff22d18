"""Tables for people and JSON for programs, both to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

_PLAIN_WIDTH = 120


def as_json(value: Any) -> None:
    """One JSON document and a newline."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def as_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as wide as the terminal; piped, one line per row, cells never cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not sys.stdout.isatty():
        for row in (columns, *rows):
            sys.stdout.write("\t".join(_cell(value) for value in row) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: square brackets in a value are no styling.
        table.add_row(*(Text(_cell(value)) for value in row))
    Console().print(table)


def show(records: Sequence[Mapping[str, Any]], columns: Sequence[str], *, json_: bool) -> None:
    """Records as JSON, or their `columns` as a table."""
    if json_:
        as_json(list(records))
    else:
        as_table(columns, [[record[column] for column in columns] for record in records])


def for_people(make: Callable[[int], RenderableType]) -> None:
    """What `make` gives for so many columns: those of the terminal, or 120 where there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    console = Console(width=width, highlight=False)
    console.print(make(console.width))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    # A rule's title is anybody's text: it must not steer the reader's terminal.
    return "".join(one if one.isprintable() else "�" for one in text)
