"""Keeps a worker's name unique: whoever takes the name last keeps it, the other one ends (exit 4).

aiokafka's static membership has no FencedInstanceId, so two live workers of one name would rejoin
in a loop. The name is therefore a transactional id of its own: taking it is InitProducerId, which
fences the one who had it; that one notices at its next renewal, an aborted transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition

log = logging.getLogger(__name__)

RENEW_S = 3.0
_RENEW_TIMEOUT_S = 20.0


class NameTaken(Exception):
    """Another worker has taken this worker's name."""


class NameGuard:
    """Holds the name `worker_id` in the group `group`. `topic` is any topic of ours: the renewal
    offers an offset for it and takes it back."""

    def __init__(
        self, connection: Mapping[str, Any], prefix: str, worker_id: str, topic: str
    ) -> None:
        self._connection = connection
        self._transactional_id = f"{prefix}vigil.worker.{worker_id}"
        self._group = f"{prefix}vigil.workers"
        self._offset = {TopicPartition(topic, 0): OffsetAndMetadata(0, "")}
        self._producer: AIOKafkaProducer | None = None

    async def take(self) -> None:
        """Take the name. Raises KafkaError."""
        self._producer = AIOKafkaProducer(
            **self._connection, transactional_id=self._transactional_id
        )
        await self._producer.start()

    async def hold(self) -> None:
        """Renew until cancelled. Raises NameTaken; an unreachable broker is waited for."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await asyncio.wait_for(self._renew(), _RENEW_TIMEOUT_S)
            except (ProducerFenced, InvalidProducerEpoch):
                raise NameTaken from None
            except (KafkaError, TimeoutError, AssertionError) as error:
                # A broker restart can leave aiokafka's producer in a state it can't leave. A new
                # one would take the name by force, which only a start may do: hold() can't tell
                # whether the name is still ours until the broker answers this producer again.
                log.warning("the worker's name could not be renewed: %s", type(error).__name__)

    async def _renew(self) -> None:
        producer = self._producer
        assert producer is not None
        await producer.begin_transaction()
        try:
            await producer.send_offsets_to_transaction(dict(self._offset), self._group)
        finally:
            await producer.abort_transaction()

    async def release(self) -> None:
        """Let go of the connection; the name is free for the next start anyway."""
        if self._producer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._producer.stop(), RENEW_S)
