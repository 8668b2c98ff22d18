"""Tables of people and events: rows by columns, columns within columns, and the sums of all.

A figure is a row and a column; `WHOLE` is the row of sums, and `()` the column of sums. A column
within another, `("warn", "again")` in `("warn",)`, is a part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

Column = tuple[str, ...]
Figure = tuple[str, Column]

WHOLE = ""
"""The row that sums up the others."""


class Table:
    """Who and how many, for rows and the innermost columns (`leaves`) of one question.

    People are given as digests. `accounts` counts each once per row and innermost column, so that
    every sum is the sum of its parts; `people` are the distinct ones, whom `withholding` asks for.
    """

    def __init__(self, leaves: Sequence[Column]) -> None:
        self.leaves = tuple(leaves)
        self._people: dict[Figure, set[int]] = {}
        self._events: Counter[Figure] = Counter()

    def add(self, row: str, leaf: Column, person: int, events: int = 1) -> None:
        """Count so many events of a person."""
        self._people.setdefault((row, leaf), set()).add(person)
        self._events[row, leaf] += events

    @property
    def rows(self) -> list[str]:
        """Those with anything in them, by name."""
        return sorted({row for row, _ in self._people})

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All, each before those within it; the column of sums first."""
        found: dict[Column, None] = {(): None}
        for leaf in self.leaves:
            found.update({leaf[:depth]: None for depth in range(1, len(leaf) + 1)})
        return tuple(found)

    def within(self, column: Column) -> tuple[Column, ...]:
        """The columns that are parts of this one, one level down."""
        depth = len(column)
        return tuple(c for c in self.columns if len(c) == depth + 1 and c[:depth] == column)

    def figures(self) -> Iterator[Figure]:
        """All, also the sums."""
        for row in (*self.rows, WHOLE):
            for column in self.columns:
                yield row, column

    def accounts(self, figure: Figure) -> int:
        """People, each once per row and innermost column."""
        return sum(len(self._people.get(one, ())) for one in self._parts(figure))

    def events(self, figure: Figure) -> int:
        """How often it happened."""
        return sum(self._events[one] for one in self._parts(figure))

    def people(self, figure: Figure) -> int:
        """Distinct people; of the sum of all sums, those of the whole table."""
        return len(set().union(*(self._people.get(one, ()) for one in self._parts(figure))))

    def _parts(self, figure: Figure) -> Iterator[Figure]:
        row, column = figure
        rows = self.rows if row == WHOLE else (row,)
        for leaf in self.leaves:
            if leaf[: len(column)] == column:
                yield from ((one, leaf) for one in rows)
