"""Puts records on a broker before a measurement starts, as fast as Python can.

aiokafka's `send()` costs 28 µs a record; appending to batches of our own costs about one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from streams.bench.stream import ACTIVITY, HITS, Stream, account_id, encode

BATCH_BYTES = 64 * 1024
BATCHES_IN_FLIGHT = 64

Record = tuple[str, int, int, bytes, bytes]
"""(topic, partition, timestamp in ms, key, value)."""


def partition_of(key: bytes, partitions: int) -> int:
    """The partition Kafka's default partitioner (murmur2) puts `key` on."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def stream_records(stream: Stream, topics: dict[str, str], partitions: int) -> Iterable[Record]:
    """The records of `stream`; `topics` maps a logical topic to its name on the broker."""
    # murmur2 in Python takes 3 µs: once per account, not per record.
    homes: dict[int, tuple[int, bytes]] = {}
    activity, hits = topics[ACTIVITY], topics[HITS]
    for signal in stream:
        account = signal[1]
        home = homes.get(account)
        if home is None:
            key = account_id(account).encode()
            home = homes[account] = (partition_of(key, partitions), key)
        topic = hits if signal[4] else activity
        yield topic, home[0], signal[2], home[1], encode(signal)


async def _produce(brokers: str, records: Iterable[Record]) -> dict[tuple[str, int], int]:
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, max_batch_size=BATCH_BYTES, enable_idempotence=True
    )
    await producer.start()
    counts: dict[tuple[str, int], int] = {}
    try:
        builders: dict[tuple[str, int], Any] = {}
        in_flight: deque[asyncio.Future[Any]] = deque()

        async def ship(place: tuple[str, int], builder: Any) -> None:
            counts[place] = counts.get(place, 0) + builder.record_count()
            in_flight.append(await producer.send_batch(builder, place[0], partition=place[1]))
            while len(in_flight) > BATCHES_IN_FLIGHT:
                await in_flight.popleft()

        for topic, partition, timestamp, key, value in records:
            place = (topic, partition)
            builder = builders.get(place)
            if builder is None:
                builder = builders[place] = producer.create_batch()
            if builder.append(timestamp=timestamp, key=key, value=value) is None:
                await ship(place, builder)
                builder = builders[place] = producer.create_batch()
                builder.append(timestamp=timestamp, key=key, value=value)
        for place, builder in builders.items():
            await ship(place, builder)
        while in_flight:
            await in_flight.popleft()
    finally:
        await producer.stop()
    return counts


def preload(brokers: str, records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """Write `records` in their order per partition; return how many each (topic, partition) got."""
    return asyncio.run(_produce(brokers, records))
