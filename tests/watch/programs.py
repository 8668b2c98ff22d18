"""Prometheus and promtool: Debian's package, or whatever is on PATH."""

from __future__ import annotations

import shutil


def program(name: str) -> str:
    """Where it is. Without it there is nothing to test with, and that is no reason to skip."""
    path = shutil.which(name)
    assert path is not None, f"{name} is missing: apt-get install prometheus"
    return path
