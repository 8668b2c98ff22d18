"""Holds the owners of all (agent, partition) pairs assigned to this worker, through rebalances.

A rebalance revokes everything and assigns anew. On revocation every owner checkpoints and pauses;
on assignment those that stay go on with their memory, new ones are fenced and restored, lost ones
are closed. If another worker owned a partition in between without our noticing (we were stopped),
its fencing makes our next checkpoint fail, and the memory is dropped then: correctness rests on
the transactional id, never on timing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from streams.agents.contract import Agent
from streams.engine.kafka.denied import DENIED
from streams.engine.kafka.fetch import Chunk
from streams.engine.kafka.owner import Owner, Pace, Setting, tell_lost
from streams.engine.kafka.transport import ChunkThread
from streams.engine.observer import Observer
from streams.logs import Event, tell

_RETRY_S = 0.5


class PartitionsChanged(Exception):
    """Topics have other partition counts than when the worker started."""


class Engine:
    """The `Flow` of the transport, and the receiver of Faust's rebalance signals.

    `fatal` is called once with what must end the worker. `thread` gives the consumer thread once
    Faust has made it.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        connection: Mapping[str, Any],
        prefix: str,
        partitions: int,
        pace: Pace,
        observer: Observer,
        fatal: Callable[[BaseException], None],
        thread: Callable[[], ChunkThread],
    ) -> None:
        self.room = asyncio.Event()
        self._agents = {agent.name: agent for agent in agents}
        self._readers = {
            prefix + topic: (agent.name, topic) for agent in agents for topic in agent.inputs
        }
        self._owners: dict[tuple[str, int], Owner] = {}
        self._positions: dict[TP, int] = {}
        self._observer = observer
        self._fatal = fatal
        self._thread = thread
        self._prefix = prefix
        self._opening: asyncio.Task[None] | None = None
        self._assigned_once = False
        self._setting = Setting(
            connection, prefix, partitions, pace, observer, self.room.set, self._lost
        )

    # Flow

    def positions(self) -> Mapping[TP, int]:
        """See `Flow`."""
        return self._positions

    def wants(self, tp: TP) -> bool:
        """See `Flow`."""
        agent, topic = self._readers[tp.topic]
        owner = self._owners.get((agent, tp.partition))
        return owner is not None and owner.wants(topic)

    async def accept(self, tp: TP, chunk: Chunk) -> None:
        """Hand a chunk to its owner, or read it again if it is out of place."""
        agent, topic = self._readers[tp.topic]
        owner = self._owners.get((agent, tp.partition))
        if owner is None:
            return
        place = owner.add(topic, chunk)
        if place is not None:
            tell(
                Event.READ_AGAIN,
                agent=agent,
                topic=tp.topic,
                partition=tp.partition,
                offset=place,
                until=chunk.start,
            )
            await self._thread().seek_all({tp: place})

    def use(self, ruleset: Any) -> None:
        """Have every agent judge by another rule set, from the next signal of any partition on.

        Called between two turns of the owners, which never wait in the middle of one.
        """
        try:
            for owner in self._owners.values():
                owner.settle()
        except Exception as error:  # noqa: BLE001 - as where an owner's own task fails
            self._fatal(error)
            return
        for agent in self._agents.values():
            if agent.use is not None:
                agent.use(ruleset)

    # Health

    @property
    def ready(self) -> bool:
        """Joined, and everything assigned is restored and running (nothing assigned is fine)."""
        return (
            self._assigned_once
            and self._opening is None
            and all(owner.running for owner in self._owners.values())
        )

    def watch(self) -> None:
        """Report what has no event of its own; to be called every second or so."""
        running = sum(owner.running for owner in self._owners.values())
        self._observer.partitions(len(self._owners), running)
        for name in self._agents:
            oldest = [
                ts
                for (agent, _), owner in self._owners.items()
                if agent == name and (ts := owner.oldest_ts()) is not None
            ]
            self._observer.backlog(name, min(oldest, default=None))

    def committed_positions(self) -> dict[TP, int]:
        """Where each input stands as of the last checkpoint, for the group's offsets."""
        return {
            TP(self._prefix + topic, partition): offset
            for (_, partition), owner in self._owners.items()
            for topic, offset in owner.committed.items()
        }

    # Rebalances

    def failed(self, error: BaseException) -> None:
        """End the worker: something went wrong outside of it that must not be passed over."""
        self._fatal(error)

    async def revoked(self) -> None:
        """Checkpoint and pause all. Called before the group goes on rebalancing."""
        await self._stop_opening()
        await asyncio.gather(*(owner.pause() for owner in self._owners.values()))

    async def assigned(self, partitions: Iterable[TP]) -> None:
        """Take over what is assigned now.

        Returns when it is restored and running, or when the next rebalance interrupts.
        """
        opening = self._opening = asyncio.create_task(self._take_over(set(partitions)))
        try:
            await asyncio.wait({opening})
            if not opening.cancelled():
                opening.result()
                self._assigned_once = True
        except Exception as error:  # noqa: BLE001 - anything unexpected ends the worker
            self._fatal(error)
        finally:
            self._opening = None

    async def close(self, *, checkpoint: bool) -> None:
        """Stop everything, with a last checkpoint or without."""
        await self._stop_opening()
        owners = list(self._owners.values())
        if checkpoint:
            await asyncio.gather(*(owner.pause() for owner in owners))
        await asyncio.gather(*(owner.close() for owner in owners))

    async def _stop_opening(self) -> None:
        opening = self._opening
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait({opening})

    async def _take_over(self, partitions: set[TP]) -> None:
        await self._insist_on_counts()
        wanted = {
            (self._readers[tp.topic][0], tp.partition)
            for tp in partitions
            if tp.topic in self._readers
        }
        for pair in [p for p, o in self._owners.items() if p not in wanted or not _kept(o)]:
            await self._owners.pop(pair).close()
        for pair in wanted - self._owners.keys():
            self._owners[pair] = Owner(self._setting, self._agents[pair[0]], pair[1])
        await asyncio.gather(*(self._open(pair) for pair in wanted))
        await self._go_on()

    async def _insist_on_counts(self) -> None:
        """Raise PartitionsChanged where keys belong elsewhere than when the worker started.

        Nobody repartitions under workers in the group; but one may have slept through it.
        """
        while True:
            try:
                counts = await self._thread().partition_counts()
                break
            except KafkaError as error:
                tell(Event.OFFSETS_UNANSWERED, error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)
        state = (self._prefix + agent.state_topic for agent in self._agents.values())
        for topic in (*self._readers, *state):
            # A topic that isn't told of just now is no other count.
            count = counts.get(topic) or self._setting.partitions
            if count != self._setting.partitions:
                raise PartitionsChanged(
                    f"{topic} has {count} partitions, it had {self._setting.partitions} when this"
                    " worker started"
                )

    async def _open(self, pair: tuple[str, int]) -> None:
        while not self._owners[pair].opened:
            try:
                await self._owners[pair].open()
            except DENIED:
                raise
            except KafkaError as error:
                name, partition = pair
                tell(
                    Event.OPENING_FAILED,
                    agent=name,
                    partition=partition,
                    error=type(error).__name__,
                )
                await self._owners[pair].close()
                self._owners[pair] = Owner(self._setting, self._agents[pair[0]], pair[1])
                await asyncio.sleep(_RETRY_S)

    async def _go_on(self) -> None:
        tps = [
            TP(self._prefix + topic, partition)
            for (agent, partition) in self._owners
            for topic in self._agents[agent].inputs
        ]
        firsts, ends = await self._ends(tps)
        positions: dict[TP, int] = {}
        for (_, partition), owner in self._owners.items():
            offsets = owner.offsets()
            known_ends, known_firsts = {}, {}
            for topic in owner.agent.inputs:
                tp = TP(self._prefix + topic, partition)
                known_ends[topic], known_firsts[topic] = ends[tp], firsts[tp]
                position = offsets.get(topic, firsts[tp])
                if position < firsts[tp]:
                    tell_lost(*tp, position, firsts[tp])
                    position = firsts[tp]
                positions[tp] = position
            owner.start(known_ends, known_firsts)
            self._watch_task(owner)
        self._positions = positions

    async def _ends(self, tps: list[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]]:
        while True:
            try:
                return await self._thread().ends(tps)
            except DENIED:
                raise
            except KafkaError as error:
                tell(Event.OFFSETS_UNANSWERED, error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)

    def _watch_task(self, owner: Owner) -> None:
        task = owner.result()
        assert task is not None

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._fatal(error)

        task.add_done_callback(ended)

    def _lost(self) -> None:
        self._thread().request_rejoin()


def _kept(owner: Owner) -> bool:
    return owner.opened and not owner.failed
