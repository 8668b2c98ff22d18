"""The checkpoint of one (agent, partition): one Kafka transaction.

1. begin,
2. state records and the source offsets go to the state topic, outputs to theirs, in batches,
3. every batch is acknowledged,
4. commit.

Offsets, state and outputs are in the same transaction, so a reader of committed records sees all
of it or nothing. `fence` comes before the state is read: InitProducerId with our fixed
transactional id ends an older owner's right to commit and settles its open transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError

from streams.engine.kafka.denied import DENIED
from streams.engine.outbox import Output
from streams.engine.partitioner import partition_of
from streams.engine.processor import Checkpoint

TRANSACTION_TIMEOUT_MS = 10_000
"""An open transaction of a dead worker holds back read_committed readers for so long at most."""

COMMIT_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 3.0
_NO_HEADERS: list[tuple[str, bytes | None]] = []
_BATCH_BYTES = 512 * 1024
_REQUEST_BYTES = 1024 * 1024


class CommitFailed(Exception):
    """The checkpoint is not known to be committed: drop the memory, and restore if still ours."""


class Checkpointer:
    """Commits checkpoints of one (agent, partition) under its transactional id.

    `connection` are aiokafka's client settings. Not used by two tasks at once.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        transactional_id: str,
        *,
        prefix: str,
        state_topic: str,
        partition: int,
        partitions: int,
    ) -> None:
        self._prefix = prefix
        self._state_topic = prefix + state_topic
        self._partition = partition
        self._partitions = partitions
        self._producer = AIOKafkaProducer(
            **connection,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
            request_timeout_ms=15_000,
        )

    async def fence(self) -> None:
        """From now on no older owner can commit. Raises KafkaError."""
        await self._producer.start()

    async def commit(self, checkpoint: Checkpoint, now_ms: int) -> None:
        """Commit it all or nothing.

        Raises CommitFailed, and one of DENIED; then this object is of no more use.
        """
        try:
            await asyncio.wait_for(self._commit(checkpoint, now_ms), COMMIT_TIMEOUT_S)
        except DENIED:
            raise
        except (KafkaError, IllegalOperation, TimeoutError) as error:
            if (denied := self._denied()) is not None:
                raise denied from None
            raise CommitFailed(type(error).__name__) from error

    def _denied(self) -> KafkaError | None:
        """What the transaction was denied, if that is why it failed.

        aiokafka tells the transaction's own future; sends and the commit only raise what follows.
        """
        ended = self._producer._txn_manager.wait_for_transaction_end()
        error = ended.exception() if ended and ended.done() and not ended.cancelled() else None
        return error if isinstance(error, DENIED) else None

    async def _commit(self, checkpoint: Checkpoint, now_ms: int) -> None:
        producer = self._producer
        # 1.
        await producer.begin_transaction()
        # 2.
        sent = [
            await self._send(self._state_topic, self._partition, batch)
            for batch in self._batches((k, v, now_ms) for k, v in checkpoint.states.items())
        ]
        for (topic, partition), outputs in self._routed(checkpoint.outputs).items():
            sent += [
                await self._send(topic, partition, batch)
                for batch in self._batches((o.key, o.value, o.ts) for o in outputs)
            ]
        # 3.
        await asyncio.gather(*sent)
        # 4.
        await producer.commit_transaction()

    async def close(self) -> None:
        """Let go of the connections; an open transaction is left to the next owner's fencing."""
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._producer.stop(), _CLOSE_TIMEOUT_S)

    async def _send(self, topic: str, partition: int, batch: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._producer.send_batch(
            batch, topic, partition=partition
        )
        return future

    def _batches(self, records: Iterable[tuple[bytes, bytes | None, int]]) -> list[Any]:
        """Records packed into as few batches as hold them, in order."""
        batches: list[Any] = []
        append, count = None, 0
        for key, value, timestamp in records:
            # Straight to the C builder: `BatchBuilder.append` costs as much again.
            if append is None or append(count, timestamp, key, value, _NO_HEADERS) is None:
                if batches:
                    batches[-1]._relative_offset = count
                batches.append(self._producer.create_batch())
                append, count = batches[-1]._builder.append, 0
                append(count, timestamp, key, value, _NO_HEADERS)
            count += 1
        if batches:
            batches[-1]._relative_offset = count
        return batches

    def _routed(self, outputs: Iterable[Output]) -> dict[tuple[str, int], list[Output]]:
        routed: dict[tuple[str, int], list[Output]] = {}
        numbers: dict[bytes, int] = {}
        for output in outputs:
            number = numbers.get(output.key)
            if number is None:
                number = numbers[output.key] = partition_of(output.key, self._partitions)
            routed.setdefault((self._prefix + output.topic, number), []).append(output)
        return routed
