"""Turns the merged inputs of one (agent, partition) into state and outputs. Knows no Kafka.

A run of records ends where a record of the state is due before the next one: then what is due is
called, and the rest of the run is taken again. What happens when a signal or a call raises stands
in `execution`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from streams.agents.contract import Agent
from streams.engine.execution import Execution, Place
from streams.engine.inputs import Inputs
from streams.engine.outbox import Output
from streams.engine.poison import PoisonWatch
from streams.engine.state_format import HEADER_BYTES, OFFSETS_KEY, SOURCE, Source
from streams.engine.store import Store

_SOURCE_HEADER = SOURCE.version.to_bytes(1) + bytes(HEADER_BYTES - 1)
"""It never expires."""


class Checkpoint(NamedTuple):
    """What one transaction must write. `states` holds the engine's offsets record as well."""

    states: dict[bytes, bytes | None]
    outputs: list[Output]
    offsets: dict[str, int]
    records: int
    refused: Counter[str]


class Processor:
    """One partition of one agent.

    `partition` and `partitions` are the number of this partition and of all; `prefix` is that of
    the topics' names. `partitions=1` (the memory driver) makes every key belong here.
    """

    def __init__(
        self,
        agent: Agent,
        partition: int,
        partitions: int,
        *,
        prefix: str = "",
        store: Store | None = None,
        poison: PoisonWatch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.agent = agent
        self.partition = partition
        self.store = store or Store(agent.kinds)
        self.inputs = Inputs(len(agent.inputs))
        self.offsets: dict[str, int] = {}
        self._clock = clock
        self._execution = Execution(
            agent,
            Place(partition, partitions, prefix),
            self.store,
            poison or PoisonWatch(agent, clock=clock),
        )
        self.outbox = self._execution.outbox
        self._records = 0
        self._handled: Counter[str] = Counter()
        self._moved = False

    def restored_offsets(self) -> dict[str, int]:
        """Next offset of each input as the restored state says; absent: never read.

        Raises UnreadableState.
        """
        source = self.store.source()
        if source is not None:
            self.offsets, self._execution.progress = source.offsets, source.progress
        return self.offsets

    def limit_progress(self, wall_ms: int) -> None:
        """From now on progress doesn't go ahead of `wall_ms`."""
        self._execution.ceiling = wall_ms

    def step(self, limit: int) -> int | None:
        """Handle the next run of at most `limit` records, then call at most `limit` of what is due.

        How many of both, or None if no record can be taken now (nothing buffered, or waiting for a
        lagging input).
        """
        run = self.inputs.take(limit, self._clock())
        if run is None:
            return None
        topic = self.agent.inputs[run.source]
        end = len(run.records)
        handled = self._execution.handle(run.source, run.records) if end else 0
        self._records += handled
        self._handled[topic] += handled
        self._moved = True
        if handled == end:
            self.offsets[topic] = run.next_offset
            return handled
        self.offsets[topic] = run.records[handled].offset
        self.inputs.give_back(run, handled)
        return handled + self._execution.call_due(limit)

    def pass_time(self, to_ms: int, limit: int) -> int:
        """Move progress on to `to_ms` without a record, and call at most `limit` of what is due.

        How many were called; 0 when nothing is due any more.
        """
        execution = self._execution
        execution.progress = max(execution.progress, to_ms)
        if not self.store.timers.has_due(execution.progress):
            return 0
        self._moved = True
        return execution.call_due(limit)

    def take_handled(self) -> Counter[str]:
        """Records handled since this was asked last, by input."""
        handled, self._handled = self._handled, Counter()
        return handled

    def settle(self) -> None:
        """Let no rollback reach behind what was handled so far.

        To be called before the rules change: a signal handled under the old ones must not be
        handled again under the new ones. Raises StateTooLarge.
        """
        self._execution.settle()

    @property
    def has_work(self) -> bool:
        """Whether a checkpoint would write anything (if only offsets that moved)."""
        return self._moved

    @property
    def dirty_count(self) -> int:
        """An upper bound of the state records the next checkpoint writes."""
        return self.store.dirty_count

    def checkpoint(self) -> Checkpoint:
        """Hand over everything since the last one. If it can't be committed, drop the processor."""
        self._execution.keep()
        self._moved = False
        offsets = dict(self.offsets)
        source = Source(offsets, self._execution.progress)
        self.store.put_raw(OFFSETS_KEY, _SOURCE_HEADER + msgspec.msgpack.encode(source))
        states = self.store.take_pending()
        records, self._records = self._records, 0
        refused = self._execution.take_refused()
        return Checkpoint(states, self.outbox.take(), offsets, records, refused)
