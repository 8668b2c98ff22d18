"""Reads single records of a partition by their offsets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from enum import Enum
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.admin import KafkaUnreachable
from streams.dlq.consumer import PATIENCE_S, POLL_MS

_READ_ON = 500
"""Offsets that are quicker read than skipped: a seek throws away what was fetched."""


class Gone(Enum):
    """Why there is no record at an offset."""

    DELETED = "deleted"
    """It lies before the first one Kafka still has."""
    NEVER = "never"
    """It lies beyond the end, or what was there is no committed record."""


def read(
    consumer: KafkaConsumer, partition: TopicPartition, offsets: Collection[int]
) -> Iterator[tuple[int, Any | Gone]]:
    """Yield each offset with its record, or with why there is none. Raises `KafkaUnreachable`."""
    consumer.assign([partition])
    first = consumer.beginning_offsets([partition])[partition]
    end = consumer.end_offsets([partition])[partition]
    wanted = deque(sorted(set(offsets)))
    while wanted and wanted[0] < first:
        yield wanted.popleft(), Gone.DELETED
    deadline = time.monotonic() + PATIENCE_S
    position = -_READ_ON - 1
    while wanted and wanted[0] < end:
        if wanted[0] - position > _READ_ON:
            consumer.seek(partition, wanted[0])
        for record in consumer.poll(timeout_ms=POLL_MS).get(partition, ()):
            deadline = time.monotonic() + PATIENCE_S
            while wanted and wanted[0] < record.offset:
                yield wanted.popleft(), Gone.NEVER
            if wanted and wanted[0] == record.offset:
                yield wanted.popleft(), record
        # Past control markers, too: what lies before it is read.
        position = consumer.position(partition)
        while wanted and wanted[0] < position:
            yield wanted.popleft(), Gone.NEVER
        if time.monotonic() > deadline:
            raise KafkaUnreachable(
                f"{partition.topic}/{partition.partition} gave nothing for {PATIENCE_S:g} s:"
                " see vigil doctor"
            )
    for offset in wanted:
        yield offset, Gone.NEVER
