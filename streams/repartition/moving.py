"""Carrying the records of a compacted topic to the partitions their keys belong on now.

A record is written where it belongs and tombstoned where it was in one transaction, so that it is
in exactly one place whenever somebody looks. The transactional id is the same for all runs on a
deployment: who begins later fences who began before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer

from streams.engine.kafka.restore import restore
from streams.engine.partitioner import partition_of
from streams.engine.state_format import home_of
from streams.topics import MAX_RECORD_BYTES, Role, Topic, repartition_id

_AT_ONCE = 20_000
"""Records of one transaction."""
_TRANSACTION_TIMEOUT_MS = 60_000
_BATCH_BYTES = 512 * 1024

Tell = Callable[[str], None]
"""Told in words how far it is."""


class Moved(NamedTuple):
    """How many records of one partition belonged elsewhere."""

    topic: str
    partition: int
    moved: int


class _Latest:
    """The last value of each key, as compaction leaves them."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def restore(self, full: bytes, data: bytes | None) -> None:
        if data is None:
            self.records.pop(full, None)
        else:
            self.records[full] = data


def elsewhere(
    records: Mapping[bytes, bytes], role: Role, here: int, partitions: int
) -> Iterator[tuple[int, bytes, bytes]]:
    """(partition, key, value) of the records that don't belong `here` among so many partitions."""
    for key, value in records.items():
        home = home_of(key) if role is Role.STATE else key
        if home is not None and (there := partition_of(home, partitions)) != here:
            yield there, key, value


class Mover:
    """Moves the records of one deployment to where they belong among `partitions`.

    As a context manager; entering ends every other mover's right to move. `connection` are
    aiokafka's client settings.
    """

    def __init__(
        self, connection: Mapping[str, Any], prefix: str, partitions: int, tell: Tell
    ) -> None:
        self._connection = connection
        self._prefix = prefix
        self._partitions = partitions
        self._tell = tell
        self._producer = AIOKafkaProducer(
            **connection,
            transactional_id=repartition_id(prefix),
            transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=2 * MAX_RECORD_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def move(self, topic: Topic, partition: int) -> Moved:
        """Move what is in one partition of a topic and belongs elsewhere; nothing the second time."""
        name = self._prefix + topic.name
        latest = _Latest()
        await restore(self._connection, name, partition, latest)
        away = elsewhere(latest.records, topic.role, partition, self._partitions)
        count = 0
        while some := list(islice(away, _AT_ONCE)):
            async with self._producer.transaction():
                await self._write(name, partition, some)
                # Before the commit, so that a test may end it here.
                count += len(some)
                self._tell(f"{name}/{partition}: {count} of {len(latest.records)} belong elsewhere")
        return Moved(name, partition, count)

    async def _write(self, name: str, here: int, some: list[tuple[int, bytes, bytes]]) -> None:
        sent = [
            await self._producer.send(name, value, key, partition=partition)
            for there, key, data in some
            for partition, value in ((there, data), (here, None))
        ]
        await asyncio.gather(*sent)
