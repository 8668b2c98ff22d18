"""How things stand: what is held, and each version of a pattern, as of the governor's last checkpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
from streams.agents.precision import wilson
from streams.desk.topic import partitions_of
from streams.engine.kafka.restore import restore
from streams.engine.state_format import Reader, expiry_of, key_and_sub
from streams.topics import full_name

TOPIC = "governor-state"


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
    """What was read.

    `holds` are by proposal; `looked_up` is the decision that was asked for, if it stands.
    """

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

    100,000 holds took 2.6 s on two busy cores. Raises `KafkaUnreachable`, `TopicsWrong`, `KafkaError`, and
    `UnreadableState` naming topic, partition and offset.
    """
    count = partitions_of(connection, TOPIC, prefix)
    name = full_name(TOPIC, prefix)
    looking = _Looking(decision)

    async def read() -> None:
        await asyncio.gather(
            *(restore(connection, name, number, looking) for number in range(count))
        )

    asyncio.run(read())
    return looking.standing(clock())


class _Looking:
    """Looks on while the state is read, as a worker would read it."""

    _KINDS = (HOLD, VERSION, QUALITY, DECISION)

    def __init__(self, decision: str) -> None:
        self._reader = Reader(self._KINDS)
        self._kinds = {kind.tag: kind for kind in self._KINDS}
        self._wanted = b"\0" + decision.encode()
        self._newest: dict[bytes, tuple[int, Any]] = {}

    def restore(self, full: bytes, data: bytes | None) -> None:
        """See `Restored`."""
        kind = self._kinds.get(full[:1])
        if kind is None or (kind is DECISION and not full.endswith(self._wanted)):
            return
        if data is None:
            self._newest.pop(full, None)
        else:
            self._newest[full] = (expiry_of(data), self._reader.decode(full, data, kind))

    def standing(self, now_s: float) -> Standing:
        """What was read and has not expired."""
        standing = Standing()
        for full, (expires_s, record) in self._newest.items():
            reversed_ = isinstance(record, Decision) and record.status != GRANTED
            if not (0 < expires_s <= now_s or reversed_):
                standing.take(*key_and_sub(full), record)
        return standing
