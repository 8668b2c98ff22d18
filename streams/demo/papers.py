"""What leaves the house, made of the day's decisions: a report draft, statements, and the figures.

Each is one of Vigil's own commands over what the demo keeps, and stays beside it.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from msgspec import json

from streams.demo.crew import CrewError
from streams.signals.times import format_ms

STATEMENTS_FILE = "statements.jsonl"
TRANSPARENCY_FILE = "transparency.html"
_DAY_MS = 86_400_000
_DATE = slice(0, 10)


@dataclass(frozen=True, slots=True)
class Papers:
    """How many report drafts wait for a person, how many statements were written, and where to."""

    drafts: int
    first: str
    statements: int
    statements_file: Path
    transparency_file: Path


def write(inputs: Path, outputs: Path, begin_ms: int) -> Papers:
    """Make them of a day's recording and of what was decided about it. Raises `CrewError`."""
    kept = outputs.parent
    drafts = json.decode(_vigil("list", "--from", str(outputs), "--json"))
    statements = _vigil("statements", "--from", str(outputs))
    (kept / STATEMENTS_FILE).write_bytes(statements)
    _vigil(
        "transparency",
        *("--from", format_ms(begin_ms)[_DATE], "--to", format_ms(begin_ms + _DAY_MS)[_DATE]),
        *("--out", str(kept / TRANSPARENCY_FILE), str(inputs), str(outputs)),
    )
    return Papers(
        drafts=len(drafts),
        first=drafts[0]["id"] if drafts else "",
        statements=statements.count(b"\n"),
        statements_file=kept / STATEMENTS_FILE,
        transparency_file=kept / TRANSPARENCY_FILE,
    )


def _vigil(*words: str) -> bytes:
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", "report", *words], capture_output=True, check=False
    )
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip()
        raise CrewError(f"vigil report {words[0]} ended with {run.returncode}: {said}")
    return run.stdout
