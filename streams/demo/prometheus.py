"""A Prometheus beside the demo's workers, where there is one on this machine (Debian's `prometheus`)."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any, Self

import aiohttp

from streams.demo.crew import CrewError, end, free_port, tail
from streams.embedded.processes import tied_to_parent

_READY_S = 15.0
_POLL_S = 0.05
_JOB = "vigil"


class NotWatched(CrewError):
    """Prometheus did not start, or didn't answer. Says how its log ends."""


def program() -> str | None:
    """Where it is, if it is here."""
    return shutil.which("prometheus")


class Prometheus:
    """Scrapes the workers at `targets` (host:port) each second, as the job `vigil`.

    Keeps what it knows, and its log, in `directory`; ends with the `async with`.
    """

    def __init__(self, program: str, targets: Sequence[str], directory: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._program = program
        self._directory = directory / "prometheus"
        self._settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                {"job_name": _JOB, "static_configs": [{"targets": list(targets)}]},
            ],
        }
        self._process: Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Start it, and wait until it answers. Raises `NotWatched`."""
        self._directory.mkdir()
        # YAML holds JSON.
        (self._directory / "prometheus.yml").write_text(json.dumps(self._settings))
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*tied_to_parent(), self._program, "--config.file=prometheus.yml"),
                *("--storage.tsdb.path=data", f"--web.listen-address={self.address}"),
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._session = aiohttp.ClientSession(f"http://{self.address}")
        try:
            await self._until_ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        if self._session is not None:
            await self._session.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await end(self._process)

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """The series an expression gives now: `metric` (labels) and `value`. Raises `NotWatched`."""
        assert self._session is not None
        try:
            async with self._session.get("/api/v1/query", params={"query": expr}) as answer:
                said = await answer.json()
        except aiohttp.ClientError as error:
            raise self._failed(str(error)) from error
        if said["status"] != "success":
            raise self._failed(said["error"])
        return list(said["data"]["result"])

    async def scraped(self) -> None:
        """Wait until every worker was scraped once more. Raises `NotWatched`."""
        begun, deadline = time(), monotonic() + _READY_S
        while True:
            oldest = await self.query(f'min(timestamp(up{{job="{_JOB}"}}))')
            if oldest and float(oldest[0]["value"][1]) > begun:
                return
            if monotonic() > deadline:
                raise self._failed("it no longer scrapes the workers")
            await asyncio.sleep(_POLL_S)

    async def _until_ready(self) -> None:
        assert self._session is not None
        assert self._process is not None
        deadline = monotonic() + _READY_S
        while self._process.returncode is None and monotonic() < deadline:
            try:
                async with self._session.get("/-/ready") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientError:
                pass  # it doesn't listen yet
            await asyncio.sleep(_POLL_S)
        raise self._failed("it did not start")

    def _failed(self, how: str) -> NotWatched:
        return NotWatched(f"Prometheus: {how}; its log ends:\n{tail(self._log)}")

    @property
    def _log(self) -> Path:
        return self._directory / "prometheus.log"
