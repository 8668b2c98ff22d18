"""Simulated records into Kafka: the input topics, partitioned as Kafka's own clients do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain, islice
from time import monotonic
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from streams.simulate.lines import Line, ts_of
from streams.topics import full_name

_BATCH_BYTES = 512 * 1024
_IN_FLIGHT = 32  # batches whose acknowledgement is awaited at a time
_POSITIVE = 0x7FFFFFFF
_METADATA_S = 10.0
_TICK_S = 0.05


class CannotProduceError(Exception):
    """Kafka can't be reached, or an input topic isn't there. Says which, and what to do."""


class Feed:
    """Appends records to the input topics; use as an async context manager.

    Batches are built per partition and sent whole: about twenty times as fast as a send per record.

    Args:
        brokers: ``host:port``, comma-separated.
        prefix: of topic names.
    """

    def __init__(self, brokers: str, prefix: str = "") -> None:
        self._brokers = brokers
        self._prefix = prefix
        self._homes: dict[str, int] = {}
        self._partitions: dict[str, int] = {}
        self._builders: dict[tuple[str, int], Any] = {}
        self._sending: dict[asyncio.Future[Any], tuple[str, int]] = {}

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            CannotProduceError: no broker answers.
        """
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            max_batch_size=_BATCH_BYTES,
            enable_idempotence=True,
            linger_ms=0,
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise CannotProduceError(
                f"no Kafka answers at {self._brokers} ({type(error).__name__}); "
                "is it running? `vigil kafka status` tells about the embedded one"
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect; what `flush` has not sent is not sent."""
        await self._producer.stop()

    async def append(self, chunk: list[Line]) -> None:
        """Append records, in this order per partition; they are on their way after `flush`.

        Raises:
            CannotProduceError: a topic isn't there, or the broker refused a batch.
        """
        split: defaultdict[tuple[str, int], list[Line]] = defaultdict(list)
        for line in chunk:
            topic, key = line[1], line[2]
            split[topic, await self._home(topic, key)].append(line)
        for (topic, partition), lines in split.items():
            await self._append(topic, partition, lines)

    async def flush(self) -> None:
        """Send what was appended and wait until the broker has all of it.

        Raises:
            CannotProduceError: the broker refused a batch.
        """
        for (topic, partition), builder in list(self._builders.items()):
            await self._send(topic, partition, builder)
        self._builders.clear()
        await self._settle(0)

    async def _home(self, topic: str, key: str) -> int:
        count = self._partitions.get(topic)
        if count is None:
            count = self._partitions[topic] = await self._count(topic)
        hashed = self._homes.get(key)
        if hashed is None:  # pure Python and 3 µs: once per key
            hashed = self._homes[key] = murmur2(key.encode()) & _POSITIVE
        return hashed % count

    async def _count(self, topic: str) -> int:
        name = full_name(topic, self._prefix)
        try:
            found = await asyncio.wait_for(self._producer.partitions_for(name), _METADATA_S)
        except (KafkaError, TimeoutError) as error:
            raise CannotProduceError(
                f"topic {name} isn't there at {self._brokers}; `vigil topics create` makes it"
            ) from error
        return len(found)

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

    def _refused(self, topic: str, partition: int, error: BaseException) -> CannotProduceError:
        return CannotProduceError(
            f"{full_name(topic, self._prefix)}/{partition} at {self._brokers}: the broker did not take a "
            f"batch ({type(error).__name__}); see its log, or `vigil topics check`"
        )


async def feed(
    brokers: str, prefix: str, chunks: Iterable[list[Line]], rate: float | None
) -> AsyncIterator[int]:
    """Write all chunks to the input topics, yielding the number of records after each part.

    With a `rate` (records per second, > 0) a part holds what is due in `_TICK_S` and is sent when
    the clock says so; it never runs ahead, and catches up after a stall. Without one it writes as
    fast as the broker takes it.

    Raises:
        CannotProduceError: Kafka can't be reached, or a topic isn't there.
    """
    async with Feed(brokers, prefix) as to:
        if rate is None:
            for chunk in chunks:
                await to.append(chunk)
                yield len(chunk)
            await to.flush()
            return
        began, sent = monotonic(), 0
        for part in _parts(chunks, max(1, round(rate * _TICK_S))):
            await asyncio.sleep(max(0.0, began + sent / rate - monotonic()))
            await to.append(part)
            await to.flush()
            sent += len(part)
            yield len(part)


def _parts(chunks: Iterable[list[Line]], size: int) -> Iterator[list[Line]]:
    lines = chain.from_iterable(chunks)
    while part := list(islice(lines, size)):
        yield part
