"""The demo's workers: real processes, watched while they run and gone when the demo is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from streams.embedded.processes import tied_to_parent

_POLL_S = 0.1
_STOP_S = 12.0  # a worker promises 10 s
_LOG_TAIL_LINES = 15
_HTTP_OK = b" 200 "


class CrewError(Exception):
    """The workers failed the demo. Says which, how, and their last words."""


class WorkerDiedError(CrewError):
    """A worker ended although nobody asked it to. Says which, how, and its last words."""


class WorkersNotReadyError(CrewError):
    """The workers did not become ready in time. Says which, and where to look."""


@dataclass(slots=True)
class Member:
    """One worker process: its name, where its web server listens, where its log is."""

    name: str
    web: str
    log: Path
    process: Process


class Crew:
    """Workers of one deployment, started together; use as an async context manager.

    Args:
        names: worker ids, one process each.
        options: for `vigil run`, beside name and web address.
        directory: for their logs.
    """

    def __init__(self, names: Sequence[str], options: Sequence[str], directory: Path) -> None:
        self._names = names
        self._options = options
        self._directory = directory
        self.members: list[Member] = []

    async def __aenter__(self) -> Self:
        """Start all of them."""
        try:
            for name in self._names:
                self.members.append(await self._start(name))
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop all of them."""
        await self.stop()

    async def _start(self, name: str) -> Member:
        web = f"127.0.0.1:{free_port()}"
        log = self._directory / f"{name}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(*tied_to_parent(), sys.executable, "-m", "streams.cli", "run"),
                *("--worker-id", name, "--web", web, *self._options),
                stdin=DEVNULL,
                cwd=self._directory,  # no vigil.toml there
                env=_environment(),
                stdout=file,
                stderr=file,
                # Ctrl-C is the demo's to handle: a terminal would send it to the group.
                start_new_session=True,
            )
        return Member(name, web, log, process)

    async def ready(self, within_s: float) -> None:
        """Return when every worker is ready.

        Raises:
            WorkersNotReadyError: one isn't after `within_s` seconds.
        """
        try:
            async with asyncio.timeout(within_s):
                for member in self.members:
                    # Another process's state: there is no event here to wait for.
                    while not await _is_ready(member.web):  # noqa: ASYNC110
                        await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise WorkersNotReadyError(
                f"worker {member.name} was not ready after {within_s:.0f} s; "
                f"its log ends:\n{tail(member.log)}"
            ) from None

    async def watch(self) -> None:
        """Wait until a worker ends.

        Raises:
            WorkerDiedError: always, when it happens; cancel this instead of waiting for it.
        """
        waits = {asyncio.ensure_future(one.process.wait()): one for one in self.members}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        member = waits[done.pop()]
        raise WorkerDiedError(
            f"worker {member.name} ended with exit {member.process.returncode}; "
            f"its log ends:\n{tail(member.log)}"
        )

    async def stop(self) -> list[int]:
        """Ask every worker to end, wait, kill those that don't; return their exit codes."""
        for member in self.members:
            if member.process.returncode is None:
                member.process.send_signal(signal.SIGTERM)
        return [await end(member.process) for member in self.members]


async def end(process: Process) -> int:
    """Wait until a process that was asked to end has; kill it if it doesn't. Returns its exit code."""
    try:
        return await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        return await process.wait()


async def _is_ready(web: str) -> bool:
    host, port = web.split(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False  # it doesn't listen yet
    with closing(writer):
        writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
        return _HTTP_OK in await reader.readline()


def _environment() -> dict[str, str]:
    """Ours without settings of Vigil: the demo must not meet anybody's deployment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    source = str(Path(__file__).resolve().parents[2])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (source, kept.get("PYTHONPATH"))))
    return kept


def free_port() -> int:
    """One that nobody listens at now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
