"""Kafka Streams: exactly-once v2, in-memory store with changelog, one thread, in its own JVM."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from streams.bench.engine import Run, check_counts, check_decisions, read_decisions, read_states
from streams.bench.progress import GroupProgress, Progress
from streams.bench.stream import ACTIVITY, HITS, AccountState, Recount
from streams.bench.worker_process import WorkerProcess

POM = Path(__file__).parent / "kafka_streams" / "pom.xml"
HEAP = "2g"

DISORDER = 0.01
"""Share of decisions that may differ: it merges its inputs by time as far as it has fetched them,
and on a busy machine some 15 of 16,000 came out otherwise (docs/benchmarks.md)."""


def decode_state(key: bytes, value: bytes) -> tuple[str, AccountState]:
    """Decode a record of its changelog; the layout stands in kafka_streams/…/Account.java."""
    count, times = struct.unpack_from(">iB", value)
    place = 5 + 8 * times
    at_ms = list(struct.unpack_from(f">{times}q", value, 5))
    devices: list[str] = []
    number = value[place]
    place += 1
    for _ in range(number):
        end = place + 1 + value[place]
        devices.append(value[place + 1 : end].decode("ascii"))
        place = end
    return key.decode("ascii"), AccountState(count, at_ms, devices)


class KafkaStreams:
    """The peer nearest to Vigil: transactions, changelog, restore."""

    name = "kafka-streams"

    def __init__(self, build: Path) -> None:
        self._build = build

    def topics(self, run: Run) -> dict[str, dict[str, str]]:
        """Its sink; the changelog it makes itself."""
        return {self._decisions(run): {}}

    def progress(self, run: Run) -> Progress:
        """The committed offsets of its group."""
        return GroupProgress(run.brokers, self._group(run), tuple(run.inputs.values()))

    @staticmethod
    def _group(run: Run) -> str:
        return f"{run.prefix}same-job"

    def start(self, run: Run) -> WorkerProcess:
        """Compile if need be, then start the JVM with default settings beside heap and core."""
        self._compile()
        classes, libs = self._build / "classes", self._build / "libs" / "*"
        command = ["java", f"-Xmx{HEAP}", "-cp", f"{classes}:{libs}", "bench.SameJob"]
        command += [run.brokers, self._group(run), run.inputs[ACTIVITY], run.inputs[HITS]]
        command += [self._decisions(run), str(run.directory / "kafka-streams-state")]
        return WorkerProcess(command, core=run.core, log=run.directory / "kafka-streams.log")

    def verify(self, run: Run, truth: Recount) -> None:
        """Every account's count exactly, and the decisions but for `DISORDER`."""
        changelog = f"{self._group(run)}-accounts-changelog"
        check_counts(self.name, read_states(run.brokers, changelog, decode_state), truth)
        found = read_decisions(run.brokers, self._decisions(run))
        check_decisions(self.name, found, truth, disorder=DISORDER)

    @staticmethod
    def _decisions(run: Run) -> str:
        return f"{run.prefix}decisions"

    def _compile(self) -> None:
        subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), "compile", f"-Dbench.build={self._build}"],
            check=True,
            stdin=subprocess.DEVNULL,
        )
