"""What the engine tells whoever watches it: per chunk and per checkpoint, never per signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from streams.engine.processor import Checkpoint


class Observer(Protocol):
    """Told by the Kafka driver; `streams.metrics` is one. Calls must be quick and not raise."""

    def handled(self, agent: str, topic: str, records: int) -> None:
        """`records` of the input `topic` (logical name) went through the handler."""

    def committed(self, agent: str, checkpoint: Checkpoint, seconds: float, at_ms: int) -> None:
        """A checkpoint is durable, `seconds` after it began, at the wall-clock time `at_ms`."""

    def commit_failed(self, agent: str, reason: str) -> None:
        """A checkpoint failed; `reason` is the error's type name, a closed set."""

    def restoring(self, agent: str, partition: int, left: int) -> None:
        """A partition's state is being read back, up to `left` records are still to come.

        `state_size` follows, whether it was read to the end or not.
        """

    def restored(self, agent: str, records: int, seconds: float) -> None:
        """A partition's state was read back."""

    def state_size(self, agent: str, partition: int, records: int, size_bytes: int) -> None:
        """State held for a partition now; zero records when it was let go."""

    def queued(self, agent: str, partition: int, oldest: Mapping[str, int | None]) -> None:
        """Since when the first waits in each queue of a partition (ms); empty when it was let go."""

    def backlog(self, agent: str, oldest_ms: int | None) -> None:
        """Kafka timestamp of the oldest buffered record of an agent, None when nothing waits."""

    def partitions(self, assigned: int, running: int) -> None:
        """(agent, partition) pairs assigned to this worker, and how many of them run."""
