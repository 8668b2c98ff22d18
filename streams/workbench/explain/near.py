"""How near patterns came to firing for one account, read off their windows as they are filled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import msgspec

from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.windows_state import WINDOW
from streams.patterns import Pattern, RuleSet
from streams.patterns.windows import Correlation, Window, union

S = TypeVar("S", bound=msgspec.Struct)

MOST = 5
LEAST_SHARE = 0.5
"""Nearer than this to firing is worth a word."""

_INNER_SHARE = 0.8
"""What the nearness of an inner window of a chain counts towards the whole."""


class NearMiss(NamedTuple):
    """A pattern that did not fire: how near it came, at the best moment (`at`, ms).

    `measured` is its quantity then, `share` from 0 to 1 how much of the way that is. `sources` says
    how many independent ones there were of those it wants, where that alone was missing; `held`
    that the condition did hold, and what fired was withheld or is still waiting (`unless`). `stage`
    is the pattern's stage that was measured, 0 for the whole condition.
    """

    pattern: Pattern
    group: str
    at: int
    measured: float
    share: float
    sources: int | None = None
    held: bool = False
    stage: int = 0


class Watch:
    """Watches the windows of one account. Give `watched(agent)` to a driver in place of the agent."""

    def __init__(self, ruleset: RuleSet, account: str) -> None:
        self._account = account
        self._patterns = {pattern.key: pattern for pattern in ruleset.patterns}
        self._best: dict[str, NearMiss] = {}

    def watched(self, agent: Agent) -> Agent:
        """The agent, doing the same."""

        def handler(state: State, signal: Any, out: Out) -> None:
            watched = _Watched(state, self, signal.at) if signal.account == self._account else state
            agent.handler(watched, signal, out)

        return replace(agent, handler=handler)

    def misses(self, fired: Collection[str]) -> list[NearMiss]:
        """The nearest of the patterns, by id, that have not `fired`; the nearest first."""
        found = [
            near
            for near in self._best.values()
            if near.pattern.id not in fired and near.share >= LEAST_SHARE
        ]
        return sorted(found, key=lambda near: (-near.share, near.pattern.title))[:MOST]

    def filled(self, sub: str, window: Window, since: int) -> None:
        """A window has taken in records from `since` (ms) on."""
        key, _, group = sub.partition("/")
        key, _, stage = key.partition(".")
        pattern = self._patterns[key]
        if not pattern.stages:
            return
        number = int(stage or 0)
        correlation = pattern.stages[number].correlation
        for low, high in _spans(window, correlation, since):
            near = _near(pattern, correlation, window, low, high)
            if number:
                if near.share == 1:
                    continue  # then the window above it says how near it was
                near = near._replace(share=near.share * _INNER_SHARE, stage=number)
            best = self._best.get(pattern.id)
            if best is None or near.share >= best.share:
                self._best[pattern.id] = near._replace(group=group)


def _spans(window: Window, correlation: Correlation, since: int) -> Iterator[tuple[int, int]]:
    ats = window.ats
    first = bisect_left(ats, since)
    while first < len(ats):
        high = bisect_right(ats, ats[first])
        yield bisect_right(ats, ats[high - 1] - correlation.timespan), high
        first = high


def _near(
    pattern: Pattern, correlation: Correlation, window: Window, low: int, high: int
) -> NearMiss:
    share = correlation.progress(window, low, high)
    sources = None
    wanted = correlation.independent
    if share == 1 and wanted > 1:
        there = union(window.sources, low, high).bit_count()
        if there < wanted:
            share, sources = there / wanted, there
    at, measured = window.ats[high - 1], correlation.measure(window, low, high)
    return NearMiss(pattern, "", at, measured, share, sources, held=share == 1)


class _Watched:
    """The state, telling of every window that is put."""

    def __init__(self, state: State, watch: Watch, since: int) -> None:
        self._state = state
        self._watch = watch
        self._since = since
        self.now = state.now

    def get(self, kind: Kind[S], key: str, sub: str = "") -> S | None:
        return self._state.get(kind, key, sub)

    def put(self, kind: Kind[S], key: str, value: S, expires_at: int, sub: str = "") -> None:
        self._state.put(kind, key, value, expires_at, sub)
        if isinstance(value, Window) and kind.tag == WINDOW.tag:
            self._watch.filled(sub, value, self._since)

    def delete(self, kind: Kind[S], key: str, sub: str = "") -> None:
        self._state.delete(kind, key, sub)

    def scan(self, kind: Kind[S], key: str) -> Iterator[tuple[str, S]]:
        return self._state.scan(kind, key)
