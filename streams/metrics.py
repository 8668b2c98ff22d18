"""What Prometheus sees. Updated per chunk and per checkpoint; nothing here knows the engine.

Names begin with `vigil_`, units are base units, and label values come from closed lists only:
topics of the table, agents, reasons, and the patterns, modes, actions and harms of the rule set
that is loaded. What is on none of them is counted as ``other``, so that no account and no content
can become a series.
"""

from __future__ import annotations

import platform
import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

from streams import __version__
from streams.records import ACTIONS, BREAKERS, HELD_BY
from streams.signals import Reason

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"

# Around the objectives: 200 ms for a checkpoint with outputs, 1 s without; 250 ms end to end.
_COMMIT_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
_RESTORE_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0)
_MAX_FAILURE_REASONS = 24
_REASONS = frozenset(reason.value for reason in Reason)

# A `_created` series beside each counter would double the number of series for nothing.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Loaded(NamedTuple):
    """A pattern of the rule set, as far as its series need it; `mode` is live or shadow."""

    id: str
    title: str
    version: str
    mode: str
    severity: str
    harm: str


class Output(Protocol):
    """A committed record; `value` is its JSON, `ts` the Kafka timestamp of its cause in ms."""

    @property
    def topic(self) -> str:
        """The topic's name in the table."""

    @property
    def value(self) -> bytes:
        """The record."""

    @property
    def ts(self) -> int:
        """Kafka timestamp of the signal that caused it."""


class Committed(Protocol):
    """A checkpoint that is durable."""

    @property
    def outputs(self) -> Sequence[Output]:
        """What it put out."""

    @property
    def refused(self) -> Tally[str]:
        """Dead letters by reason."""


class _Decision(msgspec.Struct, gc=False):
    """The fields of an output that become labels."""

    pattern: str = ""
    mode: str = ""
    action: str = ""
    harm: str = ""
    reason: str = ""
    held_by: str = ""


_decide = msgspec.json.Decoder(_Decision).decode


