"""A consumer that looks on: it belongs to no group and commits nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from streams.admin import KafkaUnreachable
from streams.admin.explanation import explain

POLL_MS = 500
PATIENCE_S = 30.0
"""How long a broker may say nothing although there is something to read."""


@contextlib.contextmanager
def looking_on(connection: Mapping[str, Any]) -> Iterator[KafkaConsumer]:
    """The consumer, of committed records only; raises `KafkaUnreachable` for what fails inside."""
    try:
        with contextlib.closing(
            KafkaConsumer(
                **connection,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                client_id="vigil-dlq",
            )
        ) as consumer:
            yield consumer
    except KafkaError as error:
        raise KafkaUnreachable(explain(error, connection)) from None
