"""The deployment the drill is done to: a Kafka and two workers of its own, used as operators do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from kafka.admin import ConfigResource, ConfigResourceType

from streams.admin import create
from streams.admin.cluster import open_cluster
from streams.embedded import EmbeddedKafka
from streams.embedded.processes import tied_to_parent
from streams.simulate.kafka import Feed
from streams.simulate.lines import Line, order_of
from streams.topics import MAX_RECORD_BYTES

PARTITIONS = 4
NAMES = ("w1", "w2")
RULES = Path(__file__).with_name("rules")
SCHEMA = RULES / "raises.toml"
"""What all workers declare."""

_VIGIL = (sys.executable, "-m", "streams.cli")
_COMMAND_S = 90.0
_PATIENCE_S = 90.0
_POLL_S = 0.05
_LAG = re.compile(r"^vigil_lag_seconds\{[^}]*\} (\S+)$", re.MULTILINE)


class Stalled(Exception):
    """What the drill itself needs did not happen in time. Says what, and where to look."""


class Site:
    """Use as a context manager; everything it started is gone afterwards."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kafka = EmbeddedKafka(directory / "kafka", tied=True)
        self.webs = {name: f"127.0.0.1:{_free_port()}" for name in NAMES}
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._numbers = iter(range(1_000_000_000))

    def __enter__(self) -> Self:
        try:
            create({"bootstrap_servers": self.kafka.start()}, partitions=PARTITIONS)
            for name in NAMES:
                self.start(name)
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._workers:
            self.kill(name)
        self.kafka.stop()

    # Workers

    def start(self, name: str, *rules: str) -> None:
        """Start a worker, again under the address it had."""
        options = ("--schema", SCHEMA, *(word for one in rules for word in ("--rules", one)))
        with self.log(name).open("ab") as log:
            self._workers[name] = subprocess.Popen(
                [*tied_to_parent(), *_VIGIL, "run", "--worker-id", name,
                 "--web", self.webs[name], *map(str, options)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment(), cwd=self.directory, start_new_session=True,
            )  # fmt: skip

    def stop(self, name: str) -> None:
        """Ask a worker to end, and wait until it has."""
        self._workers[name].send_signal(signal.SIGTERM)
        self._workers[name].wait(_PATIENCE_S)

    def kill(self, name: str) -> None:
        """End a worker with kill -9."""
        self._workers[name].kill()
        self._workers[name].wait()

    def wait_until_ready(self) -> None:
        """Wait until all workers have joined and run what is assigned to them."""
        self.wait_until(
            lambda: all(self.ask(name, "readyz") for name in NAMES), "all workers to be ready"
        )

    def ask(self, name: str, path: str) -> str:
        """What a worker answers over HTTP; empty unless it is a 200."""
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{self.webs[name]}/{path}", timeout=5) as answer,
        ):
            return str(answer.read().decode())
        return ""

    def lag_s(self, name: str) -> float:
        """The age of the oldest signal that waits in a worker, of whichever agent."""
        return max(map(float, _LAG.findall(self.ask(name, "metrics"))), default=0.0)

    def log(self, name: str) -> Path:
        """Where a worker's stderr goes."""
        return self.directory / f"{name}.log"

    # Commands and records

    def vigil(self, *arguments: str | Path) -> str:
        """What a command prints. Raises `Stalled` with its last words unless it ends with 0."""
        run = subprocess.run(
            [*_VIGIL, *map(str, arguments)], capture_output=True, text=True, check=False,
            timeout=_COMMAND_S, env=self._environment(), cwd=self.directory,
        )  # fmt: skip
        if run.returncode != 0:
            raise Stalled(f"vigil {arguments[0]} ended with {run.returncode}: {run.stderr[-500:]}")
        return run.stdout

    def committed(self, topic: str) -> list[dict[str, Any]]:
        """What stands on an output topic."""
        told = self.vigil("tap", topic, "--from-beginning", "--json", "--timeout", "2")
        return [json.loads(line)["value"] for line in told.splitlines()]

    def write(self, topic: str, values: Iterable[dict[str, Any]], *, ago_s: float = 0.0) -> None:
        """Write signals of `ago_s` ago, in event time and for Kafka; `id` and `at` are added."""
        now = int((time.time() - ago_s) * 1000)
        self.write_raw(
            topic,
            (
                (one["account"], json.dumps({"id": f"d{next(self._numbers)}", "at": now, **one}))
                for one in values
            ),
            now,
        )

    def write_raw(self, topic: str, pairs: Iterable[tuple[str, str]], at_ms: int) -> None:
        """Write keys and values as they are; returns when Kafka has them all."""
        order = order_of(topic, at_ms)
        lines: list[Line] = [(order, topic, key, value) for key, value in pairs]

        async def send() -> None:
            async with Feed({"bootstrap_servers": self.kafka.address}) as to:
                await to.append(lines)
                await to.flush()

        asyncio.run(send())

    def limit(self, topic: str, size_bytes: int = MAX_RECORD_BYTES) -> None:
        """Let Kafka take no larger batches on a topic; without a size: as it was."""
        setting = {"max.message.bytes": str(size_bytes)}
        with open_cluster({"bootstrap_servers": self.kafka.address}) as cluster:
            cluster.client.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, configs=setting)]
            )

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until true. Raises `Stalled` naming what was waited for."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise Stalled(f"not within {_PATIENCE_S:.0f} s: {what}; see {self.directory}")
            time.sleep(_POLL_S)

    def _environment(self) -> dict[str, str]:
        """Ours without settings of Vigil: the drill must not meet anybody's deployment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
        source = str(Path(__file__).resolve().parents[2])
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(filter(None, (source, kept.get("PYTHONPATH")))),
            "VIGIL_BROKERS": self.kafka.address,
        }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
