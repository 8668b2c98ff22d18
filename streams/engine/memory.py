"""The in-memory driver: the same processors as under Kafka, fed from an iterable. Deterministic.

One partition per agent; records are handled in the order given, and each output that is an input
of an agent is handled no later than a second of the records' time after what caused it: what the
Kafka driver does when nothing lags.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from streams.agents.contract import Agent
from streams.engine.outbox import Output
from streams.engine.processor import Processor

_CHUNK_RECORDS = 1_000
_CHECKPOINT_DIRTY = 20_000

WITHIN_MS = 1_000
NOT_HEARD = 1 << 53
"""A `within_ms` for agents that hear nothing of each other: then nothing has to be handed on."""


class MemoryRecord(msgspec.Struct, gc=False):
    """A record without a broker; it has the shape of `RawRecord`."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]] = ()


class MemoryDriver:
    """Runs agents over records in memory.

    `feed` takes (logical topic, key, value, timestamp ms) in the order to be handled and yields
    the outputs in the order they would be committed. State stays in `processors` between calls.
    What one agent says to another is handled `within_ms` of the records' time after its cause.
    Time passes with the records, for each agent with those it reads; `advance` lets it pass without.
    """

    def __init__(self, agents: Iterable[Agent], *, within_ms: int = WITHIN_MS) -> None:
        self._within_ms = within_ms
        self.processors = [Processor(agent, 0, 1) for agent in agents]
        self._readers: dict[str, list[tuple[Processor, int]]] = {}
        for processor in self.processors:
            for index, topic in enumerate(processor.agent.inputs):
                self._readers.setdefault(topic, []).append((processor, index))
        self._next_offset: dict[str, int] = {}

    def feed(
        self, records: Iterable[tuple[str, bytes | None, bytes | None, int]]
    ) -> Iterator[Output]:
        """Handle the records; yields every output, also those other agents go on to read.

        Raises KeyError for a topic no agent reads.
        """
        pending: list[MemoryRecord] = []
        pending_topic, until = "", 0
        for topic, key, value, ts in records:
            if topic != pending_topic or ts >= until or len(pending) >= _CHUNK_RECORDS:
                yield from self._handle(pending_topic, pending)
                pending, pending_topic, until = [], topic, ts + self._within_ms
            pending.append(self._record(topic, key, value, ts))
        yield from self._handle(pending_topic, pending)

    def _record(self, topic: str, key: bytes | None, value: bytes | None, ts: int) -> MemoryRecord:
        offset = self._next_offset.get(topic, 0)
        self._next_offset[topic] = offset + 1
        return MemoryRecord(key, value, offset, ts)

    def advance(self, to_ms: int) -> Iterator[Output]:
        """Time passes without a record: what is due at or before `to_ms` is called on all agents.

        Yields outputs as `feed` does, also those other agents go on to read.
        """
        todo: deque[tuple[str, list[MemoryRecord]]] = deque()
        called = True
        while called:  # what one agent emits may become due in another
            called = False
            for processor in self.processors:
                while processor.pass_time(to_ms, _CHUNK_RECORDS):
                    called = True
                yield from self._commit(processor, todo)
                yield from self._spread(todo)

    def _handle(self, topic: str, records: list[MemoryRecord]) -> Iterator[Output]:
        if records:
            yield from self._spread(deque([(topic, records)]))

    def _spread(self, todo: deque[tuple[str, list[MemoryRecord]]]) -> Iterator[Output]:
        """Handle records, and those that come of them, until there are none."""
        while todo:
            topic, records = todo.popleft()
            end = records[-1].offset + 1
            for processor, index in self._readers[topic]:
                processor.inputs.add(index, records, end, end)
                while processor.step(_CHUNK_RECORDS) is not None:
                    pass
                yield from self._commit(processor, todo)

    def _commit(
        self, processor: Processor, todo: deque[tuple[str, list[MemoryRecord]]]
    ) -> Iterator[Output]:
        if not processor.outbox and processor.dirty_count < _CHECKPOINT_DIRTY:
            return
        for output in processor.checkpoint().outputs:
            yield output
            if output.topic in self._readers:
                record = self._record(output.topic, output.key, output.value, output.ts)
                todo.append((output.topic, [record]))
