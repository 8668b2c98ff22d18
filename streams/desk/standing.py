"""How things stand: what is held, and each version of a pattern, as of the governor's last checkpoint."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.admin import KafkaUnreachable
from streams.agents.governor_breaker import wilson
from streams.agents.governor_state import (
    DECISION,
    GRANTED,
    HOLD,
    QUALITY,
    VERSION,
    Decision,
    Hold,
    Quality,
    VersionRecord,
)
from streams.agents.governor_verdicts import Place, due_of
from streams.desk.topic import partitions_of
from streams.engine.state_format import Reader, UnreadableState, expiry_of, key_and_sub
from streams.topics import full_name

TOPIC = "governor-state"
_POLL_MS = 200
_READ_S = 300.0
"""A million decisions are read in some ten seconds."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a pattern: its grants, its holds, and what reviews said of it."""

    pattern: str
    version: str
    record: VersionRecord
    quality: Quality
    held: int

    @property
    def precision(self) -> float | None:
        """The share of its reviewed decisions that was upheld; None without any."""
        reviewed = self.quality.upheld + self.quality.overturned
        return self.quality.upheld / reviewed if reviewed else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true precision lies with 95 % confidence."""
        return wilson(self.quality.upheld, self.quality.overturned)


@dataclass(slots=True)
class Standing:
    """What was read. `holds` are by proposal; `looked_up` is a decision that was asked for."""

    holds: dict[str, Hold] = field(default_factory=dict)
    looked_up: tuple[Place, Decision] | None = None
    _versions: dict[tuple[str, str], VersionRecord] = field(default_factory=dict)
    _qualities: dict[tuple[str, str], Quality] = field(default_factory=dict)

    def in_order(self) -> list[Hold]:
        """The holds, those a person should look at first in front."""
        return sorted(self.holds.values(), key=lambda hold: (*due_of(hold), hold.proposal.id))

    def versions(self) -> list[Version]:
        """Every version that was heard of in the last 400 days."""
        held: dict[tuple[str, str], int] = {}
        for hold in self.holds.values():
            of = (hold.proposal.pattern, hold.proposal.version)
            held[of] = held.get(of, 0) + 1
        return [
            Version(*of, self._versions[of], self._qualities.get(of, Quality()), held.get(of, 0))
            for of in sorted(self._versions)
        ]

    def version(self, pattern: str, version: str) -> Version | None:
        """One version, None if it was never heard of."""
        wanted = (pattern, version)
        return next((v for v in self.versions() if (v.pattern, v.version) == wanted), None)

    def take(self, key: str, sub: str, record: Any) -> None:
        """One record of the state."""
        match record:
            case Hold():
                self.holds[sub] = record
            case VersionRecord():
                self._versions[key, sub] = record
            case Quality():
                self._qualities[key, sub] = record
            case Decision():
                pattern, version, _ = key.split("/")
                self.looked_up = (Place(pattern, version, sub), record)


def read_standing(
    connection: Mapping[str, Any],
    *,
    prefix: str = "",
    decision: str = "",
    clock: Callable[[], float] = time.time,
) -> Standing:
    """Read the governor's state to its end; of the decisions only the one asked for is kept.

    Raises `KafkaUnreachable`, `TopicsWrong`, and `UnreadableState` naming topic, partition, offset.
    """
    reader = Reader((HOLD, VERSION, QUALITY, DECISION))
    tags = {kind.tag: kind for kind in (HOLD, VERSION, QUALITY, DECISION)}
    wanted = b"\0" + decision.encode()
    newest: dict[bytes, tuple[str, bytes]] = {}
    for place, key, value in _records(connection, prefix):
        if key[:1] not in tags or (key[:1] == DECISION.tag and not key.endswith(wanted)):
            continue
        if value is None:
            newest.pop(key, None)
        else:
            newest[key] = (place, value)
    standing, now_s = Standing(), clock()
    for full, (place, value) in newest.items():
        if 0 < expiry_of(value) <= now_s:
            continue
        try:
            record = reader.decode(full, value, tags[full[:1]])
        except UnreadableState as error:
            raise UnreadableState(
                f"{place}: {error}. Use the version of Vigil that wrote it, or see"
                " docs/operations.md, 'Unreadable state'."
            ) from None
        if not isinstance(record, Decision) or (decision and record.status == GRANTED):
            standing.take(*key_and_sub(full), record)
    return standing


def _records(
    connection: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, bytes, bytes | None]]:
    """(place, key, value) of all that is committed, the records of one key in their order."""
    name = full_name(TOPIC, prefix)
    count = partitions_of(connection, TOPIC, prefix)
    partitions = [TopicPartition(name, number) for number in range(count)]
    deadline = time.monotonic() + _READ_S
    with contextlib.closing(
        KafkaConsumer(
            **connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            client_id="vigil-desk",
        )
    ) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        # By position, not by the last record: a partition may end in control markers.
        while any(consumer.position(one) < ends[one] for one in partitions):
            if time.monotonic() > deadline:
                raise KafkaUnreachable(f"{name} could not be read within {_READ_S:g} s")
            for one, records in consumer.poll(timeout_ms=_POLL_MS).items():
                for record in records:
                    yield f"{name}/{one.partition} offset {record.offset}", record.key, record.value
