"""A steady load with probes in it: hits timed from produce to committed read of what comes of them.

That is the detection, one hop away, and the governor's word on the action, two hops away: an
enforcement, or, once the pattern's budget is spent, an item in the review queue.

Two kinds of probe, each on an account of its own. *Ordinary*: the third suspected hit of an account
within a day, whose detection waits for the checkpoint's timer. *Urgent*: a confirmed hash match,
which asks for a checkpoint at once. The load around them is the simulator's benign traffic.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.bench import product
from streams.bench.engine import Run
from streams.bench.preload import partition_of

TICK_S = 0.02
URGENT_EVERY_TICKS = 12
ORDINARY_LAG_TICKS = 50
"""The third hit of an ordinary probe comes a second after the first two."""

_HIT = (
    '{"id":"%s","account":"%s","at":%d,"source":"%s","category":"csam","verdict":"%s",'
    '"surface":"upload","score":0.9}'
)

Tick = dict[tuple[str, int], list[tuple[bytes, bytes]]]


class _Output(msgspec.Struct):
    account: str
    id: str
    evidence: list[str] = []


@dataclass(slots=True)
class Probes:
    """What was sent when, and what came back when; seconds since the epoch, by probe id.

    `seen` is when the detection was read, `decided` when the governor's word was.

    `label` keeps the probes of two loads on one worker apart. A probe is sent every `every_ticks`
    ticks; each is an account more.
    """

    label: str = ""
    every_ticks: int = 1
    sent: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    decided: dict[str, float] = field(default_factory=dict)
    doubled: int = 0

    def latencies_ms(self, kind: str, since: float, *, decided: bool = False) -> list[float]:
        """Sorted latencies of the answered probes of a kind that were sent at or after `since`."""
        answers = self.decided if decided else self.seen
        return sorted(
            (answers[probe] - sent) * 1000
            for probe, sent in self.sent.items()
            if probe in answers and sent >= since and probe.startswith(kind)
        )

    def unanswered(self) -> int:
        """Probes without a detection, or without the governor's word, so far."""
        return len(self.sent.keys() - (self.seen.keys() & self.decided.keys()))


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that `share` of the ordered values don't exceed."""
    return ordered[max(0, -(-len(ordered) * share // 1).__int__() - 1)]


def ticks(run: Run, rate: int, seconds: float) -> list[Tick]:
    """Benign traffic cut into ticks, made before it is needed so that making it costs no time."""
    per_tick = max(1, round(rate * TICK_S))
    number = round(seconds / TICK_S)
    lines = product.records(
        run, product.simulated(per_tick * number, run.stream.accounts, campaigns="none")
    )
    made: list[Tick] = []
    for _ in range(number):
        tick: Tick = {}
        for topic, partition, _ts, key, value in itertools.islice(lines, per_tick):
            tick.setdefault((topic, partition), []).append((key, value))
        made.append(tick)
    return made


def probes_of(probes: Probes, number: int, now_ms: int) -> Iterator[tuple[str, str, bytes, bool]]:
    """(account, hit id, value, is a probe) of the probe hits of tick `number`."""
    label, every = probes.label, probes.every_ticks

    def hit(account: str, name: str, source: str, verdict: str) -> bytes:
        return (_HIT % (name, account, now_ms, source, verdict)).encode()

    if number % every == 0:
        account = f"ordinary{label}-{number}"
        for which in "ab":
            name = f"{account}-{which}"
            yield account, name, hit(account, name, "classifier", "suspected"), False
    begun = number - ORDINARY_LAG_TICKS
    if begun >= 0 and begun % every == 0:
        account = f"ordinary{label}-{begun}"
        yield account, account, hit(account, account, "classifier", "suspected"), True
    if number % (URGENT_EVERY_TICKS * every) == 0:
        account = f"urgent{label}-{number}"
        yield account, account, hit(account, account, "hash_match", "confirmed"), True


async def feed(run: Run, load: list[Tick], probes: Probes) -> AsyncIterator[int]:
    """Send the load tick by tick by the clock, yielding each tick's number after it was sent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=run.brokers, enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    hits = run.prefix + "moderation-hits"
    waiting: set[asyncio.Future[Any]] = set()
    try:
        start = time.monotonic()
        for number, tick in enumerate(load):
            await asyncio.sleep(max(0.0, start + number * TICK_S - time.monotonic()))
            now = time.time()
            batches = {place: list(pairs) for place, pairs in tick.items()}
            for account, name, value, is_probe in probes_of(probes, number, int(now * 1000)):
                key = account.encode()
                place = (hits, partition_of(key, run.partitions))
                batches.setdefault(place, []).append((key, value))
                if is_probe:
                    probes.sent[name] = now
            for (topic, partition), pairs in batches.items():
                builder = producer.create_batch()
                for key, value in pairs:
                    builder.append(timestamp=int(now * 1000), key=key, value=value)
                future = await producer.send_batch(builder, topic, partition=partition)
                waiting.add(future)
                future.add_done_callback(waiting.discard)
            yield number
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def listen(run: Run, probes: Probes) -> None:
    """Note when what comes of each probe is there for a read_committed reader; until cancelled."""
    detections = run.prefix + "detections"
    consumer = AIOKafkaConsumer(
        detections,
        run.prefix + "enforcement",
        run.prefix + "review-queue",
        bootstrap_servers=run.brokers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    decode = msgspec.json.Decoder(_Output).decode
    ids: set[str] = set()
    try:
        async for record in consumer:
            now = time.time()
            output = decode(record.value)
            probe = output.account
            if output.id in ids:
                probes.doubled += 1
            ids.add(output.id)
            if probe not in probes.sent:
                continue
            if record.topic != detections:
                probes.decided.setdefault(probe, now)
            elif output.evidence[-1] == probe:
                probes.seen.setdefault(probe, now)
    finally:
        await consumer.stop()
