"""Workers with the governor on a real broker, and what they put out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgspec
from kafka import KafkaProducer

from streams.admin import create
from tests.agents.governing import START, Input
from tests.faults import governing_worker
from tests.faults.drill import PARTITIONS, read

_PROGRAM = Path(governing_worker.__file__)
_ROOT = Path(__file__).parents[2]


class Governors:
    """Topics of their own and workers on them; what still runs at the end is killed.

    Records keep their time of day, but today's: topics drop what is old.
    """

    def __init__(self, brokers: str, prefix: str, directory: Path, *, undo_step: int = 200) -> None:
        self.brokers = brokers
        self.prefix = prefix
        self._directory = directory
        self._undo_step = undo_step
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        create({"bootstrap_servers": brokers}, prefix=prefix, partitions=PARTITIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._workers):
            self.kill(name)

    def start(self, name: str) -> None:
        log = (self._directory / f"{name}.log").open("ab")
        command = [
            *(sys.executable, str(_PROGRAM), "--brokers", self.brokers, "--prefix", self.prefix),
            *("--partitions", str(PARTITIONS), "--worker-id", name),
            *("--undo-step", str(self._undo_step)),
        ]
        env = os.environ | {"PYTHONPATH": str(_ROOT)}
        self._workers[name] = subprocess.Popen(command, cwd=_ROOT, env=env, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """With SIGKILL."""
        worker = self._workers.pop(name)
        worker.kill()
        worker.wait()

    def write(self, inputs: Iterable[Input], *, since_ms: int = START) -> None:
        """Write records; `since_ms` is what their `at` counts from, as Kafka timestamps do."""
        producer = KafkaProducer(bootstrap_servers=self.brokers, acks="all")
        for one in inputs:
            topic, key, value, ts = one.record
            producer.send(
                self.prefix + topic, key=key, value=value, timestamp_ms=ts - START + since_ms
            )
        producer.flush()
        producer.close()

    def committed(self, topic: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(value) for _, value in read(self.brokers, self.prefix + topic)]
