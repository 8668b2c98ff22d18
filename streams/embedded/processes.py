"""Telling a process of ours from another that was given the same number since."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

_POLL_S = 0.05


def is_ours(pid: int, mark: str) -> bool:
    """Whether process `pid` lives and its command line contains the argument `mark`."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            arguments = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return mark.encode() in arguments
    run = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return mark in run.stdout


def end(pid: int, mark: str, *, graceful_s: float) -> None:
    """End process `pid` if it is ours: SIGTERM, SIGKILL after `graceful_s`; waits until it's gone.

    Raises `TimeoutError` if it outlives the SIGKILL by ten seconds.
    """
    for sign, patience_s in ((signal.SIGTERM, graceful_s), (signal.SIGKILL, 10.0)):
        if not is_ours(pid, mark):
            return
        os.kill(pid, sign)
        deadline = time.monotonic() + patience_s
        while is_ours(pid, mark):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_S)
        else:
            return
    raise TimeoutError(f"process {pid} did not end after SIGKILL: it hangs in the kernel")


def tied_to_parent() -> list[str]:
    """Words to put before a command so that it gets SIGTERM when the starting thread ends.

    Empty where util-linux' setpriv isn't there: then only `stop` ends the process.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
