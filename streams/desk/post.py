"""Writes orders to Kafka, each acknowledged by all replicas before the next."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.admin import KafkaUnreachable
from streams.admin.explanation import explain
from streams.desk.orders import Order
from streams.desk.topic import partitions_of
from streams.logs import muted
from streams.topics import full_name

_ACKNOWLEDGE_S = 30.0


def post(connection: Mapping[str, Any], orders: Sequence[Order], *, prefix: str = "") -> int:
    """Write the orders, and return how many were: all of them.

    Raises `TopicsWrong`, and `KafkaUnreachable`; it says how many were written before. To give all
    of them again does no harm: what was ordered is one order.
    """
    for topic in {order.topic for order in orders}:
        partitions_of(connection, topic, prefix)
    written = 0
    try:
        # What is said in the end is enough; the client would log what it met on the way.
        with (
            muted("kafka"),
            contextlib.closing(
                KafkaProducer(
                    **connection,
                    acks="all",
                    # Ids are what makes it so; an idempotent one would not say which right is missing.
                    enable_idempotence=False,
                    client_id="vigil-desk",
                )
            ) as producer,
        ):
            for topic, key, value in orders:
                name = full_name(topic, prefix)
                sent = producer.send(name, msgspec.json.encode(value), key.encode())
                sent.get(timeout=_ACKNOWLEDGE_S)
                written += 1
    except KafkaError as error:
        raise KafkaUnreachable(
            f"{explain(error, connection)}. {written} of the orders are written. Give the same"
            " command again: no order counts twice"
        ) from None
    return written
