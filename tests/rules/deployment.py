"""A deployment on the real broker, used as its operators use it: through the command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from kafka import KafkaProducer

from streams.admin import create
from streams.admin.cluster import open_cluster
from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet
from streams.rules.running import Running, workers
from tests.faults.drill import PARTITIONS, caught_up, read, wait_until

VIGIL = [sys.executable, "-m", "streams.cli"]
_ROOT = Path(__file__).parents[2]


class Deployment:
    """Topics under a prefix, workers, and a producer that remembers what it wrote."""

    def __init__(self, kafka: str, prefix: str, directory: Path) -> None:
        create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
        self.kafka, self.prefix, self.directory = kafka, prefix, directory
        self.sent: list[tuple[str, bytes, bytes, int]] = []
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.webs: dict[str, str] = {}
        self._producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=5)
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("VIGIL_")},
            "VIGIL_BROKERS": kafka,
            "VIGIL_PREFIX": prefix,
            "VIGIL_SESSION_TIMEOUT_S": "6",
            "PYTHONPATH": str(_ROOT),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()
        for worker in self.workers.values():
            worker.kill()
            worker.wait()

    def vigil(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*VIGIL, *map(str, arguments)], capture_output=True, text=True, check=False,
            timeout=60, env=self._environment, cwd=self.directory,
        )  # fmt: skip

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        """What a command prints with `--json`, given that it ends with `code`."""
        run = self.vigil(*arguments, "--json")
        assert run.returncode == code, run.stderr
        return json.loads(run.stdout)

    def publish(self, rules: Path, *options: str) -> str:
        """Publish a directory; returns its hash."""
        return str(self.json("rules", "publish", rules, *options)["ruleset"])

    def start(self, name: str, *options: str | Path, program: list[str] = VIGIL) -> None:
        """Start a worker (again); `program` is what understands `run`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            web = self.webs[name] = f"127.0.0.1:{free.getsockname()[1]}"
        log = self.log(name).open("ab")
        command = [*program, "run", "--worker-id", name, "--web", web, *map(str, options)]
        self.workers[name] = subprocess.Popen(
            command, stdout=log, stderr=log, env=self._environment, cwd=self.directory
        )

    def wait_until_ready(self, *names: str) -> None:
        """Wait until these workers have joined and have what is assigned to them.

        While partitions still move, an account's signals may go from a worker that switched rule
        sets already to one that is about to.
        """

        def all_ready() -> bool:
            for name in names:
                try:
                    with urllib.request.urlopen(f"http://{self.webs[name]}/readyz", timeout=5):
                        pass
                except OSError:
                    return False
            return self.said().keys() >= set(names)

        wait_until(all_ready, f"{', '.join(names)} to be ready")

    def kill(self, name: str) -> None:
        """End a worker with kill -9."""
        self.workers[name].kill()
        self.workers[name].wait()

    def log(self, name: str) -> Path:
        """Where a worker's stderr goes."""
        return self.directory / f"{name}.log"

    def said(self) -> dict[str, Running]:
        """What the workers in the group say of themselves, by name."""
        with open_cluster({"bootstrap_servers": self.kafka}) as cluster:
            found = workers(cluster, self.prefix)
        return {one.name: one.running for one in found if one.alive and one.running}

    def wait_for(self, ruleset: str, *names: str) -> None:
        """Wait until these workers run a rule set."""

        def all_run() -> bool:
            said = self.said()
            return all(name in said and said[name].ruleset == ruleset for name in names)

        wait_until(all_run, f"{', '.join(names)} to run {ruleset}")

    def send(self, kind: str, account: str, number: int) -> None:
        """One activity, now; its id is made of all three."""
        now = int(time.time() * 1000)
        value = {"id": f"{kind}-{account}-{number}", "account": account, "kind": kind, "at": now}
        encoded = json.dumps(value).encode()
        self.sent.append(("activity", account.encode(), encoded, now))
        self._producer.send(
            self.prefix + "activity", key=account.encode(), value=encoded, timestamp_ms=now
        )

    def flush(self) -> None:
        """Return when everything sent is acknowledged."""
        self._producer.flush()

    def finish(self) -> None:
        """Return when everything sent is handled and committed."""
        self.flush()
        wait_until(
            lambda: caught_up(self.kafka, self.prefix, ("activity",)), "everything to be handled"
        )

    def detections(self) -> list[dict[str, Any]]:
        """All committed detections, in each partition's order."""
        return [json.loads(value) for _, value in read(self.kafka, self.prefix + "detections")]


def replayed(ruleset: RuleSet, lines: list[tuple[str, bytes, bytes, int]]) -> list[dict[str, Any]]:
    """The detections of a replay."""
    driver = MemoryDriver(all_agents(ruleset))
    return [json.loads(one.value) for one in driver.feed(lines) if one.topic == "detections"]
