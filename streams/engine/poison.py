"""Watches patterns that raise, and switches off one that poisons the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Unpack

from streams.agents.contract import Agent
from streams.logs import Event, Fields, tell, where

SHARE = 0.01
"""A pattern that fails on more than this share of a minute's signals is switched off."""

_MINUTE_S = 60.0
_MIN_FAILURES = 10
"""Fewer failures than this say too little about a share."""


class PoisonWatch:
    """Counts, per pattern and minute, the signals and calls given up because the pattern raised."""

    def __init__(self, agent: Agent, *, clock: Callable[[], float]) -> None:
        self._switch_off = agent.switch_off
        self._clock = clock
        self._minute_ends = clock() + _MINUTE_S
        self._signals = 0
        self._failures: Counter[str] = Counter()
        self._last: Exception | None = None

    def signals(self, count: int) -> None:
        """`count` more signals were handled, or records called that were due."""
        now = self._clock()
        if now >= self._minute_ends:
            self._minute_ends = now + _MINUTE_S
            self._signals = 0
            self._failures.clear()
        self._signals += count

    def forgive(self) -> None:
        """Other rules apply from now on: what patterns did so far doesn't count against them."""
        self._failures.clear()
        self._last = None

    def raised(self, error: Exception) -> None:
        """A handler or a call raised; whether for good is known only after the retry."""
        self._last = error

    def poisoned(self, event: Event, *, key: str | None = None, **place: Unpack[Fields]) -> None:
        """The retry raised as well; `event` says what was given up, the rest is as in `tell`."""
        error = self._last
        pattern = getattr(error, "pattern", None)
        cause = error.__cause__ if error is not None and error.__cause__ is not None else error
        # The type and where: a message may quote the signal.
        told: Fields = {**place, "error": type(cause).__name__, "where": where(cause)}
        if pattern is not None:
            told["pattern"] = pattern
        tell(event, key=key, **told)
        if pattern is None or self._switch_off is None:
            return
        self._failures[pattern] += 1
        failures = self._failures[pattern]
        if failures >= _MIN_FAILURES and failures > SHARE * self._signals:
            self._switch_off(pattern)
            self._failures[pattern] = 0
            tell(Event.PATTERN_OFF, pattern=pattern, failed=failures, signals=self._signals)
