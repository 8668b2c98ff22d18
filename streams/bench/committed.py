"""What a read_committed reader finds in a topic: the only evidence a benchmark accepts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

Visit = Callable[[bytes | None, bytes | None, int], None]
"""Called with (key, value, timestamp in ms) of each committed record, partition by partition."""

POLL_MS = 200


async def _read(brokers: str, topic: str, visit: Visit) -> int:
    # earliest, and an explicit seek: aiokafka's own reset after assign() races with ours.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    seen = 0
    try:
        await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 — a consumer without a group has no public way
        partitions = [
            TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        for tp in partitions:
            consumer.seek(tp, starts[tp])
        waiting = {tp for tp in partitions if ends[tp] > starts[tp]}
        while waiting:
            fetched = await consumer.getmany(*waiting, timeout_ms=POLL_MS)
            for records in fetched.values():
                for record in records:
                    visit(record.key, record.value, record.timestamp)
                seen += len(records)
            # The position and not the last record: topics written in transactions end in markers.
            waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    return seen


def read_committed(brokers: str, topic: str, visit: Visit) -> int:
    """Show `visit` every committed record of `topic` up to its present end; return their number."""
    return asyncio.run(_read(brokers, topic, visit))
