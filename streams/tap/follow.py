"""Reads output topics as they are committed, outside of any consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.admin import KafkaUnreachable, TopicsWrong
from streams.admin.cluster import open_cluster
from streams.admin.comparison import missing
from streams.topics import TABLE, Role, full_name, logical_name

OUTPUTS = tuple(topic.name for topic in TABLE if topic.role is Role.OUT)
"""The topics that may be followed: what Vigil decided, never what it was told."""

_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Committed:
    """One committed record: logical topic, key, decoded JSON value, Kafka timestamp (ms)."""

    topic: str
    key: str
    value: dict[str, Any]
    ts: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records to show: an account's, a pattern's (id, or part of the title), or all."""

    account: str | None = None
    pattern: str | None = None

    def __call__(self, value: Mapping[str, Any]) -> bool:
        """Whether a record's value is wanted."""
        if self.account is not None and value.get("account") != self.account:
            return False
        if self.pattern is None or value.get("pattern") == self.pattern:
            return True
        return self.pattern.casefold() in str(value.get("title", "")).casefold()


def places_of(
    connection: Mapping[str, Any], topics: Sequence[str], prefix: str
) -> list[TopicPartition]:
    """Return all partitions of `topics` (logical names).

    Asked of the admin client: aiokafka's consumer knows only topics it was assigned already.

    Raises:
        KafkaUnreachable: no broker answers.
        TopicsWrong: a topic isn't there.
    """
    with open_cluster(connection) as cluster:
        live = cluster.topics()
        names = [full_name(topic, prefix) for topic in topics]
        if absent := [name for name in names if name not in live]:
            raise TopicsWrong(missing(cluster, absent, prefix))
    return [
        TopicPartition(name, partition)
        for name in names
        for partition in range(live[name].partitions)
    ]


class Follower:
    """Reads committed records of output topics; use as an async context manager.

    Args:
        connection: aiokafka's client settings, as `streams.config.Settings.connection` gives them.
        topics: logical names.
        prefix: of topic names.
        since_ms: where to begin: None for now, 0 for the beginning, or ms since the epoch
            (compared with the records' Kafka timestamps).
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        topics: Sequence[str],
        *,
        prefix: str = "",
        since_ms: int | None = None,
    ) -> None:
        self._connection = connection
        self._brokers = connection["bootstrap_servers"]
        self._prefix = prefix
        self._topics = tuple(topics)
        self._since_ms = since_ms

    async def __aenter__(self) -> Self:
        """Connect, and stand at the first record to be read.

        Raises:
            KafkaUnreachable: no broker answers.
            TopicsWrong: a topic isn't there.
        """
        self._places = await asyncio.to_thread(
            places_of, self._connection, self._topics, self._prefix
        )
        self._consumer = AIOKafkaConsumer(
            **self._connection,
            isolation_level="read_committed",
            enable_auto_commit=False,
            # A background reset to "latest" would race with the seeks below.
            auto_offset_reset="earliest",
        )
        try:
            await self._consumer.start()
            await self._stand()
        except KafkaError as error:
            await self._consumer.stop()
            raise self._unreadable(error) from error
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def _stand(self) -> None:
        places = self._places
        self._consumer.assign(places)
        ends = await self._consumer.end_offsets(places)
        offsets = ends
        if self._since_ms == 0:
            offsets = await self._consumer.beginning_offsets(places)
        elif self._since_ms is not None:
            found = await self._consumer.offsets_for_times(dict.fromkeys(places, self._since_ms))
            offsets = {
                place: found[place].offset if found.get(place) else ends[place] for place in places
            }
        for place in places:
            self._consumer.seek(place, offsets[place])

    async def records(self, idle_s: float | None = None) -> AsyncIterator[Committed]:
        """Yield records as they are committed; end after `idle_s` seconds without one.

        Raises:
            KafkaUnreachable: the broker refuses to be read from.
        """
        loop = asyncio.get_running_loop()
        last = loop.time()
        while idle_s is None or loop.time() - last < idle_s:
            wait_ms = _POLL_MS
            if idle_s is not None:
                wait_ms = max(1, min(_POLL_MS, int((last + idle_s - loop.time()) * 1000)))
            for record in await self._poll(wait_ms):
                last = loop.time()
                yield record

    async def whole(self) -> AsyncIterator[Committed]:
        """Yield what is committed by now, and end.

        Raises:
            KafkaUnreachable: the broker refuses to be read from.
        """
        ends = await self._consumer.end_offsets(self._places)
        left = list(self._places)
        while left:
            for record in await self._poll(_POLL_MS):
                yield record
            # Positions also pass control markers, which are no records.
            left = [one for one in left if await self._consumer.position(one) < ends[one]]

    async def _poll(self, wait_ms: int) -> list[Committed]:
        try:
            batches = await self._consumer.getmany(timeout_ms=wait_ms)
        except KafkaError as error:
            raise self._unreadable(error) from error
        return [
            Committed(
                logical_name(place.topic, self._prefix),
                (record.key or b"").decode(),
                msgspec.json.decode(record.value, type=dict[str, Any]),
                record.timestamp,
            )
            for place, records in batches.items()
            for record in records
            # Kafka finds commit markers by their own, later time: look at each record's.
            if record.value is not None and record.timestamp >= (self._since_ms or 0)
        ]

    def _unreadable(self, error: KafkaError) -> KafkaUnreachable:
        return KafkaUnreachable(
            f"{', '.join(self._topics)} at {self._brokers} can't be read "
            f"({type(error).__name__}); see vigil topics check"
        )

    async def at_end(self) -> bool:
        """Whether everything committed by now has been yielded."""
        ends = await self._consumer.end_offsets(self._places)
        for place in self._places:
            if await self._consumer.position(place) < ends[place]:
                return False
        return True
