"""What was filed, in a file that outlives the process: a JSON line per step, each on disk first.

It is the only memory of what was filed. Keep it where a backup is made; two processes can't have it
at once.
"""

from __future__ import annotations

import fcntl
import os
from enum import StrEnum
from pathlib import Path
from typing import IO, Self

import msgspec


class Step(StrEnum):
    """How far a report has come."""

    BEGUN = "begun"  # it has a number, and may have files
    FINISHING = "finishing"  # it was about to be finished: it may be filed
    FILED = "filed"
    LEFT = "left"  # unfinished, and it will not be finished: it vanishes
    RETRACTED = "retracted"


class Entry(msgspec.Struct, frozen=True):
    """A line: of which report, what, and its number there."""

    report: str
    step: Step
    number: int


class BadJournal(Exception):
    """The journal can't be used: the file, the line, and what to do."""


class Journal:
    """The newest entry of each report; use as a context manager, which opens and locks the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: dict[str, Entry] = {}
        self._file: IO[bytes]

    def __enter__(self) -> Self:
        """Read it. Raises `BadJournal`."""
        try:
            self._file = self._path.open("a+b")
        except OSError as error:
            raise BadJournal(f"{self._path}: can't be opened: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
        except BlockingIOError:
            self._file.close()
            raise BadJournal(f"{self._path}: another process is filing with it") from None
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()

    def of(self, report: str) -> Entry | None:
        """What was done last about a report."""
        return self._newest.get(report)

    def note(self, report: str, step: Step, number: int) -> None:
        """Remember a step; it is on disk when this returns."""
        entry = Entry(report, step, number)
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._newest[report] = entry

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                # Cut off by a kill: what it would have said was not acted on yet.
                self._file.truncate(whole)
                break
            whole += len(line)
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except msgspec.MsgspecError:
                raise BadJournal(
                    f"{self._path}:{number}: not a line of a journal; what was filed can't be known."
                    " Restore it from a backup"
                ) from None
            self._newest[entry.report] = entry
