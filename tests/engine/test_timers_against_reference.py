"""Records that wait are called when progress reaches their moment: against an obvious reference,
whatever the chunks, checkpoints, restarts and failures."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.contract import NEVER
from streams.engine.outbox import Output
from streams.engine.processor import Processor
from streams.engine.state_format import OFFSETS_KEY
from streams.engine.store import Store
from tests.engine.waiter import WAIT, Line, Wait, Waiter, told

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


def waits(topic: dict[bytes, bytes]) -> dict[tuple[str, str], Wait]:
    found = {}
    for full, data in topic.items():
        if full[:1] == WAIT.tag and full != OFFSETS_KEY:
            key, _, sub = full[1:].decode().partition("\0")
            found[key, sub] = msgspec.msgpack.decode(data[5:], type=Wait)
    return found
