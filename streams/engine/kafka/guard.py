"""Keeps a worker's name unique: whoever takes the name last keeps it, the other one ends (exit 4).

aiokafka's static membership has no FencedInstanceId, so two live workers of one name would rejoin
in a loop. Each worker therefore signs for its name: it commits a random number as the offset of a
group that is named after it and has no members, and looks every few seconds whether the number is
still its own. No transaction is involved: one that times out in a broker outage would look like
somebody else's. A few words of the worker stand beside the number, for those who ask what it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams.logs import Event, tell
from streams.topics import worker_group

RENEW_S = 3.0
_ANSWER_S = 10.0


class NameTaken(Exception):
    """Another worker has taken this worker's name."""


class NameGuard:
    """Holds the name `worker_id`. `topic` is any topic of ours: offsets have to be of one."""

    def __init__(
        self, connection: Mapping[str, Any], prefix: str, worker_id: str, topic: str
    ) -> None:
        self._connection = connection
        self._group = worker_group(worker_id, prefix)
        self._place = TopicPartition(topic, 0)
        self._signature = secrets.randbits(62)
        self._consumer: AIOKafkaConsumer | None = None
        self._words = ""
        self._news = asyncio.Event()

    def say(self, words: str) -> None:
        """Have these words stand beside the signature, soon; at most some 4,000 bytes."""
        self._words = words
        self._news.set()

    async def take(self) -> None:
        """Sign for the name. Raises KafkaError."""
        self._consumer = consumer = AIOKafkaConsumer(
            **self._connection, group_id=self._group, enable_auto_commit=False
        )
        await consumer.start()
        consumer.assign([self._place])
        # Nothing is ever read here: paused before the fetcher looks.
        consumer.pause(self._place)
        await self._sign(consumer)

    async def hold(self) -> None:
        """Look until cancelled. Raises NameTaken; an unreachable broker is waited for."""
        consumer = self._consumer
        assert consumer is not None
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), RENEW_S)
            try:
                signature = await asyncio.wait_for(consumer.committed(self._place), _ANSWER_S)
                if signature not in (None, self._signature):
                    raise NameTaken
                # A group nobody joins is forgotten after some days.
                if signature is None or self._news.is_set():
                    await asyncio.wait_for(self._sign(consumer), _ANSWER_S)
            except (KafkaError, TimeoutError) as error:
                tell(Event.NAME_UNWATCHED, error=type(error).__name__)
                # The news stay news, and are told at the next look.
                await asyncio.sleep(RENEW_S)

    async def _sign(self, consumer: Any) -> None:
        words = self._words
        await consumer.commit({self._place: OffsetAndMetadata(self._signature, words)})
        if words == self._words:
            self._news.clear()

    async def release(self) -> None:
        """Let go of the connection; the next start signs anew."""
        if self._consumer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._consumer.stop(), RENEW_S)
