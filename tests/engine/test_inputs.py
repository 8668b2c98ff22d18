"""Merging by timestamp, against sorting; patience with an input that lags."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.inputs import GLANCE_S, PATIENCE_S, Inputs, Run
from streams.engine.memory import MemoryRecord

streams = st.lists(
    st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=4
)  # timestamps per input, as they were written


def records(timestamps: list[int]) -> list[MemoryRecord]:
    return [MemoryRecord(b"k", b"v", offset, ts) for offset, ts in enumerate(timestamps)]


def merged_by_heads(streams: list[list[int]]) -> list[tuple[int, int]]:
    """(input, offset) in the order Kafka Streams would choose: smallest head, earlier input."""
    left = [deque(records(timestamps)) for timestamps in streams]
    order = []
    while any(left):
        index = min(
            (i for i, one in enumerate(left) if one), key=lambda i: (left[i][0].timestamp, i)
        )
        order.append((index, left[index].popleft().offset))
    return order


@given(streams, st.integers(1, 5), st.integers(1, 7))
def test_records_come_in_the_order_of_the_smallest_head_whatever_the_chunks(
    streams: list[list[int]], chunk: int, limit: int
) -> None:
    inputs = Inputs(len(streams))
    for index, timestamps in enumerate(streams):
        every = records(timestamps)
        for start in range(0, len(every), chunk):
            part = every[start : start + chunk]
            inputs.add(index, part, part[-1].offset + 1, len(every))
    order = []
    next_offsets = [0] * len(streams)
    while (run := inputs.take(limit, 0.0)) is not None:
        assert 0 < len(run.records) <= limit
        order += [(run.source, record.offset) for record in run.records]
        next_offsets[run.source] = run.next_offset
        assert run.next_offset == run.records[-1].offset + 1
    assert order == merged_by_heads(streams)
    assert next_offsets == [len(timestamps) for timestamps in streams]
    assert not inputs
    assert all(inputs.buffered(index) == 0 for index in range(len(streams)))


def wait(inputs: Inputs, seconds: float, start: float = 0.0) -> Run | None:
    """Look as often as the owner does, for so long; the last answer."""
    run = None
    for look in range(round(seconds / GLANCE_S) + 1):
        run = inputs.take(1, start + look * GLANCE_S)
        if run is not None:
            break
    return run


def test_an_input_known_to_lag_makes_the_others_wait_a_second_and_no_longer() -> None:
    inputs = Inputs(2)
    inputs.seek(0, 0, 5)  # five records are there, none has arrived
    inputs.add(1, records([10]), 1, 1)
    assert wait(inputs, PATIENCE_S - GLANCE_S) is None
    assert inputs.patience_left(PATIENCE_S - GLANCE_S) == pytest.approx(GLANCE_S)
    run = inputs.take(10, PATIENCE_S)
    assert run is not None
    assert run.source == 1


def test_time_this_process_was_busy_with_other_things_is_no_time_waited() -> None:
    inputs = Inputs(2)
    inputs.seek(0, 0, 5)
    inputs.add(1, records([10]), 1, 1)
    assert inputs.take(10, 0.0) is None
    assert inputs.take(10, 60.0) is None, "one look, however late"
    assert wait(inputs, PATIENCE_S, start=60.0) is not None


def test_an_input_given_up_on_is_waited_for_again_once_it_has_shown_up() -> None:
    inputs = Inputs(2)
    inputs.seek(0, 0, 5)
    inputs.add(1, records([10, 11, 12]), 3, 3)
    assert wait(inputs, PATIENCE_S) is not None
    assert inputs.take(1, PATIENCE_S) is not None, "no second wait for the same absence"
    inputs.add(0, records([1]), 1, 5)
    run = inputs.take(10, PATIENCE_S)
    assert run is not None
    assert run.source == 0
    assert inputs.take(1, PATIENCE_S) is None, "it showed up and lags still"


def test_an_input_that_does_not_lag_is_not_waited_for() -> None:
    inputs = Inputs(2)
    inputs.seek(0, 5, 5)
    inputs.add(1, records([10]), 1, 1)
    assert inputs.take(10, 0.0) is not None


def test_a_chunk_that_does_not_follow_on_is_read_again() -> None:
    inputs = Inputs(1)
    inputs.seek(0, 10, 20)
    assert inputs.expected(0, 14) == 10, "a chunk was lost"
    assert inputs.expected(0, 8) == 10, "a chunk from before a seek"
    assert inputs.expected(0, 10) is None


def test_records_that_are_gone_from_the_topic_are_not_waited_for_for_ever() -> None:
    inputs = Inputs(1)
    inputs.seek(0, 10, 20)
    assert inputs.expected(0, 14) == 10
    assert inputs.expected(0, 14) is None


def test_records_handled_before_are_never_taken_again() -> None:
    inputs = Inputs(1)
    inputs.seek(0, 10, 20)
    assert [inputs.expected(0, 8) for _ in range(3)] == [10, 10, 10]


def test_control_markers_alone_move_the_offset_on() -> None:
    inputs = Inputs(1)
    inputs.add(0, [], 7, 7)
    run = inputs.take(10, 0.0)
    assert run is not None
    assert (len(run.records), run.next_offset) == (0, 7)


def test_ties_go_to_the_input_that_comes_first() -> None:
    inputs = Inputs(2)
    inputs.add(1, records([5, 5]), 2, 2)
    inputs.add(0, records([5]), 1, 1)
    order = []
    while (run := inputs.take(10, 0.0)) is not None:
        order += [run.source] * len(run.records)
    assert order == [0, 1, 1]
