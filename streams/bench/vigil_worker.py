"""One Vigil worker with one agent, on the real engine.

Run as ``python -m streams.bench.vigil_worker BROKERS PREFIX PARTITIONS AGENT PROGRESS``. PROGRESS is
a file that holds two little-endian 64-bit numbers: how many signals this process has handled, and
how many of them are committed. It is mapped, so that telling costs no system call.

AGENT is ``same-job``, which commits each second like the peers, or one of the shipped agents with
the shipped patterns, at the pace of `vigil run`; what that does on top (web, metrics) is off.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from streams import logs
from streams.agents.contract import Agent
from streams.bench.agent import AGENT
from streams.bench.engine import COMMIT_EVERY_S
from streams.bench.product import shipped_agents
from streams.bench.vigil_engine import PROGRESS
from streams.engine.kafka.owner import Pace
from streams.engine.kafka.worker import Worker, WorkerSettings
from streams.engine.processor import Checkpoint


class ProgressFile:
    """The engine's observer; it looks at turns and commits, and tells what was restored."""

    def __init__(self, path: str) -> None:
        with Path(path).open("w+b") as file:
            file.write(bytes(PROGRESS.size))
            file.flush()
            self._map = mmap.mmap(file.fileno(), PROGRESS.size)
        self._handled = 0
        self._committed = 0

    def committed(self, agent: str, checkpoint: Checkpoint, seconds: float, at_ms: int) -> None:  # noqa: ARG002
        """Count and write it down."""
        self._committed += checkpoint.records
        self._write()

    def handled(self, agent: str, topic: str, records: int) -> None:  # noqa: ARG002
        """Count and write it down; a turn is a thousand signals."""
        self._handled += records
        self._write()

    def _write(self) -> None:
        PROGRESS.pack_into(self._map, 0, self._handled, self._committed)

    def commit_failed(self, agent: str, reason: str) -> None:
        """The worker's log tells."""

    def restoring(self, agent: str, partition: int, left: int) -> None:
        """Of no interest."""

    def restored(self, agent: str, records: int, seconds: float) -> None:  # noqa: ARG002
        """On stderr: `restore` reads it from the log."""
        sys.stderr.write(f"restored {records} records in {seconds:.3f} s\n")

    def state_size(self, agent: str, partition: int, records: int, size_bytes: int) -> None:
        """Of no interest."""

    def queued(self, agent: str, partition: int, oldest: Mapping[str, int | None]) -> None:
        """Of no interest."""

    def backlog(self, agent: str, oldest_ms: int | None) -> None:
        """Of no interest."""

    def partitions(self, assigned: int, running: int) -> None:
        """Of no interest."""


async def run(arguments: list[str]) -> None:
    """Run until stopped, then end the process with the worker's exit code."""
    brokers, prefix, partitions, agent, progress = arguments
    each_second = Pace(with_outputs_s=COMMIT_EVERY_S, at_most_s=COMMIT_EVERY_S)
    settings = WorkerSettings(
        connection={"bootstrap_servers": brokers},
        worker_id=f"bench-{agent}",
        partitions=int(partitions),
        prefix=prefix,
        pace=each_second if agent == AGENT.name else Pace(),
    )
    code = await Worker(settings, [_agent(agent)], ProgressFile(progress)).run()
    # At once, without the loop's own farewell: tasks and threads of Faust may linger.
    os._exit(code)


def _agent(name: str) -> Agent:
    (found,) = [one for one in (AGENT, *shipped_agents()) if one.name == name]
    return found


if __name__ == "__main__":
    logs.set_up("warning")
    asyncio.run(run(sys.argv[1:]))
