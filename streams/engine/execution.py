"""Runs one agent over signals, and over what is due; what raises is tried once more, alone.

A signal whose handler raises is retried alone with the state as it was before it, and
dead-lettered if it raises again:

1. roll back to the last savepoint,
2. handle again what came after it, up to the signal (handlers are pure: the same happens),
3. with a savepoint after each,
4. handle the signal alone; if it raises again, roll back (only it) and dead-letter it.

A call of `on_due` that raises is treated likewise, only that its record is deleted instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from streams.agents.contract import Agent
from streams.engine.dead_letters import TOPIC as DEAD_LETTERS
from streams.engine.dead_letters import DeadLetter
from streams.engine.outbox import Outbox
from streams.engine.partitioner import partition_of
from streams.engine.poison import PoisonWatch
from streams.engine.state_format import Reader, StateTooLarge, UnreadableState, key_and_sub
from streams.engine.store import Store
from streams.engine.timers import FAR, Due, Timers
from streams.logs import Event
from streams.signals import Reason, Refused
from streams.signals.raw import RawRecord
from streams.signals.times import format_ms

SAVEPOINT_RECORDS = 50_000
"""Records and calls kept for a possible rollback before a savepoint lets go of them."""

_NOTHING_DUE = Timers(Reader(()))


class StillWaiting(Exception):
    """`on_due` neither deleted its record nor put it back for later."""


class _Handled(NamedTuple):
    """Records of one input that were handled one after the other."""

    source: int
    records: Sequence[RawRecord]


class _Called(NamedTuple):
    """How many of what was due were called one after the other, and the progress then."""

    calls: int
    progress: int


class Place(NamedTuple):
    """Which partition of how many, and the prefix of the topics' names; for dead letters."""

    partition: int
    partitions: int
    prefix: str


