"""How far a consumer group has committed, over time, against the CPU its process has used.

All engines here commit their group's offsets together with what they made of the signals, so one
unobtrusive question to the broker, a few times a second, measures them all alike. Start-up isn't
measured: the window opens with the first commit seen and closes with the last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

POLL_EVERY_S = 0.2


class Measured(Protocol):
    """What a process under measurement tells about itself."""

    def cpu_seconds(self) -> float:
        """CPU-seconds used so far."""

    def rss_mb(self) -> float:
        """Resident memory now."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At `wall_s` (monotonic) and `cpu_s`, `committed` signals were committed."""

    wall_s: float
    cpu_s: float
    committed: int
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A stretch of a run: `signals` committed in `wall_s` seconds for `cpu_s` CPU-seconds."""

    signals: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Signals per second of wall time."""
        return self.signals / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def per_cpu_s(self) -> float:
        """Signals per CPU-second of the measured process."""
        return self.signals / self.cpu_s if self.cpu_s > 0 else 0.0


def rate_between(samples: Sequence[Sample], low: int, high: int) -> Rate:
    """The rate from the last sample at or under `low` committed to the first at or over `high`.

    `low` 0 means the first commit seen. Raises `ValueError` if the samples don't span the stretch.
    """
    started = [s for s in samples if s.committed > 0]
    before = [s for s in started if s.committed <= low] or started[:1]
    after = [s for s in started if s.committed >= high]
    if not before or not after or after[0].committed <= before[-1].committed:
        raise ValueError(f"{len(samples)} samples don't span {low} to {high} committed signals")
    first, last = before[-1], after[0]
    return Rate(
        last.committed - first.committed, last.wall_s - first.wall_s, last.cpu_s - first.cpu_s
    )


class Progress(Protocol):
    """Where to ask how many signals are committed."""

    def committed(self) -> int:
        """The number of signals committed so far."""

    def close(self) -> None:
        """Let go of what it holds."""


class GroupProgress:
    """The committed offsets of one group over `topics`, asked of the broker."""

    def __init__(self, brokers: str, group: str, topics: Sequence[str]) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=brokers)
        self._group = group
        self._topics = frozenset(topics)

    def committed(self) -> int:
        """The number of signals committed; 0 for a group nobody has joined yet."""
        try:
            offsets: Any = self._admin.list_group_offsets({self._group: None})[self._group]
        except KafkaError as fault:
            # A young group has no coordinator yet.
            if fault.retriable:
                return 0
            raise
        return sum(
            committed.offset
            for partition, committed in offsets.items()
            if partition.topic in self._topics and committed.offset > 0
        )

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()


def watch(progress: Progress, process: Measured, *, until: int, stalled_s: float) -> list[Sample]:
    """Sample until `until` signals are committed.

    Raises `TimeoutError` if nothing new is committed for `stalled_s`, and what the process's own
    check raises if it ends.
    """
    samples: list[Sample] = []
    moved_s = time.monotonic()
    highest = 0
    while highest < until:
        committed = progress.committed()
        now_s = time.monotonic()
        samples.append(Sample(now_s, process.cpu_seconds(), committed, process.rss_mb()))
        if committed > highest:
            highest, moved_s = committed, now_s
        elif now_s - moved_s > stalled_s:
            raise TimeoutError(
                f"no commit for {stalled_s:.0f} s at {highest} of {until} signals: see its log"
            )
        time.sleep(POLL_EVERY_S)
    return samples
