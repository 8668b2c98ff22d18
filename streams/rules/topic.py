"""The topic `rules`, read and written by commands; a worker follows it with `streams.rules.follow`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.admin import KafkaUnreachable, TopicsWrong
from streams.admin.cluster import open_cluster
from streams.admin.comparison import missing
from streams.admin.explanation import explain
from streams.logs import muted
from streams.rules.published import TOPIC
from streams.rules.shelf import Place, Shelf
from streams.topics import MAX_RECORD_BYTES, full_name

_POLL_MS = 200
_READ_S = 60.0
_WRITE_S = 30.0


def read_shelf(connection: Mapping[str, Any], prefix: str) -> Shelf:
    """Everything the topic holds now. Raises `KafkaUnreachable`, `TopicsWrong`."""
    name = full_name(TOPIC, prefix)
    partitions = [TopicPartition(name, number) for number in range(_count(connection, prefix))]
    deadline = time.monotonic() + _READ_S
    shelf = Shelf()
    with contextlib.closing(
        KafkaConsumer(
            **connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            client_id="vigil-rules",
        )
    ) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        # By position, not by the last record: a partition may end in control markers.
        while any(consumer.position(one) < ends[one] for one in partitions):
            if time.monotonic() > deadline:
                raise KafkaUnreachable(f"{name} could not be read within {_READ_S:g} s")
            for one, records in consumer.poll(timeout_ms=_POLL_MS).items():
                for record in records:
                    place = Place(name, one.partition, record.offset)
                    shelf.take(place, record.key, record.value)
    return shelf


def write(
    connection: Mapping[str, Any], prefix: str, records: Sequence[tuple[bytes, bytes]]
) -> None:
    """Write records one after the other, each acknowledged by all replicas before the next.

    Raises `KafkaUnreachable`; those before it are written then.
    """
    try:
        # What is said in the end is enough; the client would log what it met on the way.
        with (
            muted("kafka"),
            contextlib.closing(
                KafkaProducer(
                    **connection,
                    acks="all",
                    # The same record again changes nothing, and an idempotent producer would not say
                    # which right is missing.
                    enable_idempotence=False,
                    max_request_size=MAX_RECORD_BYTES,
                    client_id="vigil-rules",
                )
            ) as producer,
        ):
            for key, value in records:
                producer.send(full_name(TOPIC, prefix), value, key).get(timeout=_WRITE_S)
    except KafkaError as error:
        raise KafkaUnreachable(explain(error, connection)) from None


def _count(connection: Mapping[str, Any], prefix: str) -> int:
    name = full_name(TOPIC, prefix)
    with open_cluster(connection) as cluster:
        live = cluster.topics().get(name)
        if live is None:
            raise TopicsWrong(missing(cluster, [name], prefix))
    return live.partitions
