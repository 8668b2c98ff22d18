"""Writes refused records to their topics again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.admin import KafkaUnreachable
from streams.admin.explanation import explain
from streams.dlq.examination import Examined, Standing
from streams.topics import MAX_RECORD_BYTES, full_name

_ACKNOWLEDGE_S = 30.0


def requeue(
    connection: Mapping[str, Any], examined: Iterable[Examined], *, prefix: str = ""
) -> list[Examined]:
    """Write those that are ready; return all, without their records.

    Each has the key, value, headers and timestamp it was examined with, and goes to the partition
    its key belongs on. To write one twice does no harm: the same id again changes nothing, as far
    as a worker's memory of ids reaches. Raises `KafkaUnreachable`; it says how many are written.
    """
    done: list[Examined] = []
    sent: list[Any] = []
    written = 0
    try:
        with contextlib.closing(
            KafkaProducer(
                **connection,
                acks="all",
                # Ids are what makes it so; an idempotent one would not say which right is missing.
                enable_idempotence=False,
                max_request_size=MAX_RECORD_BYTES,
                client_id="vigil-dlq",
            )
        ) as producer:
            for one in examined:
                if one.standing is Standing.READY:
                    record = one.record
                    sent.append(
                        producer.send(
                            full_name(one.letter.place.topic, prefix),
                            record.value,
                            record.key,
                            headers=list(record.headers),
                            partition=one.belongs,
                            timestamp_ms=record.timestamp,
                        )
                    )
                done.append(one.alone())
            for future in sent:
                future.get(timeout=_ACKNOWLEDGE_S)
                written += 1
    except TopicAuthorizationFailedError:
        raise KafkaUnreachable(
            f"Kafka at {connection['bootstrap_servers']} lets this principal not write there. To"
            " requeue takes one that may read dead-letters and the topic, and write to it:"
            " docs/operations.md, What was refused"
        ) from None
    except KafkaError as error:
        raise KafkaUnreachable(
            f"{explain(error, connection)}. {written} records are known to be written. Give the"
            " same command again: no signal counts twice"
        ) from None
    return done
