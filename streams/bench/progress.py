"""How far an engine has come, over time, against the CPU its process has used.

The window opens when the first signals have been handled, so that start-up isn't measured, and
closes when the last are committed. An engine that tells how many signals it has *handled* is
counted by that at the opening: counted by commits, it would get the signals it holds uncommitted
at that moment for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

POLL_EVERY_S = 0.2
LEAST_CPU_S = 0.5
"""Ticks of the kernel's clock are 10 ms, and start-up work fades out only slowly."""


class Measured(Protocol):
    """What a process under measurement tells about itself."""

    def cpu_seconds(self) -> float:
        """CPU-seconds used so far."""

    def rss_mb(self) -> float:
        """Resident memory now."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At `wall_s` (monotonic) and `cpu_s`, so many signals were handled and committed."""

    wall_s: float
    cpu_s: float
    handled: int
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
    """The rate from the last sample with at most `low` handled to the first with `high` committed.

    `low` 0 means the first sample with any handled. Raises `ValueError` if the samples don't span
    the stretch, or if it took less CPU than can be measured well (`LEAST_CPU_S`).
    """
    started = [s for s in samples if s.handled > 0]
    before = [s for s in started if s.handled <= low] or started[:1]
    after = [s for s in started if s.committed >= high]
    if not before or not after:
        raise ValueError(f"{len(samples)} samples don't span {low} to {high} signals")
    first, last = before[-1], after[0]
    # What was handled of what is committed: an engine may already hold signals of the next stretch.
    rate = Rate(last.handled - first.handled, last.wall_s - first.wall_s, last.cpu_s - first.cpu_s)
    if rate.cpu_s < LEAST_CPU_S:
        raise ValueError(
            f"{rate.signals} signals in {rate.cpu_s:.2f} CPU-seconds are too few to measure"
        )
    return rate


class Progress(Protocol):
    """Where to ask how far an engine has come."""

    def handled(self) -> int:
        """The number of signals handled so far, committed or not."""

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

    def handled(self) -> int:
        """As `committed`: of more the broker knows nothing."""
        return self.committed()

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


def watch(
    progress: Progress,
    process: Measured,
    *,
    until: int,
    stalled_s: float,
    every_s: float = POLL_EVERY_S,
) -> list[Sample]:
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
        handled = max(committed, progress.handled())
        cpu_s = process.cpu_seconds()
        samples.append(Sample(now_s, cpu_s, handled, committed, process.rss_mb()))
        if committed > highest:
            highest, moved_s = committed, now_s
        elif now_s - moved_s > stalled_s:
            raise TimeoutError(
                f"no commit for {stalled_s:.0f} s at {highest} of {until} signals: see its log"
            )
        time.sleep(every_s)
    return samples
