"""Faust's aiokafka transport, with chunks instead of records and checkpoints instead of commits.

Overridden in Faust's consumer, and only these: `_drain_messages` (one Faust event per partition
chunk), `seek_to_committed` (positions come from the state, not from the group), `commit`, `ack` and
`verify_event_path` (the checkpoint commits; Faust's watchdogs know nothing of it). The consumer
reads read_committed, which Faust does only in its own exactly_once mode.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from aiokafka.errors import CorruptRecordException, KafkaError
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.engine.kafka.denied import DENIED
from streams.engine.kafka.fetch import Chunk, fetch_chunks, wake
from streams.logs import Event, tell

if TYPE_CHECKING:
    from faust.types import AppT

_FETCH_WAIT_S = 1.0
_FETCH_MAX_WAIT_MS = 500
_RETRY_S = 0.5


class Flow(Protocol):
    """What the transport asks of the engine."""

    def positions(self) -> Mapping[TP, int]:
        """Where to go on reading, for every assigned input partition."""

    def wants(self, tp: TP) -> bool:
        """Whether there is room for a chunk of this partition."""

    @property
    def room(self) -> asyncio.Event:
        """Set when a partition that had no room has some again; the transport clears it."""


class ChunkThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, reading committed records as chunks."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        return consumer

    async def chunks(self, wanted: set[TP], timeout_s: float) -> dict[TP, Chunk]:
        """See `fetch_chunks`; {} also where the group met an error it can get over."""
        return await self.call_thread(  # type: ignore[no-any-return]
            self._chunks, wanted, timeout_s
        )

    async def _chunks(self, wanted: set[TP], timeout_s: float) -> dict[TP, Chunk]:
        consumer = self._ensure_consumer()
        try:
            return await fetch_chunks(consumer, wanted, timeout_s)
        except (*DENIED, CorruptRecordException):
            raise
        except KafkaError as error:
            # aiokafka hands what its coordinator met to whoever waits for records.
            tell(Event.READING_FAILED, error=type(error).__name__)
            if (denied := _take_notice(consumer)) is not None:
                raise denied from None
            await asyncio.sleep(_RETRY_S)
            return {}

    def check_group(self, denied: Callable[[KafkaError], None]) -> None:
        """Take notice of what the group met, also while nobody waits for records.

        `denied` is called, in the loop this is called in, with what is one of DENIED.
        """
        loop = asyncio.get_running_loop()

        def look(consumer: Any) -> None:
            if (error := _take_notice(consumer)) is not None:
                loop.call_soon_threadsafe(denied, error)

        if self._consumer is not None:
            self.thread_loop.call_soon_threadsafe(look, self._consumer)

    def wake(self) -> None:
        """End a running `chunks` early."""
        consumer = self._ensure_consumer()
        self.thread_loop.call_soon_threadsafe(wake, consumer)

    async def seek_all(self, positions: Mapping[TP, int]) -> None:
        """Go on reading at these positions."""
        await self.call_thread(self._seek_all, positions)

    async def _seek_all(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            consumer.seek(TopicPartition(*tp), offset)

    async def commit_for_lag_tools(self, offsets: Mapping[TP, int]) -> None:
        """Tell the group where we are. Nothing of ours reads it back; failing is no failure."""
        await self.call_thread(self._commit_for_lag_tools, offsets)

    async def _commit_for_lag_tools(self, offsets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        ours = consumer.assignment()
        wanted = {
            tp: OffsetAndMetadata(offset, "")
            for topic_partition, offset in offsets.items()
            if (tp := TopicPartition(*topic_partition)) in ours
        }
        if not wanted:
            return
        try:
            await consumer.commit(wanted)
        except KafkaError as error:
            tell(Event.LAG_UNTOLD, error=type(error).__name__)

    def request_rejoin(self) -> None:
        """Ask for a fresh assignment."""
        consumer = self._ensure_consumer()
        self.thread_loop.call_soon_threadsafe(consumer._coordinator.request_rejoin)

    async def leave_group(self) -> None:
        """Leave at once. aiokafka leaves static members in the group until their session ends."""
        await self.call_thread(self._leave_group)

    async def _leave_group(self) -> None:
        coordinator = self._ensure_consumer()._coordinator
        if coordinator.generation <= 0:
            return
        try:
            await coordinator._send_req(
                LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
            )
        except KafkaError as error:
            tell(Event.GROUP_NOT_LEFT, error=type(error).__name__)
        # aiokafka's `reset_generation` would join again at once, to stay until the session ends.

    async def partition_counts(self) -> dict[str, int]:
        """How many partitions each topic has now. Raises KafkaError."""
        return await self.call_thread(self._partition_counts)  # type: ignore[no-any-return]

    async def _partition_counts(self) -> dict[str, int]:
        cluster = await self._ensure_consumer()._client.fetch_all_metadata()
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    async def ends(self, partitions: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        """(first, end) offsets of these partitions."""
        return await self.call_thread(  # type: ignore[no-any-return]
            self._ends, partitions
        )

    async def _ends(self, partitions: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        consumer = self._ensure_consumer()
        tps = [TopicPartition(*tp) for tp in partitions]
        first, end = await asyncio.gather(
            consumer.beginning_offsets(tps), consumer.end_offsets(tps)
        )
        return (
            {TP(*tp): offset for tp, offset in first.items()},
            {TP(*tp): offset for tp, offset in end.items()},
        )


def _take_notice(consumer: Any) -> KafkaError | None:
    """Let the coordinator go on, which stands still after an error until somebody looks.

    Returns the error if it is one of DENIED.
    """
    try:
        consumer._coordinator.check_errors()
    except DENIED as error:
        return error
    except KafkaError as error:
        tell(Event.GROUP_FAILED, error=type(error).__name__)
    return None


class ChunkConsumer(driver.Consumer):
    """Delivers one Faust message per partition chunk; its value is the `Chunk`."""

    flow: Flow
    _thread: ChunkThread

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ChunkThread:
        """The thread that talks to the broker."""
        return self._thread

    async def _drain_messages(self, fetcher: Any) -> None:
        stopping = self._stopped.is_set
        fetcher_stopping = fetcher._stopped.is_set
        try:
            while not (stopping() or fetcher_stopping()):
                await self._drain_once(fetcher)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _drain_once(self, fetcher: Any) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
            return
        flow = self.flow
        flow.room.clear()
        wanted = {tp for tp in self._get_active_partitions() if flow.wants(tp)}
        if not wanted:
            await self.wait(flow.room.wait(), timeout=_FETCH_WAIT_S)
            return
        fetch = asyncio.ensure_future(self._thread.chunks(wanted, _FETCH_WAIT_S))
        room = asyncio.ensure_future(flow.room.wait())
        await asyncio.wait({fetch, room}, return_when=asyncio.FIRST_COMPLETED)
        if not fetch.done():
            self._thread.wake()
        room.cancel()
        generation = self.app.consumer_generation_id
        chunks = await fetch
        for tp, chunk in chunks.items():
            # After a rebalance began, positions are sought anew before the flow resumes.
            if self._is_stale(generation):
                return
            await self.wait_first(
                self.callback(self._message(TP(*tp), chunk)), self.suspend_flow.wait()
            )

    def _is_stale(self, generation: int) -> bool:
        return not self.flow_active or generation != self.app.consumer_generation_id

    def _message(self, tp: TP, chunk: Chunk) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            chunk.next_offset,
            0.0,
            0,
            None,
            None,
            chunk,  # type: ignore[arg-type]
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to where the engine stands; Faust calls it after each restore."""
        positions = {tp: p for tp, p in self.flow.positions().items() if tp in self.assignment()}
        await self._thread.seek_all(positions)
        return positions

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit nothing: the checkpoint has."""
        return False

    def ack(self, message: Any) -> bool:
        """Acknowledge nothing: a chunk is done when its checkpoint is."""
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watchdog looks at commits that are not ours."""


class ChunkTransport(driver.Transport):
    """The transport of Vigil's Faust app; `flow` is the engine."""

    Consumer = ChunkConsumer

    def __init__(self, url: Any, app: AppT, flow: Flow, **kwargs: Any) -> None:
        super().__init__(url, app, **kwargs)
        self._flow = flow

    def create_consumer(self, callback: Any, **kwargs: Any) -> ChunkConsumer:
        """Create the consumer and show it the engine."""
        consumer = super().create_consumer(callback, **kwargs)
        assert isinstance(consumer, ChunkConsumer)
        consumer.flow = self._flow
        return consumer
