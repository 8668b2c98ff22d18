"""Waiting for a condition with a deadline, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 30.0
_POLL_S = 0.02

T = TypeVar("T")


def until(look: Callable[[], T], *, deadline_s: float = DEADLINE_S) -> T:
    """What `look` gives, as soon as that is true; fails when it isn't by the deadline."""
    deadline = time.monotonic() + deadline_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not by the deadline: {look}"
        time.sleep(_POLL_S)  # between two looks, never instead of one
    return found
