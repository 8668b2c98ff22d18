"""Vigil under the same-job: its engine, with a bench agent in place of the shipped ones."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import msgspec

from streams.bench.agent import ACCOUNT, AGENT, DECISIONS, Account
from streams.bench.engine import Run, check_decisions, check_states, read_decisions, read_states
from streams.bench.progress import Progress
from streams.bench.stream import AccountState, Recount
from streams.bench.worker_process import WorkerProcess
from streams.topics import BY_NAME

HEADER_BYTES = 5
"""A state record starts with version (one byte) and expiry (four)."""

PROGRESS = struct.Struct("<QQ")
"""What `vigil_worker` tells: signals handled, signals committed."""


class FileProgress:
    """Reads what `vigil_worker` tells after each turn and commit."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def handled(self) -> int:
        """The first number; 0 before there is one."""
        return self._newest()[0]

    def committed(self) -> int:
        """The second number; 0 before there is one."""
        return self._newest()[1]

    def _newest(self) -> tuple[int, int]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return 0, 0
        handled, committed = PROGRESS.unpack(data) if len(data) == PROGRESS.size else (0, 0)
        return handled, committed

    def close(self) -> None:
        """Nothing to close."""


def progress_file(run: Run, agent: str) -> Path:
    """Where a worker with that agent tells how far it is."""
    return run.directory / f"{agent}-committed"


def start_agent(run: Run, agent: str) -> WorkerProcess:
    """Start a worker with one agent, by name, pinned to the run's core."""
    command = [sys.executable, "-m", "streams.bench.vigil_worker", run.brokers, run.prefix]
    command += [str(run.partitions), agent, str(progress_file(run, agent))]
    return WorkerProcess(command, core=run.core, log=run.directory / f"{agent}.log")


def decode_state(key: bytes, value: bytes) -> tuple[str, AccountState]:
    """Decode a record of the state topic."""
    account = msgspec.msgpack.decode(value[HEADER_BYTES:], type=Account)
    return key[1:].decode("ascii"), AccountState(account.count, account.times, account.devices)


class Vigil:
    """The engine this project is about."""

    name = "vigil"

    def topics(self, run: Run) -> dict[str, dict[str, str]]:
        """State, outputs and dead letters, set up as `vigil topics create` would."""
        wanted = (AGENT.state_topic, DECISIONS, "dead-letters")
        topics = {run.prefix + name: dict(BY_NAME[name].config) for name in wanted}
        for settings in topics.values():
            if "retention.ms" in settings:
                settings["retention.ms"] = "-1"
        return topics

    def progress(self, run: Run) -> Progress:
        """What the worker itself counts at each commit; the recount checks it."""
        return FileProgress(progress_file(run, AGENT.name))

    def start(self, run: Run) -> WorkerProcess:
        """Start one worker."""
        return start_agent(run, AGENT.name)

    def verify(self, run: Run, truth: Recount) -> None:
        """Both the states and the decisions, exactly."""
        states = read_states(
            run.brokers, run.prefix + AGENT.state_topic, decode_state, only=ACCOUNT.tag
        )
        check_states(self.name, states, truth)
        found = read_decisions(run.brokers, run.prefix + DECISIONS)
        check_decisions(self.name, found, truth)
