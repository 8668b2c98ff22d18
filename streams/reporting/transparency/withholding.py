"""Which figures of a table are withheld, so that what is about few people can't be worked out.

A figure about fewer than k people is *small*, and withheld. That isn't enough: whoever knows a sum
and its other parts knows the part that is missing. So more is withheld, as little as is found to
do, until for each small figure what is told leaves open

- of an innermost one, every value from 1 to k at least;
- of a sum, at least k values.

Nobody can then recompute it, nor tell it from one that was withheld for another's sake.

How that is known: every figure stands in two sums at most (of its row's columns, and of its
column's rows), so the sums are the nodes of a graph and the figures its edges, a flow that is
conserved at each node. Another table that agrees with everything told is this one plus a flow
around a cycle of withheld edges. How far a figure can go up or down is therefore the greatest flow
from its one end to the other through the withheld edges, each within what a reader knows of it: at
least 1 (a zero is told), and, where the number of people is told, an innermost figure no more than
that and the sum of all no less. Where the flow is too small, the cheapest way around tells what to
withhold besides.

What is told of the same cells beside the accounts (events) follows the same decision. It is at
least one per account, so the difference of the two, added to any other table of accounts, is a
table of events that agrees as well: knowing the events narrows nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from streams.reporting.transparency.tables import WHOLE, Column, Figure, Table

LEAST_K = 3
"""With two, what is withheld could only be a one."""

_NO_LIMIT = 1 << 60
_TOTAL: Figure = (WHOLE, ())
_Node = tuple[str, str, Column]
"""A sum: of a row's columns, of a column's rows, or of all."""


class Withheld(NamedTuple):
    """What is not told: figures, and whether the number of distinct people is among them."""

    figures: frozenset[Figure]
    people: bool


class _Edge(NamedTuple):
    """A figure that isn't zero, from node to node, and how far it can go down and up."""

    start: _Node
    end: _Node
    value: int
    down: int
    up: int


def withhold(
    table: Table, k: int, *, people_told: bool = True, together: Collection[Column] = ()
) -> Withheld:
    """What must not be told of a table, so that nothing about fewer than `k` people is known.

    `people_told`: whether the number of distinct people in it is told, if it may be. The sum of
    all is withheld only where nothing else helps, and that number before it. `together`: columns
    that are withheld in a row where one of them is small, because what is known of their meaning
    would tell one from the others.
    """
    people = table.people(_TOTAL)
    small = [f for f in table.figures() if table.accounts(f) and table.people(f) < k]
    if 0 < people < k:
        # Nothing that isn't zero is told, and nothing bounds it.
        return Withheld(frozenset(f for f in table.figures() if table.accounts(f)), people=True)
    joined = [
        (row, column)
        for row, one in small
        if one in together
        for column in together
        if table.accounts((row, column))
    ]
    bounds = [people] if people_told else []
    for bound, kept in (*((bound, {_TOTAL}) for bound in bounds), (None, {_TOTAL}), (None, set())):
        graph = _Graph(table, bound, kept)
        if graph.protect({*small, *joined}, k):
            return Withheld(frozenset(graph.hidden), people=bound is None)
    raise AssertionError("with every figure withheld each may have any value")


class _Graph:
    """A table as a flow. `bound` is the number of people if it is told; `kept` is never withheld."""

    def __init__(self, table: Table, bound: int | None, kept: Collection[Figure]) -> None:
        self.hidden: set[Figure] = set()
        self._kept = kept
        self._leaves = frozenset(table.leaves)
        self._edges = {
            figure: _edge(figure, value, figure[1] in self._leaves, bound)
            for figure in table.figures()
            if (value := table.accounts(figure))
        }
        self._at: dict[_Node, list[Figure]] = {}
        for figure, edge in self._edges.items():
            for node in (edge.start, edge.end):
                self._at.setdefault(node, []).append(figure)

    def protect(self, wanted: Iterable[Figure], k: int) -> bool:
        """Withhold these and what they need; whether that can be done."""
        figures = sorted(wanted, key=lambda figure: (self._edges[figure].value, figure))
        self.hidden.update(figures)
        for figure in figures:
            value = self._edges[figure].value
            innermost = figure[1] in self._leaves and figure[0] != WHOLE
            # Others may go either way; up is as good, for nothing stops it but `bound`.
            down, up = (value - 1, k - value) if innermost and value < k else (0, k - 1)
            for steps, upwards in ((down, False), (up, True)):
                needed = self._way_around(figure, steps, upwards=upwards)
                if needed is None:
                    return False
                self.hidden |= needed
        return True

    def _way_around(self, figure: Figure, steps: int, *, upwards: bool) -> set[Figure] | None:
        """What has to be withheld as well for a figure to go so far; None if nothing helps."""
        edge = self._edges[figure]
        if steps > (edge.up if upwards else edge.down):
            return None
        start, goal = (edge.end, edge.start) if upwards else (edge.start, edge.end)
        moved: dict[Figure, int] = {}
        while steps > 0:
            way = self._cheapest(start, goal, {figure}, moved)
            if way is None:
                return None
            sent = min(steps, *(room for _, _, room in way))
            for one, sign, _ in way:
                moved[one] = moved.get(one, 0) + sign * sent
            steps -= sent
        return {one for one, by in moved.items() if by} - self.hidden

    def _cheapest(
        self, start: _Node, goal: _Node, without: set[Figure], moved: dict[Figure, int]
    ) -> list[tuple[Figure, int, int]] | None:
        """The way from node to node that withholds least: figures, up or down, and their room."""
        best: dict[_Node, int] = {start: 0}
        came: dict[_Node, tuple[_Node, tuple[Figure, int, int]]] = {}
        queue = [(0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node == goal:
                return list(_back(came, start, goal))
            if cost > best[node]:
                continue
            for figure in self._at[node]:
                if figure in without or (figure in self._kept and figure not in self.hidden):
                    continue
                edge = self._edges[figure]
                sign = 1 if edge.start == node else -1
                by = moved.get(figure, 0)
                room = edge.up - by if sign > 0 else edge.down + by
                free = figure in self.hidden or by
                onward = edge.end if sign > 0 else edge.start
                total = cost + (0 if free else edge.value)
                if room > 0 and total < best.get(onward, _NO_LIMIT):
                    best[onward] = total
                    came[onward] = (node, (figure, sign, room))
                    heapq.heappush(queue, (total, onward))
        return None


def _edge(figure: Figure, value: int, leaf: bool, bound: int | None) -> _Edge:  # noqa: FBT001
    """Where it stands: each row's flow goes from its sum down to the columns, and back by `WHOLE`."""
    row, column = figure
    above: _Node = ("row", row, column[:-1]) if column else ("all", WHOLE, ())
    below: _Node = ("column", WHOLE, column) if leaf else ("row", row, column)
    if row == WHOLE:
        above, below = below, above
    up, down = _NO_LIMIT, value - 1
    if bound is not None:
        if leaf and row != WHOLE:
            up = bound - value
        elif figure == _TOTAL:
            down = value - bound
    return _Edge(above, below, value, down, up)


def _back(
    came: dict[_Node, tuple[_Node, tuple[Figure, int, int]]], start: _Node, goal: _Node
) -> Iterator[tuple[Figure, int, int]]:
    node = goal
    while node != start:
        node, step = came[node]
        yield step
