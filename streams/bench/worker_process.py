"""A process under measurement: pinned to a core, watched through /proc, ended by its own id."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STOP_TIMEOUT_S = 15.0


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole process, all threads (fields 14 and 15 of proc_pid_stat(5)).

    Raises `ProcessLookupError` if it is gone.
    """
    return parse_cpu_seconds(_proc(pid, "stat"))


def parse_cpu_seconds(stat: str) -> float:
    """The CPU seconds in the text of a /proc/PID/stat."""
    # The command's name may hold spaces and brackets: fields count from the last bracket.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes). Raises `ProcessLookupError` if the process is gone."""
    return int(_proc(pid, "statm").split()[1]) * PAGE_BYTES / 1e6


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError as gone:
        raise ProcessLookupError(pid) from gone


def pin(pid: int, core: int) -> None:
    """Pin every thread of `pid` to `core`; threads started later inherit it from their parent."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), {core})
        except ProcessLookupError:
            continue


class WorkerProcess:
    """A child pinned to one core from its first instruction, with its output in `log`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        # taskset and not preexec_fn: the harness has threads, and after a fork from them only
        # exec is safe.
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id (taskset execs the command, so it is the command's own)."""
        return self._child.pid

    def cpu_seconds(self) -> float:
        """CPU used so far. Raises `RuntimeError` with the end of its log if it has died."""
        self.check()
        return cpu_seconds(self.pid)

    def rss_mb(self) -> float:
        """Resident memory now, in MB."""
        self.check()
        return rss_mb(self.pid)

    def check(self) -> None:
        """Raise `RuntimeError` with the end of its log if the process has ended."""
        code = self._child.poll()
        if code is not None:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the measured process ended with code {code}:\n{tail}")

    def kill(self) -> None:
        """SIGKILL: what a crash looks like to the cluster."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL if it doesn't listen. Stopping twice is fine."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
