"""Reads one partition of a state topic back into a store, from the beginning to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.engine.kafka.fetch import fetch_chunks
from streams.engine.state_format import UnreadableState

_FETCH_BYTES = 8 * 1024 * 1024
_POLL_S = 1.0


class Restored(Protocol):
    """What takes the records: a `Store`, or whoever only looks on."""

    def restore(self, full: bytes, data: bytes | None) -> None:
        """Take one record, in the topic's order. May raise UnreadableState."""


def _told_nobody(_left: int) -> None:
    """Nobody wants to know how far it is."""


async def restore(
    connection: Mapping[str, Any],
    topic: str,
    partition: int,
    store: Restored,
    tell_left: Callable[[int], None] = _told_nobody,
) -> int:
    """Fill `store`; returns the records read. `tell_left` hears how many offsets are still to come.

    Call it after fencing only: before, an older owner might still commit. Raises UnreadableState
    naming topic, partition and offset, and KafkaError.
    """
    tp = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(
        **connection,
        group_id=None,
        enable_auto_commit=False,
        # With the default, assign() starts a reset to the end that races with our seek.
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    await consumer.start()
    try:
        consumer.assign([tp])
        first = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.seek(tp, first)
        position, count = first, 0
        tell_left(end - first)
        while position < end:
            chunk = (await fetch_chunks(consumer, {tp}, _POLL_S)).get(tp)
            if chunk is None:
                continue
            _fill(store, chunk.records, topic, partition)
            position = chunk.next_offset
            count += len(chunk.records)
            tell_left(max(0, end - position))
        return count
    finally:
        await consumer.stop()


def _fill(store: Restored, records: list[Any], topic: str, partition: int) -> None:
    take = store.restore
    for record in records:
        try:
            take(record.key, record.value)
        except (UnreadableState, IndexError, TypeError) as error:
            raise UnreadableState(
                f"{topic}/{partition} offset {record.offset}: {error}. The worker stops rather "
                "than skip it: it holds what was decided about an account. Start the version of "
                "Vigil that wrote it, or see docs/operations.md, 'Unreadable state'."
            ) from None
