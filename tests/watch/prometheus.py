"""A real Prometheus beside a test: scrapes each second, judges the shipped alerts each second."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

import yaml

from tests.faults.drill import wait_until
from tests.watch.programs import program
from tests.watch.promql import ALERTS


class QueryError(Exception):
    """What Prometheus says is wrong with a query."""


class Prometheus:
    """Watches the workers at `targets` (host:port) as the job `vigil`.

    The alerts are those of alerts.yml without their `for`: a test can't wait for minutes.
    """

    def __init__(self, directory: Path, targets: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._directory = directory
        rules = yaml.safe_load(ALERTS.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        (directory / "alerts.yml").write_text(yaml.safe_dump(rules))
        (directory / "prometheus.yml").write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": ["alerts.yml"],
                    "scrape_configs": [
                        {"job_name": "vigil", "static_configs": [{"targets": targets}]}
                    ],
                }
            )
        )

    def __enter__(self) -> Self:
        log = (self._directory / "prometheus.log").open("ab")
        self._process = subprocess.Popen(
            [program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
             f"--web.listen-address={self.address}"],
            cwd=self._directory, stdout=log, stderr=log,
        )  # fmt: skip
        wait_until(self._is_ready, "Prometheus to be ready", 30)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series an expression gives now. Raises `QueryError`."""
        return list(self._get("query", query=expr)["result"])

    def number(self, expr: str) -> float:
        """The one value an expression gives now; 0 where it gives none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else 0.0

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire now, by name."""
        alerts = self._get("alerts")["alerts"]
        return {one["labels"]["alertname"]: one for one in alerts if one["state"] == "firing"}

    def _get(self, what: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(
                f"http://{self.address}/api/v1/{what}?{query}", timeout=30
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise QueryError(json.load(error)["error"]) from None

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5):
                return True
        except OSError:
            return False
