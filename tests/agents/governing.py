"""Driving the governor: records as accounts and operators write them, and what it says, in short."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from streams.agents.contract import Agent
from streams.agents.governor import governor_agent
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Output
from streams.engine.processor import Processor
from streams.engine.store import Store
from streams.records import Breaker
from streams.signals import Schema
from streams.signals.times import format_ms

START = 1_790_000_400_000 // 86_400_000 * 86_400_000  # the beginning of a UTC day
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
P = "6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff"
SCHEMA = Schema.load()

BREAKER = Breaker(surge=3, surge_least=20, precision=0.8, reviews=20)


class Input(NamedTuple):
    """One record on its way in; `at` is its Kafka timestamp, ms after the start."""

    topic: str
    value: dict[str, Any]
    at: int

    @property
    def record(self) -> tuple[str, bytes, bytes, int]:
        key = self.value["pattern"].encode()
        return self.topic, key, msgspec.json.encode(self.value), START + self.at


def proposal(name: str, at: int = 0, account: str = "", **fields: Any) -> Input:
    value = {
        "id": name,
        "account": account or f"a-{name}",
        "at": format_ms(START + at),
        "kind": "propose",
        "pattern": P,
        "version": "v1",
        "ruleset": "rs",
        "action": "restrict",
        "harm": "grooming",
        "severity": "high",
        "detections": [f"d-{name}"],
        "strikes": 1,
        **fields,
    }
    return Input("proposals", value, at)


def outcome(name: str, decision: str, said: str, at: int = 0, **fields: Any) -> Input:
    value = {
        "id": name,
        "account": f"a-{decision}",
        "at": format_ms(START + at),
        "kind": "outcome",
        "pattern": P,
        "version": "v1",
        "decision": decision,
        "outcome": said,
        "reviewer": "q1",
        **fields,
    }
    return Input("proposals", value, at)


def command(kind: str, target: str, at: int = 0, **fields: Any) -> Input:
    value = {
        "id": f"{kind}-{target}-{at}",
        "pattern": P,
        "kind": kind,
        "target": target,
        "reviewer": "p1",
        "at": START + at,
        "reason": "reviewed",
        **fields,
    }
    return Input("pattern-commands", value, at)


def judged(inputs: Iterable[Input], breaker: Breaker) -> list[Input]:
    """The same, with the policy's breaker in what accounts write, as they do."""
    return [
        one._replace(value={"breaker": breaker, **one.value}) if one.topic == "proposals" else one
        for one in inputs
    ]


def agent(**options: Any) -> Agent:
    return governor_agent(SCHEMA, **options)


class Play:
    """A running governor; what it emits is kept by topic, decoded."""

    def __init__(self, breaker: Breaker = BREAKER, **options: Any) -> None:
        self.driver = MemoryDriver([agent(**options)])
        self._breaker = breaker
        self.outputs: list[Output] = []

    @property
    def store(self) -> Any:
        return self.driver.processors[0].store

    def feed(self, *inputs: Input) -> Play:
        self.outputs += self.driver.feed(one.record for one in judged(inputs, self._breaker))
        return self

    @property
    def kept(self) -> bytes:
        """Everything in the state, keys as well."""
        return b"".join(part for item in self.store.items() for part in item)

    def until(self, at: int) -> Play:
        """Time passes, to `at` ms after the start."""
        self.outputs += self.driver.advance(START + at)
        return self

    def on(self, topic: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(o.value) for o in self.outputs if o.topic == topic]

    @property
    def said(self) -> list[tuple[str, ...]]:
        return said(self.outputs)


def said(outputs: Iterable[Output]) -> list[tuple[str, ...]]:
    """What the outputs say, in their order, in a few words each.

    Enforcement, and the signal to the account that goes with it, are one word; what doesn't fit
    together fails.
    """
    words: list[tuple[str, ...]] = []
    told: list[tuple[str, ...]] = []
    for topic, key, raw, _ in outputs:
        value = msgspec.json.decode(raw)
        assert key.decode() == value["account"]
        reviewer = value.get("reviewer", "")
        match topic:
            case "enforcement" if value["action"] == "undo":
                words.append(("undone", value["undoes"], reviewer))
            case "enforcement":
                words.append(("granted", value["id"], reviewer))
            case "review-queue" if value["reason"] == "held":
                words.append(("held", value["proposal"], ""))
            case "review-queue":
                words.append((value["reason"], value["proposal"], value.get("held_by", "")))
            case "account-signals" if value["kind"] == "voided":
                words.append(("voided", value["proposal"], reviewer))
            case "account-signals":
                told.append((value["kind"], value["proposal"], reviewer))
            case _:
                raise AssertionError((topic, value))
    assert told == [word for word in words if word[0] in ("granted", "held", "undone")]
    return words


def granted(play: Play) -> list[str]:
    """Which proposals were granted, in order."""
    return [word[1] for word in play.said if word[0] == "granted"]


def held(play: Play) -> list[str]:
    """Which proposals were held, in order."""
    return [word[1] for word in play.said if word[0] == "held"]


def undone(play: Play) -> list[str]:
    """Which decisions were undone, sorted."""
    return sorted(word[1] for word in play.said if word[0] == "undone")


def merged(logs: Sequence[Sequence[Input]]) -> list[Input]:
    """The inputs as the engine merges them: the smaller head first, the first log on ties."""
    heads = [list(log) for log in logs]
    order = []
    while any(heads):
        order.append(min((log for log in heads if log), key=lambda log: log[0].at).pop(0))
    return order


class Partition:
    """One partition of the governor as a worker has it, killed now and then in between.

    What isn't committed when it is killed is gone, and done again by the next.
    """

    def __init__(self, made: Agent, logs: Sequence[Sequence[Input]], dice: random.Random) -> None:
        self._agent = made
        self._logs = [
            [MemoryRecord(*one.record[1:3], at, one.record[3]) for at, one in enumerate(log)]
            for log in logs
        ]
        self._dice = dice
        self.topic: dict[bytes, bytes] = {}
        self.outputs: list[Output] = []

    def run(self, until_ms: int) -> Partition:
        """Handle everything, then let time pass to `until_ms` (ms since the epoch)."""
        while not self._life(until_ms):
            pass
        return self

    def _life(self, until_ms: int) -> bool:
        dice, made = self._dice, self._agent
        store = Store(made.kinds, hot_limit=dice.randint(0, 4))
        for full, data in self.topic.items():
            store.restore(full, data)
        processor = Processor(made, 0, 1, store=store, clock=lambda: 0.0)
        offsets = processor.restored_offsets()
        for index, topic in enumerate(made.inputs):
            log, at = self._logs[index], offsets.get(topic, 0)
            processor.inputs.seek(index, at, len(log))
            while at < len(log):
                part = log[at : at + dice.randint(1, 6)]
                at += len(part)
                processor.inputs.add(index, part, at, len(log))
        while processor.step(dice.randint(1, 8)) is not None:
            if self._pause(processor):
                return False
        while processor.pass_time(until_ms, dice.randint(1, 3)):
            if self._pause(processor):
                return False
        self._commit(processor)
        return True

    def _pause(self, processor: Processor) -> bool:
        """Maybe a checkpoint; whether the worker is killed now."""
        if self._dice.random() < 0.3:
            self._commit(processor)
        return self._dice.random() < 0.1

    def _commit(self, processor: Processor) -> None:
        checkpoint = processor.checkpoint()
        for full, data in checkpoint.states.items():
            assert data is None or len(data) <= 256 * 1024
            if data is None:
                self.topic.pop(full, None)
            else:
                self.topic[full] = data
        self.outputs += checkpoint.outputs
