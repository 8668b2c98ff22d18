"""Turns the merged inputs of one (agent, partition) into state and outputs. Knows no Kafka.

A signal whose handler raises is retried alone with the state as it was before it, and
dead-lettered if it raises again:

1. roll back to the last savepoint,
2. handle again what came after it, up to the signal (handlers are pure: the same happens),
3. with a savepoint after each,
4. handle the signal alone; if it raises again, roll back (only it) and dead-letter it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from streams.agents.contract import Agent
from streams.engine.dead_letters import TOPIC as DEAD_LETTERS
from streams.engine.dead_letters import DeadLetter
from streams.engine.inputs import Inputs, Run
from streams.engine.outbox import Outbox, Output
from streams.engine.partitioner import partition_of
from streams.engine.poison import PoisonWatch
from streams.engine.state_format import OFFSETS_KEY, StateTooLarge, UnreadableState
from streams.engine.store import Store
from streams.signals import Reason, Refused
from streams.signals.raw import RawRecord
from streams.signals.times import format_ms

SAVEPOINT_RECORDS = 50_000
"""Records kept for a possible rollback before a savepoint lets go of them."""


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
        self.outbox = Outbox(self.store)
        self.offsets: dict[str, int] = {}
        self.last_topic = ""
        self._partitions = partitions
        self._prefix = prefix
        self._clock = clock
        self._poison = poison or PoisonWatch(agent, clock=clock)
        self._decoders = [agent.decoders[topic] for topic in agent.inputs]
        self._since: list[tuple[int, Sequence[RawRecord]]] = []
        self._since_count = 0
        self._records = 0
        self._refused: Counter[str] = Counter()
        self._refused_kept: Counter[str] = Counter()
        self._moved = False

    def restored_offsets(self) -> dict[str, int]:
        """Next offset of each input as the restored state says; absent: never read.

        Raises UnreadableState.
        """
        raw = self.store.raw(OFFSETS_KEY)
        if raw is None:
            return {}
        try:
            self.offsets = msgspec.msgpack.decode(raw[5:], type=dict[str, int])
        except msgspec.MsgspecError:
            raise UnreadableState("the record of source offsets doesn't decode") from None
        return self.offsets

    def step(self, limit: int) -> int | None:
        """Handle the next run of at most `limit` records.

        How many, or None if none can be taken now (nothing buffered, or waiting for a
        lagging input).
        """
        run = self.inputs.take(limit, self._clock())
        if run is None:
            return None
        if run.records:
            self._handle(run)
        self.last_topic = self.agent.inputs[run.source]
        self.offsets[self.last_topic] = run.next_offset
        self._moved = True
        return len(run.records)

    def settle(self) -> None:
        """Let no rollback reach behind what was handled so far.

        To be called before the rules change: a signal handled under the old ones must not be
        handled again under the new ones. Raises StateTooLarge.
        """
        self._keep()
        self._poison.forgive()

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
        self._keep()
        self._moved = False
        offsets = dict(self.offsets)
        header = b"\x01" + bytes(4)
        self.store.put_raw(OFFSETS_KEY, header + msgspec.msgpack.encode(offsets))
        states = self.store.take_pending()
        records, self._records = self._records, 0
        refused, self._refused_kept = self._refused_kept, Counter()
        return Checkpoint(states, self.outbox.take(), offsets, records, refused)

    # Inside

    def _handle(self, run: Run) -> None:
        records = run.records
        end = len(records)
        kept = 0  # the run's records before this one are in a savepoint
        while (stopped := self._run(run.source, records, kept, end)) < end:
            # The signal at `stopped` raised: everything since the savepoint is to be done again.
            self._again(run.source, records, kept, stopped)
            kept = stopped + 1
        self._records += end
        self._poison.signals(end)
        self._since.append((run.source, records[kept:] if kept else records))
        self._since_count += end - kept
        if self._since_count >= SAVEPOINT_RECORDS:
            self._keep()

    def _run(self, index: int, records: Sequence[RawRecord], start: int, end: int) -> int:
        """Handle records[start:end]; where it stopped: `end`, or the signal that raised."""
        decode = self._decoders[index]
        handler = self.agent.handler
        store, outbox = self.store, self.outbox
        known, home = store.known, self.agent.home.tag
        at = start
        try:
            while at < end:
                record = records[at]
                store.now = record.timestamp
                try:
                    signal = decode(record)
                except Refused as refused:
                    self._refuse(index, record, refused.reason, refused.fields)
                    at += 1
                    continue
                key = record.key
                if key is not None and not known(home, key) and not self._belongs(key):
                    self._refuse(index, record, Reason.WRONG_PARTITION, ())
                    at += 1
                    continue
                handler(store, signal, outbox)
                at += 1
        except (UnreadableState, StateTooLarge):
            raise
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            self._poison.raised(error)
        return at

    def _again(self, index: int, records: Sequence[RawRecord], kept: int, suspect: int) -> None:
        since = list(self._since)
        # 1.
        self.store.rollback()
        self.outbox.rollback()
        self._refused.clear()
        # 2. and 3.
        for earlier_index, earlier in [*since, (index, records[kept:suspect])]:
            for at in range(len(earlier)):
                self._alone(earlier_index, earlier, at)
        # 4.
        self._alone(index, records, suspect)

    def _alone(self, index: int, records: Sequence[RawRecord], at: int) -> None:
        """Handle one record between two savepoints; dead-letter it if its handler raises."""
        if self._run(index, records, at, at + 1) == at:
            self.store.rollback()
            self.outbox.rollback()
            self._refuse(index, records[at], Reason.HANDLER_FAILED, ())
            self._poison.poisoned()
        self._keep()

    def _keep(self) -> None:
        self.store.savepoint()
        self.outbox.keep()
        self._refused_kept.update(self._refused)
        self._refused.clear()
        self._since.clear()
        self._since_count = 0

    def _belongs(self, key: bytes) -> bool:
        return self._partitions == 1 or partition_of(key, self._partitions) == self.partition

    def _refuse(
        self, index: int, record: RawRecord, reason: Reason, fields: tuple[str, ...]
    ) -> None:
        topic = self._prefix + self.agent.inputs[index]
        letter = DeadLetter(
            topic, self.partition, record.offset, reason, fields, format_ms(record.timestamp)
        )
        self._refused[reason] += 1
        self.outbox.emit(DEAD_LETTERS, f"{topic}/{self.partition}", letter)
