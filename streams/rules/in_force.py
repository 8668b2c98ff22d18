"""Tells which rule set a worker runs: to metrics, to `vigil rules status`, and to the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from streams import __version__
from streams.agents.known_material import BUILT_IN, BuiltIn
from streams.logs import Event, tell
from streams.metrics import Loaded, Metrics
from streams.patterns import Pattern, RuleSet
from streams.patterns.blindness import hangs_on
from streams.patterns.pattern import LIVE
from streams.rules.follow import Refusal
from streams.rules.running import PUBLISHED, Running
from streams.signals.records import SOURCES, SURFACES
from streams.signals.times import format_ms


class Switchable(Protocol):
    """What is needed of a worker; `streams.engine.kafka.worker.Worker` is one."""

    def use(self, ruleset: RuleSet) -> None:
        """Judge by this rule set from the next signal on."""

    def say(self, words: str) -> None:
        """Keep these words where others can read them."""


class InForce:
    """The `Listener` of a worker's follower.

    `source` is where the first set comes from (see `Running`); `refusal` what had to be refused
    before it. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        worker: Switchable,
        metrics: Metrics,
        ruleset: RuleSet,
        *,
        source: str,
        refusal: Refusal | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._worker = worker
        self._metrics = metrics
        self._clock = clock
        self._running = Running(
            ruleset=ruleset.hash, since=self._now(), source=source, vigil=__version__
        )
        self._tell(ruleset)
        if refusal is not None:
            self.refuse(refusal)

    def switch(self, ruleset: RuleSet) -> None:
        """See `Listener`."""
        was = self._running
        self._worker.use(ruleset)
        self._running = Running(ruleset=ruleset.hash, since=self._now(), vigil=__version__)
        self._tell(ruleset)
        tell(Event.RULES_SWITCHED, ruleset=ruleset.hash, patterns=len(ruleset), was=was.ruleset)
        if was.source != PUBLISHED:
            tell(Event.RULES_GIVEN_TOO, was=was.source)

    def refuse(self, refusal: Refusal | None) -> None:
        """See `Listener`."""
        self._metrics.refused(refused=refusal is not None)
        if refusal is None:
            self._running = replace(self._running, refused=None, refused_at=None, why=None)
        else:
            self._running = replace(
                self._running,
                refused=refusal.ruleset,
                refused_at=self._now(),
                why=refusal.why,
            )
        self._worker.say(self._running.note())

    def _tell(self, ruleset: RuleSet) -> None:
        loaded = [_loaded(pattern) for pattern in ruleset.patterns]
        self._metrics.loaded(ruleset.hash, [*loaded, *map(_built_in, BUILT_IN)])
        self._worker.say(self._running.note())

    def _now(self) -> str:
        return format_ms(int(self._clock() * 1000))


def _built_in(rule: BuiltIn) -> Loaded:
    return Loaded(rule.id, rule.title, rule.version, LIVE, rule.severity, rule.harm)


def _loaded(pattern: Pattern) -> Loaded:
    return Loaded(
        id=pattern.id,
        title=pattern.title,
        version=pattern.version,
        mode=pattern.mode,
        severity=pattern.severity,
        harm=pattern.block.harm or "",
        topics={search.topic for search in pattern.searches},
        sources=hangs_on(pattern, "moderation-hits", "source", SOURCES),
        surfaces=hangs_on(pattern, "moderation-hits", "surface", SURFACES),
    )
