"""An adapter between topics, or from a topic to a webhook: at least once, in order, nothing lost.

One consumer group per adapter. What was read counts as done, and is committed, only when all that
came of it is acknowledged by every replica, delivered, or written down as a dead letter. A bridge
that dies in between does the same again, with the same ids: Vigil counts an input id once, and a
receiver knows an output id. So several may run side by side, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import CommitFailedError, KafkaError

from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.files import Count
from streams.adapters.foreign import Foreign
from streams.adapters.outgoing.decided import read
from streams.adapters.table import Out
from streams.adapters.webhook import UNDELIVERABLE, Webhook
from streams.admin import Difference, KafkaUnreachable, TopicsWrong
from streams.admin.cluster import open_cluster
from streams.engine.dead_letters import TOPIC, DeadLetter
from streams.logs import Event, tell
from streams.signals import Reason, Refused
from streams.signals.times import format_ms
from streams.topics import full_name, logical_name

BATCH = 500
_POLL_MS = 500
_LONGEST_BATCH_MS = 24 * 3600 * 1000
"""A receiver that asks for patience isn't a reason to leave the group; a dead process still is."""

Handler = Callable[[Any], Awaitable[None]]
"""Does all with one record of Kafka, short of waiting for acknowledgements."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a bridge reads and writes: full topic names, and the group it reads as."""

    connection: Mapping[str, Any]
    prefix: str
    group: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


class Bridge:
    """What both directions share; `run` does it."""

    def __init__(self, ends: Ends, count: Count, *, batch: int = BATCH) -> None:
        self._ends = ends
        self._count = count
        self._batch = batch
        self._sending: list[asyncio.Future[Any]] = []

    async def run(self, idle_s: float | None = None) -> None:
        """Carry records over until cancelled, or until none came for `idle_s` seconds.

        Raises:
            KafkaUnreachable: no broker answers, or one doesn't take what it is given.
            TopicsWrong: a topic isn't there.
        """
        dead_letters = full_name(TOPIC, self._ends.prefix)
        needed = (*self._ends.sources, *self._ends.targets, dead_letters)
        await asyncio.to_thread(_insist_on, self._ends.connection, needed)
        try:
            async with AsyncExitStack() as stack:
                self._producer = await stack.enter_async_context(_producing(self._ends))
                consumer = await stack.enter_async_context(_consuming(self._ends))
                await self._prepare(stack)
                async for records in _batches(consumer, self._batch, idle_s):
                    for record in records:
                        self._count.read += 1
                        try:
                            await self._carry(record)
                        except Refused as refused:
                            await self._bury(record, refused.reason, refused.fields)
                    await self._done(consumer)
        except KafkaError as error:
            brokers = self._ends.connection["bootstrap_servers"]
            raise KafkaUnreachable(
                f"{', '.join(self._ends.sources)} at {brokers}: {type(error).__name__}; what was"
                " read and isn't done yet will be read again (vigil doctor)"
            ) from error

    async def _prepare(self, stack: AsyncExitStack) -> None:
        """Open what else is needed."""

    async def _carry(self, record: Any) -> None:
        raise NotImplementedError

    async def _send(self, topic: str, key: bytes, value: bytes, ts: int) -> None:
        sent = await self._producer.send(topic, value, key=key, timestamp_ms=ts)
        self._sending.append(sent)

    async def _bury(self, record: Any, reason: str, fields: Sequence[str] = ()) -> None:
        """Write a record's dead letter, and say so."""
        self._count.refused += 1
        place = f"{record.topic}/{record.partition}"
        tell(
            Event.DEAD_LETTER,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
            fields=",".join(fields),
        )
        letter = DeadLetter(
            record.topic,
            record.partition,
            record.offset,
            reason,
            tuple(fields),
            format_ms(record.timestamp),
        )
        topic = full_name(TOPIC, self._ends.prefix)
        await self._send(topic, place.encode(), msgspec.json.encode(letter), record.timestamp)

    async def _done(self, consumer: AIOKafkaConsumer) -> None:
        """Wait until all is acknowledged, then say where we are."""
        sending, self._sending = self._sending, []
        await asyncio.gather(*sending)
        try:
            await consumer.commit()
        except CommitFailedError:
            tell(Event.BRIDGE_OVERTAKEN)


class BridgeIn(Bridge):
    """From a foreign topic to Vigil's input topics."""

    def __init__(self, ends: Ends, count: Count, door: Door) -> None:
        super().__init__(ends, count)
        self._door = door

    async def _carry(self, record: Any) -> None:
        if record.value is None:
            raise Refused(Reason.NULL_VALUE)
        headers = {name: value or b"" for name, value in record.headers}
        entering = self._door(Foreign(record.value, record.timestamp, headers))
        self._count.silent += not entering
        for topic, key, value, _ in entering:
            name = full_name(topic, self._ends.prefix)
            await self._send(name, key.encode(), value, record.timestamp)
            self._count.written += 1


class BridgeOut(Bridge):
    """From Vigil's output topics to a foreign topic or a webhook."""

    def __init__(
        self,
        ends: Ends,
        count: Count,
        adapter: Out,
        words: Dictionary,
        webhook: Webhook | None = None,
    ) -> None:
        # What a receiver has is committed at once, so that a restart repeats one message at most.
        super().__init__(ends, count, batch=BATCH if webhook is None else 1)
        self._adapter = adapter
        self._words = words
        self._webhook = webhook

    async def _prepare(self, stack: AsyncExitStack) -> None:
        if self._webhook is not None:
            await stack.enter_async_context(self._webhook)

    async def _carry(self, record: Any) -> None:
        if record.value is None:
            raise Refused(Reason.NULL_VALUE)
        topic = logical_name(record.topic, self._ends.prefix)
        leaving = self._adapter.adapt(read(topic, record.value), self._words)
        if leaving is None:
            self._count.silent += 1
            return
        body = msgspec.json.encode(leaving.body)
        if self._webhook is None:
            (target,) = self._ends.targets
            await self._send(target, leaving.key.encode(), body, record.timestamp)
        elif not await self._webhook.deliver(leaving.id, body):
            await self._bury(record, UNDELIVERABLE)
            return
        self._count.written += 1


async def _batches(
    consumer: AIOKafkaConsumer, size: int, idle_s: float | None
) -> AsyncIterator[list[Any]]:
    loop = asyncio.get_running_loop()
    last = loop.time()
    while idle_s is None or loop.time() - last < idle_s:
        found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=size)
        records = [record for part in found.values() for record in part]
        if records:
            yield records
            last = loop.time()


@asynccontextmanager
async def _producing(ends: Ends) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**ends.connection, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _consuming(ends: Ends) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *ends.sources,
        **ends.connection,
        group_id=ends.group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=_LONGEST_BATCH_MS,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def _insist_on(connection: Mapping[str, Any], topics: Sequence[str]) -> None:
    """Raise `TopicsWrong` for a topic that isn't there: clients would wait for it, or make it."""
    with open_cluster(connection) as cluster:
        live = cluster.topics()
    remedy = "Create it, or correct --from, --to or --prefix"
    absent = [Difference(name, "is missing", remedy, fatal=True) for name in topics]
    absent = [one for one in absent if one.topic not in live]
    if absent:
        raise TopicsWrong(absent)
