"""Records that wait are called when progress reaches their moment: against an obvious reference,
whatever the chunks, checkpoints, restarts and failures."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.inputs import Inputs
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Output
from streams.engine.poison import PoisonWatch
from streams.engine.processor import Processor
from streams.engine.state_format import OFFSETS_KEY, UnreadableState
from streams.engine.store import Store
from streams.signals import Reason, Refused

HOUR_MS = 3_600_000


class Wait(msgspec.Struct, array_like=True, gc=False):
    """`moods` says what each call does, the next first; `due` is when that is."""

    due: int
    moods: list[str]


class Seen(msgspec.Struct, array_like=True, gc=False):
    count: int = 0


class Command(msgspec.Struct):
    key: str
    sub: str
    do: str
    due: int
    moods: list[str]


class Told(msgspec.Struct):
    what: str
    key: str
    sub: str
    due: int


WAIT = Kind(b"W", Wait, due=lambda wait: wait.due)
SEEN = Kind(b"A", Seen)


class Broken(Exception):
    pattern = "p1"


class Waiter:
    """Does as the signal says, and when called as the record says; both tell it on `detections`.

    What is `moody` raises the first time only, after it has changed and emitted things.
    """

    def __init__(self) -> None:
        self.switched_off: list[str] = []
        self._calmed: set[tuple[str, ...]] = set()

    def handle(self, state: State, signal: Command, out: Out) -> None:
        key, sub = signal.key, signal.sub
        seen = state.get(SEEN, key) or Seen()
        seen.count += 1
        state.put(SEEN, key, seen, NEVER)
        before = state.get(WAIT, key, sub)
        out.emit("detections", key, Told(signal.do, key, sub, before.due if before else NEVER))
        if signal.do == "delete":
            state.delete(WAIT, key, sub)
        else:
            state.put(WAIT, key, Wait(signal.due, list(signal.moods)), NEVER, sub)
        if signal.do == "poison":
            raise Broken
        if signal.do == "moody":
            self._sulk("signal", key, sub, str(seen.count))

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self, state: State, kind: Kind[Any], key: str, sub: str, wait: Wait, out: Out
    ) -> None:
        assert kind is WAIT
        mood, due = wait.moods.pop(0) if wait.moods else "delete", wait.due
        out.emit("detections", key, Told(mood, key, sub, due))
        match mood:
            case "again":
                wait.due += 1_000
                state.put(WAIT, key, wait, NEVER, sub)
            case "rest":
                wait.due = NEVER
                state.put(WAIT, key, wait, NEVER, sub)
            case "quiet":
                wait.due = NEVER  # and not put back
            case "spawn":
                state.put(WAIT, key, Wait(due - 500, []), NEVER, "spawned")
                state.delete(WAIT, key, sub)
            case "stubborn":
                state.put(WAIT, "elsewhere", Wait(due, []), NEVER)
            case "back":
                wait.due -= 1
                state.put(WAIT, key, wait, NEVER, sub)
            case "poison" | "moody":
                state.put(WAIT, "elsewhere", Wait(due, []), NEVER)
                state.delete(WAIT, key, sub)
                if mood == "poison":
                    raise Broken
                self._sulk("call", key, sub, str(due))
                state.delete(WAIT, "elsewhere")
            case _:
                state.delete(WAIT, key, sub)

    def _sulk(self, *what: str) -> None:
        if what not in self._calmed:
            self._calmed.add(what)
            raise MemoryError

    def agent(self) -> Agent:
        return Agent(
            name="waiter",
            inputs=("moderation-hits", "activity"),
            decoders={"moderation-hits": decode, "activity": decode},
            handler=self.handle,
            kinds=(WAIT, SEEN),
            home=SEEN,
            state_topic="accounts-state",
            switch_off=self.switched_off.append,
            on_due=self.on_due,
        )


def decode(record: Any) -> Command:
    if record.value == b"junk":
        raise Refused(Reason.NOT_JSON)
    return msgspec.json.decode(record.value, type=Command)


class Line(msgspec.Struct):
    """One record of input number `source`; `do` of a `Command`, or junk."""

    source: int
    ts: int
    key: str
    sub: str
    do: str
    due: int
    moods: list[str]

    def record(self, offset: int) -> MemoryRecord:
        value = b"junk"
        if self.do != "junk":
            value = msgspec.json.encode(Command(self.key, self.sub, self.do, self.due, self.moods))
        return MemoryRecord(self.key.encode(), value, offset, self.ts)


BAD = {"poison", "stubborn", "back"}
"""Moods that end with the record deleted and nothing else."""


class Reference:
    """The obvious loop: a dict, a progress, and the smallest (due, key) first."""

    def __init__(self) -> None:
        self.waits: dict[tuple[str, str], Wait] = {}
        self.progress = 0
        self.told: list[tuple[str, str, str, int, int]] = []

    def pass_time(self, to_ms: int) -> None:
        self.progress = max(self.progress, to_ms)
        while due := min(
            (
                (wait.due, key + "\0" + sub if sub else key, key, sub)
                for (key, sub), wait in self.waits.items()
                if NEVER < wait.due <= self.progress
            ),
            default=None,
        ):
            self._call(due[2], due[3])

    def _call(self, key: str, sub: str) -> None:
        wait = self.waits.pop((key, sub))
        mood = wait.moods[0] if wait.moods else "delete"
        if mood in BAD:
            return
        self.told.append((mood, key, sub, wait.due, self.progress))
        if mood == "again":
            self.waits[key, sub] = Wait(wait.due + 1_000, wait.moods[1:])
        elif mood in ("rest", "quiet"):
            self.waits[key, sub] = Wait(NEVER, wait.moods[1:])
        elif mood == "spawn":
            self.waits[key, "spawned"] = Wait(wait.due - 500, [])
            if sub == "spawned":
                del self.waits[key, "spawned"]

    def handle(self, line: Line) -> None:
        self.pass_time(line.ts)
        if line.do in ("junk", "poison"):
            self.told.append(("refused", "", "", 0, line.ts))
            return
        before = self.waits.pop((line.key, line.sub), None)
        due = before.due if before else NEVER
        self.told.append((line.do, line.key, line.sub, due, line.ts))
        if line.do != "delete":
            self.waits[line.key, line.sub] = Wait(line.due, line.moods)


def merged(logs: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """The lines as the engine merges them: the smaller head first, the first input on ties."""
    heads = [deque(log) for log in logs]
    while any(heads):
        yield min((log for log in heads if log), key=lambda log: log[0].ts).popleft()


class Partition:
    """A partition as a worker has it: it is killed now and then, and what wasn't committed is
    gone. `ticks` are times that pass without a record, by how many records came before."""

    def __init__(
        self, logs: Sequence[Sequence[Line]], ticks: dict[int, list[int]], dice: random.Random
    ) -> None:
        self._logs = [[line.record(at) for at, line in enumerate(log)] for log in logs]
        self._ticks = ticks
        self._dice = dice
        self._agent = Waiter().agent()
        self.topic: dict[bytes, bytes] = {}
        self.outputs: list[Output] = []

    def run(self) -> None:
        while not self._life():
            pass

    def _life(self) -> bool:
        dice, agent = self._dice, self._agent
        store = Store(agent.kinds, hot_limit=dice.randint(0, 4))
        for full, data in self.topic.items():
            store.restore(full, data)
        processor = Processor(agent, 0, 1, store=store, clock=lambda: 0.0)
        offsets = processor.restored_offsets()
        for index, topic in enumerate(agent.inputs):
            log, at = self._logs[index], offsets.get(topic, 0)
            processor.inputs.seek(index, at, len(log))
            while at < len(log):
                part = log[at : at + dice.randint(1, 6)]
                at += len(part)
                processor.inputs.add(index, part, at, len(log))
        end = sum(map(len, self._logs))
        while True:
            done = sum(processor.offsets.values())
            for to_ms in self._ticks.get(done, ()):
                while processor.pass_time(to_ms, dice.randint(1, 3)):
                    if self._pause(processor):
                        return False
            if done == end:
                self._commit(processor)
                return True
            until = min((at for at in self._ticks if at > done), default=end)
            processor.step(dice.randint(1, max(1, until - done)))
            if self._pause(processor):
                return False

    def _pause(self, processor: Processor) -> bool:
        """Maybe a checkpoint; whether the worker is killed now."""
        if self._dice.random() < 0.3:
            self._commit(processor)
        return self._dice.random() < 0.1

    def _commit(self, processor: Processor) -> None:
        checkpoint = processor.checkpoint()
        for full, data in checkpoint.states.items():
            if data is None:
                self.topic.pop(full, None)
            else:
                self.topic[full] = data
        self.outputs += checkpoint.outputs


times = st.integers(1, 12).map(lambda second: second * 1_000)
names = st.sampled_from(["a", "b"])
moods = st.lists(
    st.sampled_from(
        ["delete", "again", "rest", "quiet", "spawn", "moody", "poison", "stubborn", "back"]
    ),
    max_size=3,
)
lines = st.lists(
    st.builds(
        Line,
        source=st.integers(0, 1),
        ts=times,
        key=names,
        sub=st.sampled_from(["", "s", "t"]),
        do=st.sampled_from(["wait", "wait", "wait", "delete", "moody", "poison", "junk"]),
        due=st.one_of(st.just(NEVER), times),
        moods=moods,
    ),
    max_size=25,
)
ticks = st.dictionaries(st.integers(0, 25), st.lists(times, min_size=1, max_size=2), max_size=4)


@given(lines, ticks, st.integers(0, 1 << 32))
@settings(max_examples=1_000, deadline=None)
def test_the_same_is_called_in_the_same_order_once_whatever_chunks_restarts_and_failures(
    lines: list[Line], ticks: dict[int, list[int]], seed: int
) -> None:
    logs = [[line for line in lines if line.source == source] for source in (0, 1)]
    reference = Reference()
    for at, line in enumerate(merged(logs)):
        for to_ms in ticks.get(at, ()):
            reference.pass_time(to_ms)
        reference.handle(line)
    for to_ms in ticks.get(len(lines), ()):
        reference.pass_time(to_ms)
    partition = Partition(logs, ticks, random.Random(seed))
    partition.run()
    assert [told(output) for output in partition.outputs] == reference.told
    assert waits(partition.topic) == reference.waits


def told(output: Output) -> tuple[str, str, str, int, int]:
    if output.topic == "dead-letters":
        return "refused", "", "", 0, output.ts
    one = msgspec.json.decode(output.value, type=Told)
    return one.what, one.key, one.sub, one.due, output.ts


def waits(topic: dict[bytes, bytes]) -> dict[tuple[str, str], Wait]:
    found = {}
    for full, data in topic.items():
        if full[:1] == WAIT.tag and full != OFFSETS_KEY:
            key, _, sub = full[1:].decode().partition("\0")
            found[key, sub] = msgspec.msgpack.decode(data[5:], type=Wait)
    return found


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
