"""What is withheld can't be worked out: tried by trying all tables that agree with what is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.reporting.transparency.tables import WHOLE, Column, Figure, Table
from streams.reporting.transparency.withholding import Withheld, withhold

FLAT: tuple[Column, ...] = (("a",), ("b",), ("c",))
NESTED: tuple[Column, ...] = (("warn", "again"), ("warn", "not"), ("lock",))
K = 3


def table(cells: dict[Figure, int], leaves=FLAT, *, shared: int = 0) -> Table:
    """So many accounts per cell; with `shared` people are drawn from so many, else all differ."""
    made, numbers = Table(leaves), count()
    for (row, leaf), accounts in cells.items():
        for n in range(accounts):
            made.add(row, leaf, n if shared else next(numbers))
    return made


def solutions(one: Table, withheld: Withheld, most: int) -> Iterator[dict[Figure, int]]:
    """Every table a reader can't rule out: innermost figures from 1 to `most`, sums as told.

    By trying, cell by cell; it shares nothing with the product but the shape of the table.
    """
    cells = [
        (row, leaf) for row in one.rows for leaf in one.leaves if one.accounts((row, leaf))
    ]  # zeros are told
    told = {f: one.accounts(f) for f in one.figures() if f not in withheld.figures}
    people = None if withheld.people else one.people((WHOLE, ()))
    sums = {
        figure: [c for c in cells if figure[0] in (WHOLE, c[0]) and c[1][: len(figure[1])] == figure[1]]
        for figure in one.figures()
    }  # fmt: skip
    last = {figure: max(map(cells.index, parts), default=-1) for figure, parts in sums.items()}
    due = {n: [f for f in told if last[f] == n] for n in range(len(cells))}

    def fill(n: int, values: dict[Figure, int]) -> Iterator[dict[Figure, int]]:
        if n == len(cells):
            whole = {figure: sum(values[c] for c in parts) for figure, parts in sums.items()}
            if people is None or (max(values.values()) <= people <= whole[WHOLE, ()]):
                yield whole
            return
        cell = cells[n]
        for value in [told[cell]] if cell in told else range(1, most + 1):
            values[cell] = value
            if all(sum(values[c] for c in sums[f]) == told[f] for f in due[n]):
                yield from fill(n + 1, values)

    yield from fill(0, {})


def possible(one: Table, withheld: Withheld, most: int = 6) -> dict[Figure, set[int]]:
    found: dict[Figure, set[int]] = {figure: set() for figure in withheld.figures}
    for whole in solutions(one, withheld, most):
        for figure, values in found.items():
            values.add(whole[figure])
    return found


def cells_of(leaves, rows=("x", "y")):
    numbers = st.sampled_from([0, 0, 1, 1, 2, 2, 3, 4])
    return st.fixed_dictionaries({(row, leaf): numbers for row in rows for leaf in leaves}).filter(
        lambda cells: any(cells.values())
    )


@pytest.mark.parametrize("leaves", [FLAT, NESTED])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_withheld_may_be_several_things_and_what_is_small_at_least_k(leaves, data):
    one = table(data.draw(cells_of(leaves)), leaves, shared=data.draw(st.sampled_from([0, 5])))
    together = data.draw(st.sampled_from([(), (leaves[0][:1], leaves[2])]))
    withheld = withhold(one, K, together=together)
    found = possible(one, withheld)
    for figure, values in found.items():
        assert one.accounts(figure) in values  # the truth is among what the test thinks possible
        small = one.people(figure) < K
        assert len(values) >= (K if small else 2), (figure, values)
        if small and figure[0] != WHOLE and figure[1] in leaves:
            assert set(range(1, K + 1)) <= values, (figure, values)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_nothing_about_fewer_than_k_is_told_and_zeros_are(data):
    one = table(data.draw(cells_of(NESTED, rows=("x", "y", "z"))), NESTED, shared=data.draw(st.sampled_from([0, 5])))  # fmt: skip
    withheld = withhold(one, K)
    for figure in one.figures():
        if one.accounts(figure) == 0:
            assert figure not in withheld.figures
        elif one.people(figure) < K:
            assert figure in withheld.figures
    assert withheld.people or one.people((WHOLE, ())) >= K


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_sums_are_the_sums_of_their_parts(data):
    one = table(data.draw(cells_of(NESTED)), NESTED, shared=5)
    for row, column in one.figures():
        if column not in one.leaves:
            parts = [(row, part) for part in one.within(column)]
            assert one.accounts((row, column)) == sum(map(one.accounts, parts))
            assert one.events((row, column)) == sum(map(one.events, parts))
        if row == WHOLE:
            assert one.accounts((row, column)) == sum(one.accounts((r, column)) for r in one.rows)


def test_a_small_figure_takes_the_smallest_other_of_its_row_and_column_with_it():
    numbers = {"x": (2, 50, 60), "y": (70, 40, 90), "z": (80, 95, 30)}
    cells = {(row, leaf): n for row, of in numbers.items() for leaf, n in zip(FLAT, of, strict=True)}  # fmt: skip
    assert withhold(table(cells), K).figures == {
        ("x", ("a",)), ("x", ("b",)), ("y", ("a",)), ("y", ("b",))
    }  # fmt: skip


def test_two_ones_do_not_hide_each_other():
    # Their sum is two, and none of them is zero: a reader would know both.
    cells = {("x", ("a",)): 1, ("x", ("b",)): 1, ("x", ("c",)): 40, ("y", ("a",)): 30, ("y", ("b",)): 30, ("y", ("c",)): 30}  # fmt: skip
    one = table(cells)
    withheld = withhold(one, K)
    found = possible(one, withheld, most=45)
    assert all(len(found[figure]) >= K for figure in found if one.people(figure) < K)
    assert len(withheld.figures) > 4


def test_the_number_of_people_is_withheld_where_it_would_tell():
    # All forty are in one cell, so that it can't be more, and the small one no less.
    one = Table(FLAT[:2])
    for person in range(40):
        one.add("x", ("a",), person)
    for person in range(2):
        one.add("x", ("b",), person)
    assert withhold(one, K) == Withheld(
        frozenset({("x", ("a",)), ("x", ("b",)), (WHOLE, ("a",)), (WHOLE, ("b",))}), people=True
    )
    assert withhold(table({("x", ("a",)): 40, ("x", ("b",)): 2}, FLAT[:2]), K).people is False


def test_a_person_in_many_cells_is_still_one_person():
    one = Table(FLAT)
    for leaf in FLAT:
        one.add("x", leaf, 1, events=100)
        for person in range(10, 30):
            one.add("y", leaf, person)
    assert ("x", ()) in withhold(one, K).figures  # three, but of one person


def test_what_goes_together_is_withheld_together_where_one_is_small():
    cells = {("x", ("a",)): 2, ("x", ("b",)): 50, ("x", ("c",)): 50, ("y", ("a",)): 40, ("y", ("b",)): 40, ("y", ("c",)): 40}  # fmt: skip
    hidden = withhold(table(cells), K, together=[("a",), ("c",)]).figures
    assert {("x", ("a",)), ("x", ("c",))} <= hidden
    assert ("y", ("a",)) in hidden
    alone = withhold(table(cells), K).figures
    assert len(alone & {("x", ("b",)), ("x", ("c",))}) == 1


def test_a_large_report_is_decided_quickly():
    columns: tuple[Column, ...] = tuple((f"c{n}", part) for n in range(9) for part in "ab")
    cells = {(f"r{m:02}", leaf): (m * n * 7919) % 61 % 23 for m in range(1, 15) for n, leaf in enumerate(columns, 1)}  # fmt: skip
    one = table(cells, columns)
    withheld = withhold(one, 5)
    assert 0 < len(withheld.figures) < len(list(one.figures()))
