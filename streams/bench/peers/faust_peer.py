"""Stock Faust, as its documentation shows it: an agent with a Table and a send."""

from __future__ import annotations

import sys

import msgspec

from streams.bench.engine import Run, check_counts, check_decisions, read_decisions, read_states
from streams.bench.progress import GroupProgress, Progress
from streams.bench.stream import ACTIVITY, HITS, AccountState, Recount
from streams.bench.worker_process import WorkerProcess


def decode_state(key: bytes, value: bytes) -> tuple[str, AccountState]:
    """Decode a record of its changelog: msgpack of (count, times, devices)."""
    count, times, devices = msgspec.msgpack.decode(value, type=tuple[int, list[int], list[str]])
    return key.decode("ascii"), AccountState(count, times, devices)


class Faust:
    """The library Vigil stands on, used without what Vigil brings."""

    name = "faust"

    def topics(self, run: Run) -> dict[str, dict[str, str]]:
        """Its sink, and its changelog, which it would otherwise make while being measured."""
        return {
            f"{run.prefix}decisions": {},
            self._changelog(run): {"cleanup.policy": "compact"},
        }

    def progress(self, run: Run) -> Progress:
        """The committed offsets of its group."""
        return GroupProgress(run.brokers, self._group(run), tuple(run.inputs.values()))

    @staticmethod
    def _group(run: Run) -> str:
        return f"{run.prefix}faust"

    def start(self, run: Run) -> WorkerProcess:
        """Start one Faust worker."""
        command = [sys.executable, "-m", "streams.bench.peers.faust_worker", run.brokers]
        command += [self._group(run), run.inputs[ACTIVITY], run.inputs[HITS]]
        command += [f"{run.prefix}decisions", str(run.directory / "faust")]
        return WorkerProcess(command, core=run.core, log=run.directory / "faust.log")

    def verify(self, run: Run, truth: Recount) -> None:
        """Every account's count exactly, and no decision doubled.

        Faust reads its two inputs in no order between them, so that the last five times, and with
        them the decisions, may differ from the recount in an honest run.
        """
        states = read_states(run.brokers, self._changelog(run), decode_state)
        check_counts(self.name, states, truth)
        found = read_decisions(run.brokers, f"{run.prefix}decisions")
        check_decisions(self.name, found, truth, disorder=1.0)

    def _changelog(self, run: Run) -> str:
        return f"{self._group(run)}-accounts-changelog"
