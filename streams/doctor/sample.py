"""The newest records of topics, read without joining a group or committing anything."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

_DEADLINE_S = 10.0
_POLL_MS = 500


class Seen(NamedTuple):
    """What the doctor looks at of a record; values only where `with_values` asked for them."""

    topic: str
    partition: int
    key: bytes | None
    timestamp: int
    value: bytes | None


def newest(
    connection: Mapping[str, Any],
    topics: Mapping[str, int],
    *,
    per_partition: int,
    with_values: bool = False,
) -> Iterator[Seen]:
    """Up to `per_partition` records of each partition; `topics` are full names and counts.

    Ends after ten seconds at the latest, with what was read by then.
    """
    partitions = [TopicPartition(name, n) for name, count in topics.items() for n in range(count)]
    if not partitions:
        return
    deadline = time.monotonic() + _DEADLINE_S
    with contextlib.closing(
        KafkaConsumer(
            **connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            client_id="vigil-doctor",
        )
    ) as consumer:
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        waiting = {p: ends[p] for p in partitions if ends[p] > starts[p]}
        consumer.assign(list(waiting))
        for partition, end in waiting.items():
            consumer.seek(partition, max(starts[partition], end - per_partition))
        while waiting and time.monotonic() < deadline:
            for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                for record in records:
                    value = record.value if with_values else None
                    yield Seen(
                        partition.topic, partition.partition, record.key, record.timestamp, value
                    )
            # By position, not by the last record: a topic ends in control markers.
            for partition in _done(consumer, waiting):
                del waiting[partition]


def _done(
    consumer: KafkaConsumer, waiting: Mapping[TopicPartition, int]
) -> Iterable[TopicPartition]:
    return [p for p, end in waiting.items() if consumer.position(p) >= end]
