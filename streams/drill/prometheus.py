"""A real Prometheus that watches workers: Debian's package, or whatever is on PATH."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from streams.embedded.processes import tied_to_parent

_READY_S = 30.0
_STOP_S = 30.0
_POLL_S = 0.1


class ProgramMissing(Exception):
    """Prometheus isn't installed; the message says what to install."""


class QueryError(Exception):
    """What Prometheus says is wrong with a query."""


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is. Raises `ProgramMissing`."""
    path = shutil.which(name)
    if path is None:
        raise ProgramMissing(f"{name} is missing: apt-get install prometheus")
    return path


class Prometheus:
    """Scrapes the workers at `targets` (host:port) as the job `vigil`, and judges `rules`.

    Both every `interval_s`. `rules` is the text of a rule file; `directory` has to be its own.
    Raises `ProgramMissing`.
    """

    def __init__(
        self, directory: Path, targets: Sequence[str], rules: str, *, interval_s: float = 1.0
    ) -> None:
        self._program = program("prometheus")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._directory = directory
        every = f"{round(interval_s * 1000)}ms"
        settings = {
            "global": {
                "scrape_interval": every,
                "scrape_timeout": every,
                "evaluation_interval": every,
            },
            "rule_files": ["alerts.yml"],
            "scrape_configs": [
                {"job_name": "vigil", "static_configs": [{"targets": list(targets)}]}
            ],
        }
        (directory / "alerts.yml").write_text(rules)
        (directory / "prometheus.yml").write_text(yaml.safe_dump(settings))

    def __enter__(self) -> Self:
        with (self._directory / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*tied_to_parent(), self._program, "--config.file=prometheus.yml",
                 "--storage.tsdb.path=data", f"--web.listen-address={self.address}"],
                cwd=self._directory, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _READY_S
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.__exit__()
                raise TimeoutError(f"Prometheus isn't ready; see {self._directory}/prometheus.log")
            time.sleep(_POLL_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_STOP_S)

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series an expression gives now. Raises `QueryError`."""
        return list(self._get("query", query=expr)["result"])

    def number(self, expr: str) -> float:
        """The one value an expression gives now; 0 where it gives none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else 0.0

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that fire now."""
        return [one for one in self._get("alerts")["alerts"] if one["state"] == "firing"]

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
