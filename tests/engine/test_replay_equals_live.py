"""Same input, same detections: the memory driver against processors fed as Kafka would feed them,
whatever the chunks, the checkpoints, the restarts and the number of partitions."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import chain

import msgspec
import pytest
from aiokafka.partitioner import murmur2

from streams.agents.accounts import accounts_agent
from streams.agents.contract import Agent
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Output
from streams.engine.processor import Processor
from streams.patterns import load_rules
from streams.signals import Schema
from streams.simulate.campaigns import CAMPAIGNS
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from streams.topics import BY_NAME, Role

Line = tuple[str, bytes, bytes, int]


@cache
def agent() -> Agent:
    schema = Schema()
    return accounts_agent(load_rules(["catalogue"], schema), schema)


@cache
def recording(seed: int) -> tuple[Line, ...]:
    wanted = parse_campaigns(",".join(CAMPAIGNS))
    plan = Plan(signals=8_000, accounts=150, seed=seed, wanted=wanted)
    lines = chain.from_iterable(Simulation(plan).chunks())
    return tuple(
        (topic, key.encode(), value.encode(), ts_of(order)) for order, topic, key, value in lines
    )


def replayed(lines: tuple[Line, ...]) -> list[Output]:
    return list(MemoryDriver([agent()]).feed(lines))


class Partition:
    """One partition as a worker has it: chunks arrive per topic, a restart reads the state back."""

    def __init__(self, number: int, partitions: int, dice: random.Random) -> None:
        self._number, self._partitions, self._dice = number, partitions, dice
        self._topic: dict[bytes, bytes] = {}
        self._logs: dict[str, list[MemoryRecord]] = {topic: [] for topic in agent().inputs}
        self.outputs: list[Output] = []

    def write(self, topic: str, key: bytes, value: bytes, ts: int) -> None:
        log = self._logs[topic]
        log.append(MemoryRecord(key, value, len(log), ts))

    def run(self) -> None:
        """Work until everything is committed, with restarts that lose what was not."""
        while not self._work(self._start()):
            pass

    def _start(self) -> Processor:
        processor = Processor(agent(), self._number, self._partitions)
        for full, data in self._topic.items():
            processor.store.restore(full, data)
        offsets = processor.restored_offsets()
        for index, topic in enumerate(agent().inputs):
            end = len(self._logs[topic])
            processor.inputs.seek(index, offsets.get(topic, 0), end)
        return processor

    def _work(self, processor: Processor) -> bool:
        dice = self._dice
        positions = dict(processor.offsets)
        while True:
            for index, topic in enumerate(agent().inputs):
                start = positions.get(topic, 0)
                log = self._logs[topic]
                part = log[start : start + dice.randint(1, 300)]
                if part and processor.inputs.buffered(index) < 300:
                    positions[topic] = start + len(part)
                    processor.inputs.add(index, part, positions[topic], len(log))
            handled = processor.step(dice.randint(1, 200))
            if dice.random() < 0.1 or handled is None:
                checkpoint = processor.checkpoint()
                for full, data in checkpoint.states.items():
                    if data is None:
                        self._topic.pop(full, None)
                    else:
                        self._topic[full] = data
                self.outputs += checkpoint.outputs
            if handled is None:
                return True
            if dice.random() < 0.02:
                return False  # killed: what was not committed is gone


@pytest.mark.parametrize("partitions", [1, 2, 4])
@pytest.mark.parametrize("seed", range(6))
def test_chunks_restarts_and_partitions_change_no_detection(seed: int, partitions: int) -> None:
    lines = recording(seed)
    dice = random.Random(seed * 10 + partitions)
    parts = [Partition(number, partitions, dice) for number in range(partitions)]
    for topic, key, value, ts in lines:
        parts[(murmur2(key) & 0x7FFFFFFF) % partitions].write(topic, key, value, ts)
    for part in parts:
        part.run()
    live, offline = chain.from_iterable(part.outputs for part in parts), replayed(lines)
    (at_once, waited), (expected_at_once, expected_waited) = told(live), told(offline)
    assert at_once == expected_at_once
    # What waited is told when its partition learns that the time is over: the same, some time.
    assert waited == expected_waited
    assert sum(map(len, at_once.values())) > 10, "the comparison compares something"
    assert waited, "here too"


def told(outputs: Iterable[Output]) -> tuple[dict[bytes, list[Output]], set[bytes]]:
    """The outputs of each account in order, and apart from them the values of those that waited.

    A person is reminded of a report by the timer, too.
    """
    at_once: dict[bytes, list[Output]] = defaultdict(list)
    waited: set[bytes] = set()
    for output in outputs:
        reminder = output.topic == "review-queue"
        if reminder or (output.topic == "detections" and b'"waited_s"' in output.value):
            waited.add(output.value)
        elif BY_NAME[output.topic].role is Role.BETWEEN:
            value = msgspec.json.decode(output.value)
            at_once[value.get("reporter", value["account"]).encode()].append(output)
        else:
            at_once[output.key].append(output)
    return at_once, waited


@pytest.mark.parametrize("seed", range(6))
def test_disorder_within_the_lateness_changes_no_pattern_group_and_first_time(seed: int) -> None:
    lines = recording(seed)
    dice = random.Random(seed)
    # Each record is up to four minutes late; the default lateness is six at least. Kafka's
    # timestamp is that of the arrival.
    late = sorted(
        ((ts + dice.randrange(240_000), topic, key, value) for topic, key, value, ts in lines),
        key=lambda line: line[0],
    )
    shuffled = tuple((topic, key, value, ts) for ts, topic, key, value in late)
    assert shuffled != lines
    assert firsts(replayed(shuffled)) == firsts(replayed(lines))


def firsts(outputs: list[Output]) -> dict[tuple[str, str], str]:
    """The first time of each (pattern, group); here all groups are accounts."""
    found: dict[tuple[str, str], str] = {}
    for output in outputs:
        if output.topic == "detections":
            value = msgspec.json.decode(output.value)
            group = value["pattern"], value["account"]
            found[group] = min(value["at"], found.get(group, value["at"]))
    assert found, "the comparison compares something"
    return found
