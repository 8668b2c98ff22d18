"""All agents over several partitions find, and grant, what a replay does.

Each (agent, partition) is a processor of its own, fed from logs as Kafka would feed it, in random
chunks, with random checkpoints and restarts; what is emitted goes to the partition of its key. What
comes of one entity reaches it from accounts on all partitions, in whatever order they get to it: no
farther out of order than the few minutes a slice of the recording lasts.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import chain

import msgspec
import pytest

from streams.agents.contract import Agent
from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Output
from streams.engine.partitioner import partition_of
from streams.engine.processor import Processor
from streams.patterns import load_files, read_files
from streams.signals import Schema
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation

SLICE_MS = 4 * 60_000
"""Less than the shortest lateness, which is six minutes."""
HOUR_MS = 3_600_000
AFTERWARDS_MS = 400 * 86_400_000

Line = tuple[str, bytes, bytes, int]
ABOUT_ENTITIES = (
    "account-farm-device",
    "account-farm-payment",
    "account-farm-network",
    "ban-evasion-device",
    "sharing-ring",
    "lockstep-uploads",
    "dataset-contamination",
    "detector-silence",
    "confirmed-hash-match",
)


BUDGET = 2


@cache
def agents() -> tuple[Agent, ...]:
    files, _ = read_files(["catalogue"])
    tight = [
        file._replace(contents=re.sub(rb"budget: \d+", b"budget: %d" % BUDGET, file.contents))
        for file in files
    ]
    return tuple(all_agents(load_files(tight, Schema())))


@cache
def recording(seed: int) -> tuple[Line, ...]:
    wanted = parse_campaigns(",".join(ABOUT_ENTITIES))
    plan = Plan(signals=4_000, accounts=150, seed=seed, wanted=wanted)
    lines = chain.from_iterable(Simulation(plan).chunks())
    return tuple(
        (topic, key.encode(), value.encode(), ts_of(order)) for order, topic, key, value in lines
    )


@cache
def replayed(seed: int) -> tuple[Output, ...]:
    lines = recording(seed)
    driver = MemoryDriver(agents())
    return (*driver.feed(lines), *driver.advance(lines[-1][3] + AFTERWARDS_MS))


class Logs:
    """Topics as Kafka has them, of `partitions` each."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.outputs: list[Output] = []
        self._logs: dict[tuple[str, int], list[MemoryRecord]] = {}

    def write(self, topic: str, key: bytes, value: bytes, ts: int) -> None:
        log = self.of(topic, partition_of(key, self.partitions))
        log.append(MemoryRecord(key, value, len(log), ts))

    def of(self, topic: str, partition: int) -> list[MemoryRecord]:
        return self._logs.setdefault((topic, partition), [])


class Owner:
    """One (agent, partition) as a worker has it: a restart reads back what was committed."""

    def __init__(self, agent: Agent, number: int, logs: Logs, dice: random.Random) -> None:
        self._agent, self._number, self._logs, self._dice = agent, number, logs, dice
        self._committed: dict[bytes, bytes] = {}
        self._start()

    def _start(self) -> None:
        agent, number = self._agent, self._number
        self._processor = Processor(agent, number, self._logs.partitions)
        for full, data in self._committed.items():
            self._processor.store.restore(full, data)
        self._positions = dict(self._processor.restored_offsets())
        for index, topic in enumerate(agent.inputs):
            end = len(self._logs.of(topic, number))
            self._processor.inputs.seek(index, self._positions.get(topic, 0), end)

    def work(self) -> bool:
        """Take what is there; whether anything was."""
        dice, processor = self._dice, self._processor
        moved = False
        for index, topic in enumerate(self._agent.inputs):
            log = self._logs.of(topic, self._number)
            start = self._positions.get(topic, 0)
            part = log[start : start + dice.randint(1, 60)]
            if part:
                moved = True
                end = self._positions[topic] = start + len(part)
                processor.inputs.add(index, part, end, len(log))
        while processor.step(dice.randint(1, 40)) is not None:
            moved = True
        if dice.random() < 0.02:
            self._start()  # killed: what was not committed is done again
            return True
        if processor.has_work:
            self.commit()
            return True
        return moved

    def pass_time(self, to_ms: int) -> bool:
        moved = False
        while self._processor.pass_time(to_ms, 100):
            moved = True
        if moved:
            self.commit()
        return moved

    def commit(self) -> None:
        checkpoint = self._processor.checkpoint()
        for full, data in checkpoint.states.items():
            if data is None:
                self._committed.pop(full, None)
            else:
                self._committed[full] = data
        self._logs.outputs += checkpoint.outputs
        for output in checkpoint.outputs:
            self._logs.write(output.topic, output.key, output.value, output.ts)


