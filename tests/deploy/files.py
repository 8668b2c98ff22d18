"""The deploy files, and the programs that judge them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def program(name: str, package: str) -> str:
    """The path of a program: one of the virtual environment's, or the machine's."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install {package}")
    return found


def judged(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a program says of a file it finds nothing wrong with; fails where it does."""
    run = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def parsed(text: str) -> list[Any]:
    """All documents of a YAML text."""
    return [document for document in yaml.safe_load_all(text) if document]