class Execution:
    """One partition's agent at work.

    `progress` is the partition's progress (ms); it doesn't go ahead of `ceiling`: the wall clock,
    where there is one.
    """

    def __init__(self, agent: Agent, place: Place, store: Store, poison: PoisonWatch) -> None:
        self.outbox = Outbox(store)
        self.progress = 0
        self.ceiling = FAR
        self._agent = agent
        self._place = place
        self._store = store
        self._poison = poison
        self._decoders = [agent.decoders[topic] for topic in agent.inputs]
        self._since: list[_Handled | _Called] = []
        self._since_count = 0
        self._refused: Counter[str] = Counter()
        self._refused_kept: Counter[str] = Counter()

    def handle(self, index: int, records: Sequence[RawRecord]) -> int:
        """Handle records of input `index` up to the first before which something is due; how many.

        Raises UnreadableState, StateTooLarge.
        """
        end = len(records)
        kept = 0  # the records before this one are in a savepoint
        while True:
            stopped, raised = self._run(index, records, kept, end, self._store.timers)
            if not raised:
                break
            # Everything since the savepoint is to be done again.
            self._again(_Handled(index, records[kept : stopped + 1]))
            kept = stopped + 1
        self._poison.signals(stopped)
        whole = kept == 0 and stopped == end
        self._did(_Handled(index, records if whole else records[kept:stopped]), stopped - kept)
        return stopped

    def call_due(self, limit: int) -> int:
        """Call at most `limit` of what is due by now, in order; how many were called.

        Raises UnreadableState, StateTooLarge.
        """
        progress = self.progress
        called = kept = 0
        while called < limit and (due := self._store.timers.pop(progress)) is not None:
            called += 1
            if not self._call(due, progress):
                self._again(_Called(called - kept, progress))
                kept = called
        self._poison.signals(called)
        self._did(_Called(called - kept, progress), called - kept)
        return called

    def keep(self) -> None:
        """Savepoint: what was done so far survives a rollback."""
        self._store.savepoint()
        self.outbox.keep()
        self._refused_kept.update(self._refused)
        self._refused.clear()
        self._since.clear()
        self._since_count = 0

    def settle(self) -> None:
        """`keep`, and forgive patterns what they did so far: others apply from now on."""
        self.keep()
        self._poison.forgive()

    def take_refused(self) -> Counter[str]:
        """Signals refused since this was asked last, by reason, as of the last savepoint."""
        refused, self._refused_kept = self._refused_kept, Counter()
        return refused

    # Inside

    def _run(
        self, index: int, records: Sequence[RawRecord], start: int, end: int, timers: Timers
    ) -> tuple[int, bool]:
        """Handle records[start:end] unless one of `timers` is due first.

        Where it stopped, and whether that is because the signal there raised.
        """
        decode = self._decoders[index]
        handler = self._agent.handler
        store, outbox = self._store, self.outbox
        known, home = store.known, self._agent.home.tag
        newest = self.progress
        ceiling = max(newest, self.ceiling)
        raised = False
        at = start
        try:
            while at < end:
                record = records[at]
                store.now = timestamp = record.timestamp
                if timestamp > newest:  # noqa: PLR1730 - every signal comes here, and a call costs more
                    newest = timestamp
                if newest >= timers.next:
                    newest = min(newest, ceiling)
                    if timers.has_due(newest):
                        break
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
            raised = True
        self.progress = min(newest, ceiling)
        return at, raised

    def _call(self, due: Due, progress: int) -> bool:
        """Call `on_due` for one record; False if that raised."""
        store, on_due = self._store, self._agent.on_due
        assert on_due is not None
        store.now = progress
        try:
            on_due(store, *store.take_up(due.full), self.outbox)
            if not store.is_settled(due):
                raise StillWaiting
        except (UnreadableState, StateTooLarge):
            raise
        except Exception as error:  # noqa: BLE001 - an agent may raise anything
            self._poison.raised(error)
            return False
        return True

    def _did(self, part: _Handled | _Called, count: int) -> None:
        if count:
            self._since.append(part)
            self._since_count += count
        if self._since_count >= SAVEPOINT_RECORDS:
            self.keep()

    def _again(self, suspect: _Handled | _Called) -> None:
        """Do again what came since the savepoint, and `suspect`, whose last one raised."""
        parts = [*self._since, suspect]
        # 1.
        self._store.rollback()
        self.outbox.rollback()
        self._refused.clear()
        # 2., 3. and 4.
        for part in parts:
            if isinstance(part, _Called):
                for _ in range(part.calls):
                    self._call_alone(part.progress)
            else:
                for at in range(len(part.records)):
                    self._alone(part.source, part.records, at)

    def _alone(self, index: int, records: Sequence[RawRecord], at: int) -> None:
        """Handle one record between two savepoints; dead-letter it if its handler raises."""
        _, raised = self._run(index, records, at, at + 1, _NOTHING_DUE)
        if raised:
            self._store.rollback()
            self.outbox.rollback()
            self._refuse(index, records[at], Reason.HANDLER_FAILED, ())
            self._poison.poisoned(
                Event.SIGNAL_FAILED,
                key=(records[at].key or b"").decode(),  # its decoder has taken it
                agent=self._agent.name,
                topic=self._place.prefix + self._agent.inputs[index],
                partition=self._place.partition,
                offset=records[at].offset,
            )
        self.keep()

    def _call_alone(self, progress: int) -> None:
        """Call the first that is due between two savepoints; delete its record if that raises."""
        due = self._store.timers.pop(progress)
        if due is None:
            return
        if not self._call(due, progress):
            self._store.rollback()
            self.outbox.rollback()
            self._store.drop(due.full)
            self._poison.poisoned(
                Event.DUE_FAILED,
                key=key_and_sub(due.full)[0],
                agent=self._agent.name,
                partition=self._place.partition,
            )
        self.keep()

    def _belongs(self, key: bytes) -> bool:
        partition, partitions, _ = self._place
        return partitions == 1 or partition_of(key, partitions) == partition

    def _refuse(
        self, index: int, record: RawRecord, reason: Reason, fields: tuple[str, ...]
    ) -> None:
        partition, _, prefix = self._place
        topic = prefix + self._agent.inputs[index]
        at = format_ms(record.timestamp)
        letter = DeadLetter(topic, partition, record.offset, reason, fields, at)
        self._refused[reason] += 1
        self.outbox.emit(DEAD_LETTERS, f"{topic}/{partition}", letter)
