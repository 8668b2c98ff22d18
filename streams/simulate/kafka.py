"""Simulated records into Kafka: the input topics, partitioned as Kafka's own clients do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from time import monotonic
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from streams.admin import Difference, KafkaUnreachable, TopicsWrong
from streams.admin.cluster import open_cluster
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, Line, ts_of
from streams.topics import full_name

_BATCH_BYTES = 512 * 1024
_IN_FLIGHT = 32  # batches whose acknowledgement is awaited at a time
_POSITIVE = 0x7FFFFFFF
_TICK_S = 0.05


class Feed:
    """Appends records to the input topics; use as an async context manager.

    Batches are built per partition and sent whole: about twenty times as fast as a send per record.

    Args:
        connection: aiokafka's client settings, as `streams.config.Settings.connection` gives them.
        prefix: of topic names.
    """

    def __init__(self, connection: Mapping[str, Any], prefix: str = "") -> None:
        self._connection = connection
        self._brokers = connection["bootstrap_servers"]
        self._prefix = prefix
        self._hashes: dict[str, int] = {}
        self._builders: dict[tuple[str, int], Any] = {}
        self._sending: dict[asyncio.Future[Any], tuple[str, int]] = {}

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnreachable: no broker answers.
            TopicsWrong: an input topic isn't there.
        """
        self._counts = await asyncio.to_thread(_partitions, self._connection, self._prefix)
        self._producer = AIOKafkaProducer(
            **self._connection,
            max_batch_size=_BATCH_BYTES,
            enable_idempotence=True,
            linger_ms=0,
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise KafkaUnreachable(
                f"{self._brokers} takes no producer ({type(error).__name__}); see its log"
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect; what `flush` has not sent is not sent."""
        await self._producer.stop()

    async def append(self, chunk: list[Line]) -> None:
        """Append records, in this order per partition; they are on their way after `flush`.

        Raises:
            KafkaUnreachable: the broker did not take a batch.
        """
        split: defaultdict[tuple[str, int], list[Line]] = defaultdict(list)
        counts, hashes = self._counts, self._hashes
        for line in chunk:
            _, topic, key, _ = line
            hashed = hashes.get(key)
            if hashed is None:  # pure Python and 3 µs: once per key
                hashed = hashes[key] = murmur2(key.encode()) & _POSITIVE
            split[topic, hashed % counts[topic]].append(line)
        for (topic, partition), lines in split.items():
            await self._append(topic, partition, lines)

    async def flush(self) -> None:
        """Send what was appended and wait until the broker has all of it.

        Raises:
            KafkaUnreachable: the broker did not take a batch.
        """
        for (topic, partition), builder in list(self._builders.items()):
            await self._send(topic, partition, builder)
        self._builders.clear()
        await self._settle(0)

    async def _append(self, topic: str, partition: int, lines: list[Line]) -> None:
        builder = self._builders.get((topic, partition))
        for order, _, key, value in lines:
            ts = ts_of(order)
            packed, encoded = key.encode(), value.encode()
            while builder is None or not builder.append(timestamp=ts, key=packed, value=encoded):
                if builder is not None:
                    await self._send(topic, partition, builder)
                builder = self._producer.create_batch()
        self._builders[topic, partition] = builder

    async def _send(self, topic: str, partition: int, builder: Any) -> None:
        await self._settle(_IN_FLIGHT)
        builder.close()
        try:
            done = await self._producer.send_batch(
                builder, full_name(topic, self._prefix), partition=partition
            )
        except KafkaError as error:
            raise self._refused(topic, partition, error) from error
        self._sending[done] = (topic, partition)

    async def _settle(self, leave: int) -> None:
        """Wait until at most `leave` batches are on their way."""
        while len(self._sending) > leave:
            done, _ = await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                topic, partition = self._sending.pop(one)
                error = one.exception()
                if error is not None:
                    raise self._refused(topic, partition, error) from error

    def _refused(self, topic: str, partition: int, error: BaseException) -> KafkaUnreachable:
        return KafkaUnreachable(
            f"{full_name(topic, self._prefix)}/{partition} at {self._brokers}: the broker did not take a "
            f"batch ({type(error).__name__}); see its log, or `vigil topics check`"
        )


def _partitions(connection: Mapping[str, Any], prefix: str) -> dict[str, int]:
    """Partition counts of the input topics, by logical name, once each partition answers."""
    names = {topic: full_name(topic, prefix) for topic in (ACTIVITY, HITS, REVIEWS)}
    with open_cluster(connection) as cluster:
        live = cluster.topics()
        remedy = f"Run: vigil topics create --brokers {connection['bootstrap_servers']}"
        missing = [
            Difference(name, "is missing", remedy, fatal=True)
            for name in names.values()
            if name not in live
        ]
        if missing:
            raise TopicsWrong(missing)
        cluster.insist_on_leaders({name: live[name].partitions for name in names.values()})
    return {topic: live[name].partitions for topic, name in names.items()}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one step of `feed` sent: how many records, the last one's order, and since when.

    `began` is the monotonic time at which the first of them was handed to the producer.
    """

    records: int
    last: int
    began: float


async def feed(
    connection: Mapping[str, Any],
    prefix: str,
    chunks: Iterable[list[Line]],
    rate: float | None = None,
) -> AsyncGenerator[Sent]:
    """Write all chunks to the input topics, telling after each step what was sent.

    With a `rate` (records per second, > 0) a step is what is due in `_TICK_S`, and is in Kafka when
    it is told; never ahead of the clock, and catching up after a stall. Without one it writes as
    fast as the broker takes it, and only the last step is sure to be there.

    Raises:
        KafkaUnreachable: no broker answers, or one did not take a batch.
        TopicsWrong: an input topic isn't there.
    """
    async with Feed(connection, prefix) as to:
        if rate is None:
            for chunk in filter(None, chunks):
                began = monotonic()
                await to.append(chunk)
                yield Sent(len(chunk), chunk[-1][0], began)
            await to.flush()
            return
        start, sent = monotonic(), 0
        for part in _parts(chunks, max(1, round(rate * _TICK_S))):
            await asyncio.sleep(max(0.0, start + sent / rate - monotonic()))
            began = monotonic()
            await to.append(part)
            await to.flush()
            sent += len(part)
            yield Sent(len(part), part[-1][0], began)


def _parts(chunks: Iterable[list[Line]], size: int) -> Iterator[list[Line]]:
    lines = chain.from_iterable(chunks)
    while part := list(islice(lines, size)):
        yield part
