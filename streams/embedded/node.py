"""Starting, stopping and finding the embedded node, also after it was killed."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.embedded import jars, places, processes, readiness
from streams.embedded.properties import log4j2_properties, server_properties

HOST = "127.0.0.1"
HEAP_MB = 768
_START_S = 90.0
_STOP_S = 15.0
_PORT_ATTEMPTS = 3


class KafkaNotStarted(Exception):
    """The node didn't come up, or a directory or port can't be used; says where and what to do."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the node of a directory runs, and where it answers."""

    running: bool
    address: str | None
    pid: int | None
    directory: Path


class EmbeddedKafka:
    """The node of one directory. Its data survive; so does its port, where that is still free.

    Any process may stop what another has started. As a context manager it starts and stops.
    `tied` ends the node with the thread that started it, even if that dies by kill -9 (Linux).
    `settings` are Kafka's, on top of ours; where they ask for a login, `login` are the client
    settings with which it is asked whether it is ready.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        port: int | None = None,
        heap_mb: int = HEAP_MB,
        tied: bool = False,
        settings: Mapping[str, object] | None = None,
        login: Mapping[str, Any] | None = None,
    ) -> None:
        self.directory = (directory or places.data_dir()).resolve()
        self._wanted_port = port
        self._heap_mb = heap_mb
        self._tied = tied
        self._settings = dict(settings or {})
        self._login = dict(login or {})
        self._properties = self.directory / "server.properties"
        self._record = self.directory / "node.json"
        self._process: subprocess.Popen[bytes] | None = None
        self.log = self.directory / "kafka.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """`host:port` for clients. Raises `KafkaNotStarted` while the node isn't running."""
        address = self.status().address
        if address is None:
            raise KafkaNotStarted(f"no Kafka runs in {self.directory}: vigil kafka start")
        return address

    def status(self) -> Status:
        """What runs now; a number in the pid file alone proves nothing."""
        record = self._read_record()
        pid, port = record.get("pid"), record.get("port")
        if pid is None or not processes.is_ours(pid, str(self._properties)):
            return Status(running=False, address=None, pid=None, directory=self.directory)
        return Status(running=True, address=f"{HOST}:{port}", pid=pid, directory=self.directory)

    def start(self, *, timeout_s: float = _START_S) -> str:
        """Start the node unless it runs, wait until topics can be made; return `host:port`.

        Raises:
            ToolMissing: Java or Maven is missing.
            KafkaNotStarted: it ended or didn't answer in time, or the wanted port is taken.
        """
        deadline = time.monotonic() + timeout_s
        java, libs = jars.java(), jars.ensure()
        with self._locked():
            status = self.status()
            if status.address is not None:
                if self._wanted_port not in (None, int(status.address.rpartition(":")[2])):
                    raise KafkaNotStarted(
                        f"Kafka already runs on {status.address} in {self.directory}:"
                        " vigil kafka stop, or choose another --dir"
                    )
                self._wait(deadline, status.address, process=None)
                return status.address
            self._format(java, libs)
            for attempt in range(1, _PORT_ATTEMPTS + 1):
                port = self._choose_port()
                process = self._launch(java, libs, port)
                if self._wait(deadline, f"{HOST}:{port}", process):
                    return f"{HOST}:{port}"
                if not self._lost_port() or attempt == _PORT_ATTEMPTS:
                    break
                self._record.unlink()  # Someone was quicker: choose another port.
            raise KafkaNotStarted(
                f"Kafka ended while starting, {self._last_words()}; see {self.log}"
            )

    def stop(self, *, timeout_s: float = _STOP_S) -> bool:
        """Stop the node, by force after `timeout_s`; whether one was running."""
        if not self.directory.exists():
            return False
        with self._locked():
            status = self.status()
            if status.pid is None:
                return False
            processes.end(status.pid, str(self._properties), graceful_s=timeout_s)
            self._collect()
            return True

    def kill(self) -> None:
        """End the node as a crash would (SIGKILL), for tests; returns when it is gone."""
        pid = self.status().pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            processes.end(pid, str(self._properties), graceful_s=10.0)
            self._collect()

    def tool(self, main_class: str, *arguments: str) -> list[str]:
        """The command line of one of Kafka's own tools, by its class."""
        return [jars.java(), "-Xmx256m", "-cp", f"{jars.ensure()}/*", main_class, *arguments]

    def _collect(self) -> None:
        """Leave no zombie of our own behind."""
        if self._process is not None:
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = (self.directory / ".lock").open("w")
        except OSError as error:
            raise KafkaNotStarted(f"can't use {self.directory}: {error.strerror}") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read_record(self) -> dict[str, int]:
        try:
            record = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _choose_port(self) -> int:
        if self._wanted_port is not None:
            if not _is_free(self._wanted_port):
                raise KafkaNotStarted(
                    f"port {self._wanted_port} on {HOST} is taken: choose another --port"
                )
            return self._wanted_port
        last = self._read_record().get("port")
        return last if last is not None and _is_free(last) else _free_port()

    def _format(self, java: str, libs: Path) -> None:
        data = self.directory / "data"
        if (data / "meta.properties").exists():
            return
        self._write_properties(port=_free_port(), controller_port=_free_port())
        run = subprocess.run(
            [
                *(java, "-cp", f"{libs}/*", "kafka.tools.StorageTool", "format"),
                *("-t", _cluster_id(), "-c", str(self._properties), "--ignore-formatted"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise KafkaNotStarted(
                f"could not format {data}: {(run.stderr or run.stdout).strip()[-300:]}"
            )

    def _write_properties(self, *, port: int, controller_port: int) -> None:
        data = self.directory / "data"
        self._properties.write_text(
            server_properties(
                port=port, controller_port=controller_port, data=data, settings=self._settings
            )
        )
        (self.directory / "log4j2.properties").write_text(log4j2_properties(self.log))

    def _launch(self, java: str, libs: Path, port: int) -> subprocess.Popen[bytes]:
        self._write_properties(port=port, controller_port=_free_port())
        command = [
            *(processes.tied_to_parent() if self._tied else []),
            *(java, "-Xms128m", f"-Xmx{self._heap_mb}m", "-XX:MaxGCPauseMillis=20"),
            *("-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}",
            *("-cp", f"{libs}/*", "kafka.Kafka", str(self._properties)),
        ]
        with (self.directory / "kafka.out").open("wb") as out:
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C in the demo is not for the broker.
            )
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps({"pid": process.pid, "port": port}))
        fresh.replace(self._record)
        return process

    def _wait(self, deadline: float, address: str, process: subprocess.Popen[bytes] | None) -> bool:
        """Whether the node answers by the deadline; False if it ended before."""
        while time.monotonic() < deadline:
            if process is not None and process.poll() is not None:
                return False
            left_s = min(5.0, deadline - time.monotonic())
            if readiness.can_make_topics(address, self._login, timeout_s=left_s):
                return True
        if process is not None:
            processes.end(process.pid, str(self._properties), graceful_s=1.0)
        raise KafkaNotStarted(f"Kafka on {address} did not answer in time; see {self.log}")

    def _lost_port(self) -> bool:
        return self._wanted_port is None and "Address already in use" in self._tail()

    def _last_words(self) -> str:
        lines = [line for line in self._tail().splitlines() if " ERROR " in line or "FATAL" in line]
        return f"its last error: {lines[-1][:300]}" if lines else "without naming an error"

    def _tail(self) -> str:
        texts = [
            path.read_text(errors="replace")[-20_000:]
            for path in (self.directory / "kafka.out", self.log)
            if path.exists()
        ]
        return "\n".join(texts)


def _cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # the tool would take it for an option
            return text


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
