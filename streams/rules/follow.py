"""A worker's side of published rule sets: which one to start with, and switching while it runs.

1. At its start a worker reads the topic to its end. If a set is current, that is the one to run.
2. Then it follows the topic. When another set becomes current, it is loaded, in a thread.
3. The switch itself is one call between two turns of the event loop (`Engine.use`).

A set this worker can't load (its schema file may be another, or its version of Vigil) is refused,
loudly, and what runs goes on. At its start it then falls back on what was current before, so that
a restart doesn't take a worker out of a deployment whose others merely refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams import __version__
from streams.admin import KafkaUnreachable
from streams.admin.explanation import explain
from streams.agents.team import all_agents
from streams.logs import Event, tell, where
from streams.patterns import RuleErrors, RuleSet, Severity, load_files
from streams.rules.published import TOPIC, PublishedSet, rule_files
from streams.rules.shelf import Place, Shelf
from streams.signals import Schema
from streams.topics import full_name

PATIENCE_S = 10.0
"""How long the record of a set may come after `current`: they lie on different partitions."""
_POLL_MS = 500
_RETRY_S = 1.0


class Refusal(NamedTuple):
    """The current set can't be run here. `missing`: because its record isn't there."""

    ruleset: str
    why: str
    missing: bool = False


class NothingLoads(Exception):
    """Neither the current set nor one that was current before can be run here."""


class _Refused(Exception):
    """Why a set can't be run."""


class Listener(Protocol):
    """Told by `Follower.follow`, from the event loop."""

    def switch(self, ruleset: RuleSet) -> None:
        """This set is current: use it from now on."""

    def refuse(self, refusal: Refusal | None) -> None:
        """The current set can't be run; None: what runs is the current one again."""


class Follower:
    """Reads the topic `rules`, in no group and committing nothing.

    `partitions` is the count of every topic, `patience_s` how long the record of a set is waited
    for once it is current. `refusal` is that of the set that is current now.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        prefix: str,
        partitions: int,
        schema: Schema,
        patience_s: float = PATIENCE_S,
    ) -> None:
        name = full_name(TOPIC, prefix)
        self.refusal: Refusal | None = None
        self._partitions = [TopicPartition(name, number) for number in range(partitions)]
        self._connection = connection
        self._consumer: AIOKafkaConsumer | None = None
        self._schema = schema
        self._patience_s = patience_s
        self._shelf = Shelf()
        self._running = ""
        self._missed: tuple[str, float] = ("", 0.0)

    async def start(self) -> RuleSet | None:
        """The set to start with; None where none is current.

        Raises `NothingLoads`, and `KafkaUnreachable`.
        """
        try:
            await self._read_all()
        except KafkaError as error:
            raise KafkaUnreachable(explain(error, self._connection)) from None
        return await self._first()

    async def _read_all(self) -> None:
        consumer = self._consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            # With the default, assign() starts a reset to the end that races with our seek.
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        consumer.assign(self._partitions)
        firsts = await consumer.beginning_offsets(self._partitions)
        ends = await consumer.end_offsets(self._partitions)
        for partition, first in firsts.items():
            consumer.seek(partition, first)
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                await self._read(consumer)
        while self._is_awaited():
            await self._read(consumer)

    async def follow(self, listener: Listener) -> None:
        """Go on after `start` until cancelled; a broker that is away is waited for."""
        consumer = self._consumer
        assert consumer is not None
        while True:
            try:
                await self._read(consumer)
            except KafkaError as error:
                tell(Event.RULES_UNFOLLOWED, error=type(error).__name__)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._keep_up(listener)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        for partition, records in batches.items():
            for record in records:
                place = Place(partition.topic, partition.partition, record.offset)
                self._shelf.take(place, record.key, record.value)

    def _is_awaited(self) -> bool:
        """Whether the current set's record isn't there yet and may still come."""
        current = self._shelf.current
        if current is None or current.ruleset in self._shelf:
            return False
        if self._missed[0] != current.ruleset:
            self._missed = (current.ruleset, time.monotonic())
        return time.monotonic() - self._missed[1] < self._patience_s

    async def _first(self) -> RuleSet | None:
        for ruleset in self._shelf.in_line():
            try:
                loaded = await self._load(ruleset)
            except _Refused as refused:
                self._refuse(ruleset, refused)
            else:
                self._running = ruleset
                return loaded
        if self.refusal is None:
            return None
        raise NothingLoads(
            f"the current rule set {self.refusal.ruleset} can't be run here, nor can one that was "
            f"current before: {self.refusal.why}"
        )

    async def _keep_up(self, listener: Listener) -> None:
        current = self._shelf.current
        if current is None:
            return  # withdrawn by hand: what runs goes on
        wanted, refusal = current.ruleset, self.refusal
        if wanted == self._running:
            if refusal is not None:
                self.refusal = None
                listener.refuse(None)
            return
        missing = wanted not in self._shelf
        if refusal is not None and (refusal.ruleset, refusal.missing) == (wanted, missing):
            return
        if self._is_awaited():
            return
        self.refusal = None
        try:
            loaded = await self._load(wanted)
        except _Refused as refused:
            self._refuse(wanted, refused)
            listener.refuse(self.refusal)
        else:
            self._running = wanted
            listener.switch(loaded)

    async def _load(self, ruleset: str) -> RuleSet:
        if ruleset not in self._shelf:
            raise _Refused(
                "its record is not in the topic, or not to be believed: publish it again"
            )
        published = self._shelf[ruleset]
        try:
            return await asyncio.to_thread(_load, published, self._schema)
        except RuleErrors as errors:
            for finding in errors.findings:
                tell(Event.RULES_FINDING, ruleset=ruleset, why=str(finding))
            raise _Refused(_why(errors, published)) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, what runs goes on
            told = f"loading it failed: {type(error).__name__} at {where(error)}"
            raise _Refused(told) from None

    def _refuse(self, ruleset: str, why: Exception) -> None:
        tell(Event.RULES_REFUSED, ruleset=ruleset, why=str(why))
        if self.refusal is None:
            self.refusal = Refusal(ruleset, str(why), missing=ruleset not in self._shelf)


def _load(published: PublishedSet, schema: Schema) -> RuleSet:
    ruleset = load_files(rule_files(published), schema)
    # What an agent works out when it is first given a set is worked out here, not in the loop.
    all_agents(ruleset)
    return ruleset


def _why(errors: RuleErrors, published: PublishedSet) -> str:
    told = []
    if published.schema:
        told.append(f"it was published with a --schema file of SHA-256 {published.schema[:12]}…")
    if published.vigil != __version__:
        told.append(f"it was published with Vigil {published.vigil}, this is {__version__}")
    found = [str(one) for one in errors.findings if one.severity is Severity.ERROR]
    more = f" (and {len(found) - 1} more, see its log)" if len(found) > 1 else ""
    return "; ".join([*told, f"{found[0]}{more}"])
