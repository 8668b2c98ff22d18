"""Records that wait are called when progress reaches their moment, and at no other time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.inputs import Inputs
from streams.engine.memory import MemoryDriver
from streams.engine.poison import PoisonWatch
from streams.engine.processor import Processor
from streams.engine.state_format import OFFSETS_KEY, UnreadableState
from streams.engine.store import Store
from tests.engine.waiter import SEEN, WAIT, Command, Line, Seen, Told, Wait, Waiter, told

HOUR_MS = 3_600_000


def processor_with(*lines: Line, agent: Agent | None = None, **given: Any) -> Processor:
    """A processor that has handled the lines; all are of `activity`."""
    processor = Processor(agent or Waiter().agent(), 0, 1, **given)
    feed(processor, *lines)
    return processor


def feed(processor: Processor, *lines: Line) -> None:
    start = processor.inputs.position(1)
    records = [line.record(start + number) for number, line in enumerate(lines)]
    processor.inputs.add(1, records, start + len(records), start + len(records))
    while processor.step(1_000) is not None:
        pass


def wait(
    due: int, *moods: str, ts: int = 0, key: str = "a", sub: str = "", do: str = "wait"
) -> Line:
    return Line(1, ts, key, sub, do, due, list(moods))


def whats(processor: Processor) -> list[tuple[str, int]]:
    return [
        (told(output)[0], told(output)[4])
        for output in processor.checkpoint().outputs
        if output.topic == "detections"
    ]


def test_what_is_due_is_called_before_the_record_whose_timestamp_reaches_it() -> None:
    processor = processor_with(wait(5), wait(NEVER, ts=4, key="b"), wait(NEVER, ts=5, key="b"))
    assert whats(processor) == [("wait", 0), ("wait", 4), ("delete", 5), ("wait", 5)]


def test_progress_never_goes_ahead_of_the_wall_clock_nor_back() -> None:
    processor = processor_with(wait(5_000), wait(9_000, key="b"))
    processor.limit_progress(4_999)
    feed(processor, wait(NEVER, ts=9_000, key="c"))
    assert whats(processor) == [("wait", 0), ("wait", 0), ("wait", 9_000)]
    processor.limit_progress(6_000)
    feed(processor, wait(NEVER, ts=9_000, key="c"))
    assert whats(processor) == [("delete", 6_000), ("wait", 9_000)]
    processor.limit_progress(1_000)
    feed(processor, wait(5_500, ts=2_000), wait(NEVER, ts=3_000, key="c"))
    assert whats(processor) == [("wait", 2_000), ("delete", 6_000), ("wait", 3_000)]


def test_a_step_calls_no_more_than_its_limit_and_the_rest_in_order_afterwards() -> None:
    processor = processor_with(*(wait(number, key=f"k{number}") for number in range(1, 8)))
    processor.checkpoint()
    processor.inputs.add(1, [wait(NEVER, ts=9).record(7)], 8, 8)
    assert [processor.step(3) for _ in range(4)] == [3, 3, 1 + 0, 1]
    assert processor.step(3) is None
    assert [told(output)[1] for output in processor.checkpoint().outputs] == [
        *(f"k{number}" for number in range(1, 8)),
        "a",
    ]
    assert processor.take_handled() == {"activity": 8}


def test_a_record_that_expired_meanwhile_is_called_all_the_same_and_not_swept_before() -> None:
    called: list[int] = []

    def handle(state: State, signal: Command, out: Out) -> None:
        state.put(WAIT, signal.key, Wait(signal.due, []), signal.due, signal.sub)
        state.put(SEEN, signal.key, Seen(), NEVER)

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        state: State, kind: Kind[Any], key: str, sub: str, wait: Wait, out: Out
    ) -> None:
        called.append(wait.due)
        assert state.get(WAIT, key, sub) is None, "expired, as for any other record"
        state.delete(WAIT, key, sub)

    agent = replace(Waiter().agent(), handler=handle, on_due=on_due)
    processor = processor_with(wait(HOUR_MS), agent=agent)
    processor.limit_progress(HOUR_MS - 1)
    feed(processor, wait(99 * HOUR_MS, ts=9 * HOUR_MS, key="b"))
    assert b"Wa" not in [full for full, data in processor.checkpoint().states.items() if not data]
    processor.limit_progress(HOUR_MS)
    feed(processor, wait(99 * HOUR_MS, ts=9 * HOUR_MS, key="b"))
    assert called == [HOUR_MS]
    assert processor.checkpoint().states[b"Wa"] is None


def test_a_pattern_whose_calls_keep_raising_is_switched_off_and_the_records_are_gone() -> None:
    waiter = Waiter()
    watch = PoisonWatch(waiter.agent(), clock=lambda: 0.0)
    bad = [wait(1, "poison", key=f"k{number}") for number in range(10)]
    processor = processor_with(*bad, agent=waiter.agent(), poison=watch)
    assert processor.pass_time(1, 100) == 10
    assert waiter.switched_off == ["p1"]
    assert whats(processor) == [("wait", 0)] * 10
    assert not [full for full, _ in processor.store.items() if full[:1] == WAIT.tag]
    assert processor.pass_time(2, 100) == 0


def test_a_deleted_record_and_one_put_back_for_no_moment_are_not_called() -> None:
    processor = processor_with(
        wait(5), wait(6, key="b"), wait(NEVER, do="delete"), wait(NEVER, key="b")
    )
    assert processor.pass_time(10, 100) == 0
    processor = processor_with(wait(5), wait(7))
    assert processor.pass_time(6, 100) == 0
    assert processor.pass_time(7, 100) == 1


def test_a_moment_that_is_put_off_again_and_again_costs_no_memory() -> None:
    processor = processor_with(*(wait(1_000_000 + number) for number in range(20_000)))
    assert len(processor.store.timers) <= 2_000
    assert processor.pass_time(2_000_000, 10) == 1


def test_a_record_that_waits_and_cannot_be_read_stops_the_restore() -> None:
    with pytest.raises(UnreadableState):
        Store([WAIT, SEEN]).restore(b"Wa", b"\x01\0\0\0\0\xc1")


def test_a_source_record_from_before_there_was_progress_is_read() -> None:
    processor = Processor(Waiter().agent(), 0, 1)
    processor.store.restore(OFFSETS_KEY, b"\x01\0\0\0\0" + msgspec.msgpack.encode({"activity": 7}))
    assert processor.restored_offsets() == {"activity": 7}


def test_an_agent_whose_kinds_wait_needs_on_due() -> None:
    with pytest.raises(ValueError, match="on_due"):
        replace(Waiter().agent(), on_due=None)


def test_the_memory_driver_lets_time_pass_for_every_agent_and_hands_on_what_comes_of_it() -> None:
    def reply(state: State, signal: Told, out: Out) -> None:
        if signal.what == "delete":
            state.put(WAIT, signal.key, Wait(state.now + 3, []), NEVER, signal.sub)
        state.put(SEEN, signal.key, Seen(), NEVER)

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        state: State, kind: Kind[Any], key: str, sub: str, wait: Wait, out: Out
    ) -> None:
        out.emit("enforcement", key, Told("late", key, sub, wait.due))
        state.delete(WAIT, key, sub)

    reader = Agent(
        name="reader",
        inputs=("detections",),
        decoders={"detections": lambda record: msgspec.json.decode(record.value, type=Told)},
        handler=reply,
        kinds=(WAIT, SEEN),
        home=SEEN,
        state_topic="entities-state",
        on_due=on_due,
    )
    driver = MemoryDriver([Waiter().agent(), reader])
    lines = [wait(50), wait(60, key="b")]
    records = [line.record(0) for line in lines]
    fed = driver.feed(("activity", one.key, one.value, one.timestamp) for one in records)
    assert [output.topic for output in fed] == ["detections"] * 2
    assert list(driver.advance(49)) == []
    assert [(o.topic, o.key, o.ts) for o in driver.advance(55)] == [("detections", b"a", 55)]
    assert [(o.topic, o.key, o.ts) for o in driver.advance(70)] == [
        ("detections", b"b", 70),
        ("enforcement", b"a", 70),
    ]
    assert list(driver.advance(60)) == [], "time doesn't go back"
    assert [(o.topic, o.key, o.ts) for o in driver.advance(80)] == [("enforcement", b"b", 80)]


def test_inputs_are_still_only_as_far_as_this_process_looked_and_none_is_known_to_lag() -> None:
    inputs = Inputs(2)
    inputs.seek(0, 0, 1)
    assert [inputs.still_s(second / 10) for second in range(30)] == [0.0] * 30, "one lags"
    inputs.add(0, [wait(0).record(0)], 1, 1)
    assert inputs.still_s(3.0) == 0.0, "one waits"
    inputs.take(1, 3.0)
    looks = [inputs.still_s(3.0 + second / 10) for second in range(21)]
    assert looks[0] == 0.0
    assert looks[-1] == pytest.approx(2.0)
    assert inputs.still_s(5.9) == pytest.approx(2.1), "busy is not patient"
    assert inputs.still_s(65.9) == 0.0, "a minute nobody looked at says nothing"
    inputs.add(0, [], 2, 2)
    inputs.take(1, 66.0)
    assert inputs.still_s(66.0) == 0.0, "something came"