class Metrics:
    """A registry of its own, and the plain calls the engine makes (`streams.engine.observer`).

    `agents` maps each agent's name to the topics it reads. `clock` gives seconds since the epoch.
    """

    def __init__(
        self, agents: Mapping[str, Iterable[str]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        # Of every set so far: what one put out last is committed after the next came.
        self._patterns: set[str] = set()
        self._harms: set[str] = set()
        self._sizes: dict[tuple[str, int], tuple[int, int]] = {}
        self._oldest_ms: dict[str, int | None] = dict.fromkeys(agents)
        self._failures: set[str] = set()
        ProcessCollector(registry=self.registry)
        self._define()
        for agent, topics in agents.items():
            for topic in topics:
                self._signals.labels(agent, topic)
            for reason in Reason:
                self._dead_letters.labels(agent, reason.value)
            self._lag.labels(agent).set_function(self._lag_of(agent))
            for series in (self._checkpoint, self._restore, self._restored):
                series.labels(agent)
            for gauge in (self._state_records, self._state_bytes):
                gauge.labels(agent).set(0)
        for action in ACTIONS:
            self._enforcement.labels(action, OTHER)
        self._build.labels(__version__, platform.python_version()).set(1)
        self._refused.set(0)

    def _define(self) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(name, about, labels, namespace="vigil", registry=self.registry)

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(name, about, labels, namespace="vigil", registry=self.registry)

        def histogram(name: str, about: str, label: str, buckets: Collection[float]) -> Histogram:
            return Histogram(
                name, about, (label,), namespace="vigil", registry=self.registry,
                buckets=tuple(buckets),
            )  # fmt: skip

        self._signals = counter("signals", "Records handled.", "agent", "topic")
        self._dead_letters = counter("dead_letters", "Records refused.", "agent", "reason")
        self._outputs = counter("outputs", "Records committed to a topic.", "topic")
        self._detections = counter("detections", "Patterns that fired.", "pattern", "mode")
        self._enforcement = counter("enforcement", "Actions decided.", "action", "harm")
        self._held = counter("held", "Actions that wait for a person.", "pattern", "held_by")
        self._breakers = counter("breakers", "Breakers that opened.", "pattern", "cause")
        self._checkpoint = histogram(
            "checkpoint_seconds", "Time a durable checkpoint took.", "agent", _COMMIT_BUCKETS
        )
        self._failed = counter(
            "checkpoint_failures", "Checkpoints that were not committed.", "agent", "reason"
        )
        self._restore = histogram(
            "restore_seconds", "Time to read a partition's state back.", "agent", _RESTORE_BUCKETS
        )
        self._restored = counter("restore_records", "State records read back.", "agent")
        self._state_records = gauge("state_records", "State records held.", "agent")
        self._state_bytes = gauge("state_bytes", "Size of the state held.", "agent")
        self._lag = gauge(
            "lag_seconds", "Age of the oldest signal not yet handled; 0 without one.", "agent"
        )
        self._partitions = gauge("partitions", "Pairs of agent and partition here.", "state")
        self._latency = histogram(
            "latency_seconds",
            "From a signal's Kafka timestamp to the commit of what it caused.",
            "topic",
            _LATENCY_BUCKETS,
        )
        self._build = gauge("build_info", "What runs here.", "version", "python")
        self._ruleset = gauge("ruleset_info", "The rule set in force.", "ruleset")
        self._refused = gauge(
            "ruleset_refused", "1 where the current published rule set can't be run here."
        )
        self._pattern = gauge(
            "pattern_info", "A pattern in force.", "pattern", "title", "version", "mode", "severity"
        )

    def loaded(self, ruleset: str, patterns: Iterable[Loaded]) -> None:
        """A rule set is in force: its series exist from now on, at zero. May be called again."""
        loaded = list(patterns)
        self._patterns |= {pattern.id for pattern in loaded}
        self._harms |= {pattern.harm for pattern in loaded if pattern.harm}
        self._ruleset.clear()
        self._ruleset.labels(ruleset).set(1)
        self._refused.set(0)
        self._pattern.clear()
        for p in loaded:
            self._pattern.labels(p.id, p.title, p.version, p.mode, p.severity).set(1)
            self._detections.labels(p.id, p.mode)
            for held_by in HELD_BY:
                self._held.labels(p.id, held_by)
            for cause in BREAKERS:
                self._breakers.labels(p.id, cause)
        for action in ACTIONS:
            for harm in self._harms:
                self._enforcement.labels(action, harm)

    def refused(self, *, refused: bool) -> None:
        """The current published rule set can't be run here, or no longer is there one."""
        self._refused.set(int(refused))

    def handled(self, agent: str, topic: str, records: int) -> None:
        """`records` of an input topic went through an agent's handler."""
        self._signals.labels(agent, topic).inc(records)

    def committed(self, agent: str, checkpoint: Committed, seconds: float, at_ms: int) -> None:
        """A checkpoint is durable, `seconds` after it began, at wall-clock time `at_ms`."""
        self._checkpoint.labels(agent).observe(seconds)
        for reason, count in checkpoint.refused.items():
            self._dead_letters.labels(agent, _known(reason, _REASONS)).inc(count)
        for output in checkpoint.outputs:
            self._outputs.labels(output.topic).inc()
            self._latency.labels(output.topic).observe(max(0, at_ms - output.ts) / 1000)
            if output.topic == "detections":
                seen = _decide(output.value)
                mode = seen.mode if seen.mode in ("live", "shadow") else OTHER
                self._detections.labels(_known(seen.pattern, self._patterns), mode).inc()
            elif output.topic == "enforcement":
                seen = _decide(output.value)
                self._enforcement.labels(
                    _known(seen.action, ACTIONS), _known(seen.harm, self._harms)
                ).inc()
            elif output.topic == "review-queue":
                seen = _decide(output.value)
                pattern = _known(seen.pattern, self._patterns)
                if seen.reason == "held":
                    self._held.labels(pattern, _known(seen.held_by, HELD_BY)).inc()
                elif seen.reason == "breaker":
                    self._breakers.labels(pattern, _known(seen.held_by, BREAKERS)).inc()

    def commit_failed(self, agent: str, reason: str) -> None:
        """A checkpoint failed; `reason` is an error's type name, anything else is ``other``."""
        if reason not in self._failures:
            if not reason.isidentifier() or len(self._failures) >= _MAX_FAILURE_REASONS:
                reason = OTHER
            self._failures.add(reason)
        self._failed.labels(agent, reason).inc()

    def restored(self, agent: str, records: int, seconds: float) -> None:
        """A partition's state was read back."""
        self._restore.labels(agent).observe(seconds)
        self._restored.labels(agent).inc(records)

    def state_size(self, agent: str, partition: int, records: int, size_bytes: int) -> None:
        """State held for a partition now; zero records when it was let go."""
        if records:
            self._sizes[agent, partition] = (records, size_bytes)
        else:
            self._sizes.pop((agent, partition), None)
        sizes = [size for (name, _), size in self._sizes.items() if name == agent]
        self._state_records.labels(agent).set(sum(count for count, _ in sizes))
        self._state_bytes.labels(agent).set(sum(held for _, held in sizes))

    def backlog(self, agent: str, oldest_ms: int | None) -> None:
        """Kafka timestamp of an agent's oldest buffered record, None when nothing waits."""
        self._oldest_ms[agent] = oldest_ms

    def partitions(self, assigned: int, running: int) -> None:
        """Pairs of agent and partition assigned to this worker, and how many of them run."""
        self._partitions.labels("assigned").set(assigned)
        self._partitions.labels("running").set(running)

    def text(self) -> bytes:
        """Everything in Prometheus' text format, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _lag_of(self, agent: str) -> Callable[[], float]:
        def lag() -> float:
            oldest = self._oldest_ms[agent]
            return 0.0 if oldest is None else max(0.0, self._clock() - oldest / 1000)

        return lag


def _known(value: str, closed: Collection[str]) -> str:
    return value if value in closed else OTHER
