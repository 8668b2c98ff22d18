"""Balance and stickiness of the assignment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.kafka.assignor import balance

members = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, max_size=6, unique=True)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[str], int, dict[str, list[int]]]:
    names = draw(members)
    partitions = draw(st.integers(1, 20))
    previous = {
        name: draw(st.lists(st.integers(0, 25), max_size=20, unique=True)) for name in names
    }
    return names, partitions, previous


@given(situations())
def test_every_partition_goes_to_one_member_and_shares_differ_by_one_at_most(
    situation: tuple[list[str], int, dict[str, list[int]]],
) -> None:
    names, partitions, previous = situation
    assigned = balance(names, partitions, previous)
    assert sorted(n for numbers in assigned.values() for n in numbers) == list(range(partitions))
    sizes = [len(numbers) for numbers in assigned.values()]
    assert max(sizes) - min(sizes) <= 1
    assert balance(names, partitions, previous) == assigned


@given(members, st.integers(1, 20))
def test_nothing_moves_when_nothing_has_changed(names: list[str], partitions: int) -> None:
    first = balance(names, partitions, {})
    assert balance(names, partitions, first) == first


@given(members, st.integers(1, 20))
def test_a_member_that_joins_takes_no_more_than_its_share(
    names: list[str], partitions: int
) -> None:
    first = balance(names, partitions, {})
    second = balance([*names, "zz"], partitions, first)
    moved = sum(number not in second[name] for name, numbers in first.items() for number in numbers)
    assert moved == len(second["zz"])


def test_four_partitions_over_three_workers_come_out_two_one_one() -> None:
    assigned = balance(["w1", "w2", "w3"], 4, {})
    assert sorted(map(len, assigned.values())) == [1, 1, 2]