def live(lines: Iterable[Line], partitions: int, dice: random.Random) -> list[Output]:
    logs = Logs(partitions)
    owners = [Owner(agent, n, logs, dice) for agent in agents() for n in range(partitions)]

    def settle() -> None:
        while sum(owner.work() for owner in dice.sample(owners, len(owners))):
            pass

    end = 0
    for topic, key, value, ts in lines:
        if ts // SLICE_MS != end // SLICE_MS:
            settle()
        logs.write(topic, key, value, ts)
        end = max(end, ts)
    settle()
    while sum(owner.pass_time(end + AFTERWARDS_MS) for owner in owners):
        settle()
    return logs.outputs


def decoded(outputs: Iterable[Output], topic: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(output.value) for output in outputs if output.topic == topic]


def firsts(outputs: Iterable[Output]) -> dict[tuple[object, object], object]:
    """The first time of each (pattern, group), as far as it was not taken back."""
    found: dict[tuple[object, object], object] = {}
    for one in decoded(outputs, "detections"):
        group = one["pattern"], one.get("entity") or one["account"]
        found[group] = min(one["at"], found.get(group, one["at"]))
    return found


def removed(outputs: Iterable[Output]) -> set[tuple[object, ...]]:
    """Which account heard of which confirmed content, by which hit."""
    return {
        (one["account"], one["entity"], one["hit"])
        for one in decoded(outputs, "account-signals")
        if one["kind"] == "content"
    }


def named(outputs: Iterable[Output]) -> set[tuple[object, ...]]:
    """Which entity somebody heard of, by which pattern.

    Not who: of more accounts than a threshold takes, the evidence names the newest known then.
    """
    return {
        (one["entity"], one["pattern"])
        for one in decoded(outputs, "account-signals")
        if one["kind"] == "entity"
    }


def granted(outputs: Iterable[Output]) -> Counter[tuple[object, int]]:
    """How many actions of each pattern were granted in each hour, zero tolerance aside."""
    verdicts = (one for one in outputs if one.topic == "enforcement")
    return Counter(
        (value["pattern"], one.ts // HOUR_MS)
        for one in verdicts
        for value in [msgspec.json.decode(one.value)]
        if value["action"] not in {"undo", "expire"} and value.get("why") != "zero_tolerance"
    )


@pytest.mark.parametrize("partitions", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_several_partitions_find_what_a_replay_finds(seed: int, partitions: int) -> None:
    dice = random.Random(seed * 10 + partitions)
    found, wanted = live(recording(seed), partitions, dice), replayed(seed)
    assert not decoded(found, "dead-letters")
    assert firsts(found) == firsts(wanted)
    assert removed(found) == removed(wanted)
    assert named(found) == named(wanted)
    assert granted(found) == granted(wanted)
    held = [one for one in decoded(wanted, "review-queue") if one["reason"] == "held"]
    assert held, "there was more to grant than the budgets allow"
    entities = {str(group).partition(":")[0] for _, group in firsts(wanted)}
    assert entities >= {"device", "content_ref", "dataset_ref"}, "it compares something"
    assert removed(wanted)
    assert named(wanted)
