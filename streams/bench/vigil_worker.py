"""One Vigil worker with the same-job's agent, on the real engine.

Run as ``python -m streams.bench.vigil_worker BROKERS PREFIX PARTITIONS NAME PROGRESS``. PROGRESS is
a file that gets a line after each commit: the number of signals committed so far by this process.
Commits each second, like the peers; what `vigil run` does on top (patterns, web, metrics) is off.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from streams.bench.agent import AGENT
from streams.bench.engine import COMMIT_EVERY_S
from streams.engine.kafka.owner import Pace
from streams.engine.kafka.worker import Worker, WorkerSettings
from streams.engine.processor import Checkpoint


class ProgressFile:
    """The engine's observer; all it looks at is commits."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._committed = 0

    def committed(self, agent: str, checkpoint: Checkpoint, seconds: float, at_ms: int) -> None:  # noqa: ARG002
        """Count and write it down."""
        self._committed += checkpoint.records
        os.write(self._file, b"%d\n" % self._committed)

    def handled(self, agent: str, topic: str, records: int) -> None:
        """Of no interest."""

    def commit_failed(self, agent: str, reason: str) -> None:
        """The worker's log tells."""

    def restored(self, agent: str, records: int, seconds: float) -> None:  # noqa: ARG002
        """On stderr: `restore` reads it from the log."""
        sys.stderr.write(f"restored {records} records in {seconds:.3f} s\n")

    def state_size(self, agent: str, partition: int, records: int, size_bytes: int) -> None:
        """Of no interest."""

    def backlog(self, agent: str, oldest_ms: int | None) -> None:
        """Of no interest."""

    def partitions(self, assigned: int, running: int) -> None:
        """Of no interest."""


def main(arguments: list[str]) -> int:
    """Run until stopped; the exit code of the worker."""
    brokers, prefix, partitions, name, progress = arguments
    logging.basicConfig(level=logging.WARNING)
    settings = WorkerSettings(
        brokers=brokers,
        connection={"bootstrap_servers": brokers.split(",")},
        worker_id=name,
        partitions=int(partitions),
        prefix=prefix,
        pace=Pace(with_outputs_s=COMMIT_EVERY_S, at_most_s=COMMIT_EVERY_S),
    )

    async def run() -> int:
        return await Worker(settings, [AGENT], ProgressFile(progress)).run()

    return asyncio.run(run())


if __name__ == "__main__":
    # Threads of Faust may linger.
    os._exit(main(sys.argv[1:]))
