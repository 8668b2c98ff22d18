"""One owned (agent, partition): its memory, the task that works on it, and its checkpoints.

Life: `open` (fence, restore) → `start` → … → `pause` (finish the run, checkpoint, drop what is
buffered) → `start` again if a rebalance left it here, or `close`. When a checkpoint fails the
memory is worthless: the owner is `failed`, and only a fresh assignment opens a new one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.agents.contract import Agent
from streams.engine.incidents import tell_committed
from streams.engine.inputs import GLANCE_S
from streams.engine.kafka.checkpoint import Checkpointer, CommitFailed
from streams.engine.kafka.fetch import Chunk
from streams.engine.kafka.restore import restore
from streams.engine.observer import Observer
from streams.engine.processor import Processor
from streams.engine.store import Store
from streams.engine.timers import FAR, MARGIN_MS
from streams.logs import Event, tell
from streams.topics import transactional_id

TURN_RECORDS = 1_000
"""Records handled, or called when due, before other partitions get their turn: some 5 ms."""

ROOM_RECORDS = 10_000
"""An input with more buffered records than this isn't fetched until it has fewer."""

MAX_DIRTY = 50_000
"""State changes that force a checkpoint, so that neither memory nor the transaction grows."""

_LONGEST_SLEEP_S = 60.0
"""The wall clock may be set while a task waits for it by the monotonic one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long what was handled may wait for its checkpoint, in seconds.

    `with_outputs_s` where something was emitted that is waited for, `at_most_s` in any case.
    """

    with_outputs_s: float = 0.15
    at_most_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What all owners of a worker share.

    `connection` are aiokafka's client settings; `room_made` is called when an input has room
    again, `lost` when an owner failed.
    """

    connection: Mapping[str, Any]
    prefix: str
    partitions: int
    pace: Pace
    observer: Observer
    room_made: Callable[[], None]
    lost: Callable[[], None]


def tell_lost(topic: str, partition: int, position: int, first: int) -> None:
    """Say loudly that Kafka deleted what was not read yet: [`position`, `first`)."""
    tell(Event.OFFSETS_DELETED, topic=topic, partition=partition, offset=position, until=first)


class Owner:
    """Runs one partition of one agent.

    `committed` is where each input stands as of the last checkpoint, by logical topic; complete
    once started.
    """

    def __init__(self, setting: Setting, agent: Agent, partition: int) -> None:
        self.agent = agent
        self.partition = partition
        self.failed = False
        self.opened = False
        self.committed: dict[str, int] = {}
        self._setting = setting
        self._processor = Processor(
            agent,
            partition,
            setting.partitions,
            prefix=setting.prefix,
            store=Store(agent.kinds),
        )
        self._checkpointer = Checkpointer(
            setting.connection,
            transactional_id(agent.name, partition, setting.prefix),
            prefix=setting.prefix,
            state_topic=agent.state_topic,
            partition=partition,
            partitions=setting.partitions,
        )
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._pausing = False
        self._pending_since: float | None = None
        self._full: set[int] = set()

    @property
    def running(self) -> bool:
        """Whether signals are being handled."""
        return self._task is not None and not self._task.done()

    async def open(self) -> None:
        """Fence older owners, then read the state. Raises KafkaError, UnreadableState."""
        setting = self._setting
        await self._checkpointer.fence()
        began = time.monotonic()
        count = await restore(
            setting.connection,
            setting.prefix + self.agent.state_topic,
            self.partition,
            self._processor.store,
            lambda left: setting.observer.restoring(self.agent.name, self.partition, left),
        )
        self.committed = dict(self._processor.restored_offsets())
        self.opened = True
        setting.observer.restored(self.agent.name, count, time.monotonic() - began)
        self._tell_state()

    def offsets(self) -> dict[str, int]:
        """Next offset to handle of each input, by logical topic; absent: never read."""
        return dict(self._processor.offsets)

    def start(self, known_ends: Mapping[str, int], firsts: Mapping[str, int]) -> None:
        """Begin (or go on) handling.

        `known_ends` and `firsts` are the inputs' end and first offsets as the broker says,
        by logical topic.
        """
        for index, topic in enumerate(self.agent.inputs):
            position = max(self._processor.offsets.get(topic, 0), firsts[topic])
            self._processor.inputs.seek(index, position, known_ends[topic])
            self.committed.setdefault(topic, position)
        self._full.clear()
        self._pausing = False
        self._task = asyncio.create_task(self._run(), name=f"{self.agent.name}/{self.partition}")

    def add(self, topic: str, chunk: Chunk) -> int | None:
        """Buffer a chunk of an input (logical topic).

        Returns None, or where to read instead: the chunk doesn't follow on and was not taken.
        """
        if self._pausing or self.failed:
            return None  # positions are sought anew when it goes on
        index = self.agent.inputs.index(topic)
        position = self._processor.inputs.position(index)
        place = self._processor.inputs.expected(index, chunk.start)
        if place is not None:
            return place
        if chunk.start > position:
            tell_lost(self._setting.prefix + topic, self.partition, position, chunk.start)
        self._processor.inputs.add(index, chunk.records, chunk.next_offset, chunk.known_end)
        if self._processor.inputs.buffered(index) >= ROOM_RECORDS:
            self._full.add(index)
        self._wake.set()
        return None

    def settle(self) -> None:
        """See `Processor.settle`."""
        self._processor.settle()

    def wants(self, topic: str) -> bool:
        """Whether there is room for more of an input (logical topic)."""
        return self.agent.inputs.index(topic) not in self._full

    def oldest_ts(self) -> int | None:
        """Kafka timestamp (ms) of the oldest record that waits."""
        return self._processor.inputs.oldest_ts()

    async def pause(self) -> None:
        """Finish the run at hand and checkpoint. Afterwards nothing is handled until `start`."""
        self._pausing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Let go of memory and connections. Uncommitted work is the next owner's."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._checkpointer.close()
        self._setting.observer.state_size(self.agent.name, self.partition, 0, 0)
        self._setting.observer.queued(self.agent.name, self.partition, {})

    def result(self) -> asyncio.Task[None] | None:
        """The task, for whoever watches for what must end the worker."""
        return self._task

    # The task

    async def _run(self) -> None:
        try:
            while not self._pausing:
                drained = self._turn()
                if self._checkpoint_wait() == 0.0:
                    await self._checkpoint()
                elif drained:
                    await self._idle()
                else:
                    await asyncio.sleep(0)
            if self._processor.has_work:
                await self._checkpoint()
        except CommitFailed as error:
            self._fail(error)

    def _turn(self) -> bool:
        """Handle up to `TURN_RECORDS`; whether nothing is left that can be handled now."""
        processor, setting = self._processor, self._setting
        left = TURN_RECORDS
        processor.limit_progress(_wall_ms())
        while left > 0 and (count := processor.step(left)) is not None:
            left -= count
        if left > 0:
            left -= self._call_due(left)
        if processor.has_work and self._pending_since is None:
            self._pending_since = time.monotonic()
        for topic, count in processor.take_handled().items():
            setting.observer.handled(self.agent.name, topic, count)
        if self._full:
            self._make_room()
        return left > 0

    def _call_due(self, limit: int) -> int:
        """Where nothing comes any more, call what became due by the wall clock; how many."""
        processor, wall_ms = self._processor, _wall_ms()
        due_ms = processor.store.timers.next
        if due_ms > wall_ms:
            return 0
        # Looked at from the moment on: what was sent by then may be on its way for so long.
        still_ms = processor.inputs.still_s(time.monotonic()) * 1000
        if still_ms < MARGIN_MS or due_ms > wall_ms - MARGIN_MS:
            return 0
        return processor.pass_time(wall_ms - MARGIN_MS, limit)

    def _make_room(self) -> None:
        buffered = self._processor.inputs.buffered
        roomy = {index for index in self._full if buffered(index) < ROOM_RECORDS // 2}
        if roomy:
            self._full -= roomy
            self._setting.room_made()

    def _checkpoint_wait(self) -> float | None:
        """Seconds until a checkpoint is due; None when there is nothing to write."""
        processor = self._processor
        if self._pending_since is None or not processor.has_work:
            return None
        if processor.outbox.urgent or processor.dirty_count >= MAX_DIRTY:
            return 0.0
        pace = self._setting.pace
        patience = pace.with_outputs_s if processor.outbox.waited_for else pace.at_most_s
        return max(0.0, self._pending_since + patience - time.monotonic())

    def _due_wait(self) -> float | None:
        """Seconds until the next look whether something is due; None: a chunk must come first."""
        due_ms = self._processor.store.timers.next
        if due_ms == FAR or not self._processor.inputs.ended:
            return None
        return min(max((due_ms - _wall_ms()) / 1000, GLANCE_S), _LONGEST_SLEEP_S)

    async def _checkpoint(self) -> None:
        processor, setting = self._processor, self._setting
        began = time.monotonic()
        checkpoint = processor.checkpoint()
        await self._checkpointer.commit(checkpoint, _wall_ms())
        self._pending_since = None
        self.committed.update(checkpoint.offsets)
        ended = time.monotonic()
        setting.observer.committed(self.agent.name, checkpoint, ended - began, _wall_ms())
        self._tell_state()
        tell_committed(self.agent.name, self.partition, checkpoint, ended - began)

    def _tell_state(self) -> None:
        observer, store = self._setting.observer, self._processor.store
        observer.state_size(self.agent.name, self.partition, *store.size())
        observer.queued(self.agent.name, self.partition, store.queues.oldest())

    async def _idle(self) -> None:
        """Wait for a chunk, the next checkpoint, what is due, or the next look at a sibling."""
        now = time.monotonic()
        waits = (
            self._checkpoint_wait(),
            self._processor.inputs.patience_left(now),
            self._due_wait(),
        )
        timeout = min((wait for wait in waits if wait is not None), default=None)
        timer = None
        if timeout is not None:
            timer = asyncio.get_running_loop().call_later(timeout, self._wake.set)
        await self._wake.wait()
        self._wake.clear()
        if timer is not None:
            timer.cancel()

    def _fail(self, error: CommitFailed) -> None:
        self.failed = True
        tell(
            Event.CHECKPOINT_FAILED,
            agent=self.agent.name,
            partition=self.partition,
            error=str(error),
        )
        self._setting.observer.commit_failed(self.agent.name, str(error))
        self._setting.lost()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
