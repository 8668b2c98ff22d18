"""The processor: poison is retried alone and dead-lettered, chunks and savepoints change nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.dead_letters import DeadLetter
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Outbox, Output
from streams.engine.poison import PoisonWatch
from streams.engine.processor import Checkpoint, Processor
from streams.engine.store import Store
from streams.logs import Event
from streams.signals import Reason, Refused


class Total(msgspec.Struct, array_like=True, gc=False):
    values: list[int]


class Seen(msgspec.Struct):
    key: str
    values: list[int]


TOTAL = Kind(b"A", Total)


class PatternFailed(Exception):
    pattern = "p1"


class Adder:
    """Appends each number to its key's list and emits the list. Numbers below zero are poison: it
    raises in the middle of its work; `moody` ones raise the first time only."""

    def __init__(self, moody: frozenset[int] = frozenset()) -> None:
        self.switched_off: list[str] = []
        self._moody = set(moody)

    def __call__(self, state: State, signal: tuple[str, int], out: Out) -> None:
        key, number = signal
        total = state.get(TOTAL, key) or Total([])
        total.values.append(number)
        if number < 0:
            out.emit("detections", key, Seen(key, [number]))
            raise PatternFailed
        state.put(TOTAL, key, total, NEVER)
        out.emit("detections", key, Seen(key, list(total.values)))
        if number in self._moody:
            self._moody.discard(number)
            raise MemoryError

    def agent(self) -> Agent:
        return Agent(
            name="adder",
            inputs=("moderation-hits", "activity"),
            decoders={"moderation-hits": decode, "activity": decode},
            handler=self,
            kinds=(TOTAL,),
            home=TOTAL,
            state_topic="accounts-state",
            switch_off=self.switched_off.append,
        )


def decode(record: Any) -> tuple[str, int]:
    if record.value == b"junk":
        raise Refused(Reason.NOT_JSON)
    return record.key.decode(), int(record.value)


def record(offset: int, key: str, value: str, ts: int = 0) -> MemoryRecord:
    return MemoryRecord(key.encode(), value.encode(), offset, ts)


def run(
    processor: Processor, records: list[MemoryRecord], chunk: int, limit: int, every: int
) -> list[Checkpoint]:
    """Feed in chunks, step with `limit`, checkpoint after each `every` steps."""
    for start in range(0, len(records), chunk):
        part = records[start : start + chunk]
        processor.inputs.add(1, part, part[-1].offset + 1, len(records))
    checkpoints = []
    steps = 0
    while processor.step(limit) is not None:
        steps += 1
        if steps % every == 0:
            checkpoints.append(processor.checkpoint())
    checkpoints.append(processor.checkpoint())
    return checkpoints


def outcome(checkpoints: list[Checkpoint]) -> tuple[list[Output], dict[bytes, bytes | None], int]:
    states: dict[bytes, bytes | None] = {}
    for checkpoint in checkpoints:
        states |= checkpoint.states
    outputs = [output for checkpoint in checkpoints for output in checkpoint.outputs]
    return outputs, states, sum(checkpoint.records for checkpoint in checkpoints)


signals = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.one_of(st.integers(-3, 50).map(str), st.just("junk")),
    ),
    max_size=40,
)


@given(signals, st.integers(1, 9), st.integers(1, 9), st.integers(1, 5))
@settings(max_examples=300)
def test_outputs_and_state_do_not_hang_on_chunks_or_checkpoints_even_with_poison(
    signals: list[tuple[str, str]], chunk: int, limit: int, every: int
) -> None:
    records = [record(offset, *signal) for offset, signal in enumerate(signals)]
    whole = outcome(run(Processor(Adder().agent(), 0, 1), records, 1_000, 1_000, 1_000))
    parts = outcome(run(Processor(Adder().agent(), 0, 1), records, chunk, limit, every))
    assert parts == whole
    outputs, states, count = whole
    assert count == len(records)
    assert expected(signals) == [
        (
            o.topic,
            msgspec.json.decode(o.value).get("values") or msgspec.json.decode(o.value)["reason"],
        )
        for o in outputs
    ]
    for key in "abc":
        good = [int(v) for k, v in signals if k == key and v != "junk" and int(v) >= 0]
        data = states.get(b"A" + key.encode())
        assert (msgspec.msgpack.decode(data[5:], type=Total).values if data else []) == good


def expected(signals: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    """What should come out, by the obvious loop."""
    lists: dict[str, list[int]] = {}
    out: list[tuple[str, Any]] = []
    for key, value in signals:
        if value == "junk":
            out.append(("dead-letters", "not_json"))
        elif int(value) < 0:
            out.append(("dead-letters", "handler_failed"))
        else:
            lists.setdefault(key, []).append(int(value))
            out.append(("detections", list(lists[key])))
    return out


def test_a_signal_that_fails_once_is_handled_exactly_once() -> None:
    records = [record(offset, "a", str(offset)) for offset in range(6)]
    processor = Processor(Adder(moody=frozenset({2, 5})).agent(), 0, 1)
    outputs, _, _ = outcome(run(processor, records, 6, 6, 100))
    assert [msgspec.json.decode(o.value)["values"] for o in outputs] == [
        list(range(n + 1)) for n in range(6)
    ]


def test_a_dead_letter_says_where_and_why_and_nothing_of_the_payload() -> None:
    processor = Processor(Adder().agent(), 3, 1, prefix="x-")
    processor.inputs.add(1, [record(41, "a", "junk", ts=1_790_000_000_000)], 42, 42)
    processor.step(10)
    (output,) = processor.checkpoint().outputs
    assert (output.topic, output.key) == ("dead-letters", b"x-activity/3")
    assert msgspec.json.decode(output.value) == {
        "topic": "x-activity",
        "partition": 3,
        "offset": 41,
        "reason": "not_json",
        "fields": [],
        "at": "2026-09-21T14:13:20.000Z",
    }


def test_a_key_on_a_partition_it_does_not_belong_to_is_refused_once_and_known_keys_are_not() -> (
    None
):
    # murmur2("a") lands on partition 0 of 4, as Kafka's own producer puts it.
    here, elsewhere = Processor(Adder().agent(), 0, 4), Processor(Adder().agent(), 3, 4)
    for processor in (here, elsewhere):
        processor.inputs.add(1, [record(0, "a", "1")], 1, 1)
        processor.step(10)
    assert [o.topic for o in here.checkpoint().outputs] == ["detections"]
    (letter,) = elsewhere.checkpoint().outputs
    assert msgspec.json.decode(letter.value)["reason"] == "wrong_partition"


def test_the_offsets_in_the_checkpoint_are_the_consumers_position_not_the_last_offset() -> None:
    processor = Processor(Adder().agent(), 0, 1)
    processor.inputs.add(1, [record(7, "a", "1")], 9, 9)  # 8 is a control marker
    processor.step(10)
    checkpoint = processor.checkpoint()
    assert checkpoint.offsets == {"activity": 9}
    restored = Processor(Adder().agent(), 0, 1)
    for full, data in checkpoint.states.items():
        restored.store.restore(full, data)
    assert restored.restored_offsets() == {"activity": 9}


def test_a_pattern_that_fails_on_more_than_a_hundredth_of_a_minutes_signals_is_switched_off() -> (
    None
):
    adder = Adder()
    now = 0.0
    watch = PoisonWatch(adder.agent(), clock=lambda: now)
    watch.signals(1_000)
    for _ in range(10):
        watch.raised(PatternFailed())
        watch.poisoned(Event.SIGNAL_FAILED)
    assert adder.switched_off == [], "ten of a thousand is not more than a hundredth"
    watch.raised(PatternFailed())
    watch.poisoned(Event.SIGNAL_FAILED)
    assert adder.switched_off == ["p1"]


def test_failures_of_another_minute_do_not_count() -> None:
    adder = Adder()
    now = 0.0
    watch = PoisonWatch(adder.agent(), clock=lambda: now)
    for _ in range(5):
        watch.signals(100)
        for _ in range(9):
            watch.raised(PatternFailed())
            watch.poisoned(Event.SIGNAL_FAILED)
        now += 61.0
    assert adder.switched_off == []


def test_only_what_is_waited_for_hurries_a_checkpoint() -> None:
    outbox = Outbox(Store([]))
    note = DeadLetter("activity", 0, 0, Reason.NOT_JSON, (), "")
    outbox.emit("entity-signals", "device:d1", note, patient=True)
    assert (outbox.waited_for, outbox.urgent) == (False, False)
    outbox.emit("detections", "a1", note)
    assert (outbox.waited_for, outbox.urgent) == (True, False)
    assert len(outbox.take()) == 2
    assert not outbox.waited_for


def test_the_memory_driver_hands_outputs_on_to_the_agents_that_read_them() -> None:
    def answer(state: State, signal: tuple[str, int], out: Out) -> None:
        out.emit("enforcement", signal[0], Seen(signal[0], []))

    reader = Agent(
        name="reader",
        inputs=("detections",),
        decoders={"detections": lambda record: (record.key.decode(), 0)},
        handler=answer,
        kinds=(TOTAL,),
        home=TOTAL,
        state_topic="entities-state",
    )
    driver = MemoryDriver([Adder().agent(), reader])
    outputs = driver.feed([("activity", b"a", b"1", 5), ("activity", b"b", b"2", 6)])
    assert [(output.topic, output.key, output.ts) for output in outputs] == [
        ("detections", b"a", 5),
        ("detections", b"b", 6),
        ("enforcement", b"a", 5),
        ("enforcement", b"b", 6),
    ]
