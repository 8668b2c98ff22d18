"""The plain calls the engine makes, and what they do to the series."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from streams.agents.contract import QUEUES, Agent
from streams.metrics.series import (
    MODES,
    NOWHERE,
    OTHER,
    OUTCOMES,
    REPORT_KINDS,
    REVIEW_REASONS,
    STEPS,
    VERDICTS,
    Loaded,
    Series,
)
from streams.metrics.text import Text
from streams.records import ACTIONS, BREAKERS, HELD_BY
from streams.signals import Reason
from streams.signals.raw import RawRecord
from streams.signals.times import parse_ms

CONTENT_TYPE = CONTENT_TYPE_LATEST

_HITS = "moderation-hits"
_MAX_FAILURE_REASONS = 24
_REASONS = frozenset(reason.value for reason in Reason)


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


class _Said(msgspec.Struct, gc=False):
    """The fields of an output that are counted by."""

    at: str = ""
    pattern: str = ""
    mode: str = ""
    action: str = ""
    harm: str = ""
    reason: str = ""
    held_by: str = ""
    kind: str = ""
    status: str = ""
    amended: int = 0
    doubted_by: str = ""
    confirmed_by: str = ""
    outcome: str = ""
    after: str = ""
    retracts: str = ""
    reviewer: str = ""


_read = msgspec.json.Decoder(_Said).decode


class Metrics:
    """What the engine tells (`streams.engine.observer`), and the rule set in force.

    `agents` maps each agent's name to the topics it reads. `clock` gives seconds since the epoch.
    """

    def __init__(
        self, agents: Mapping[str, Iterable[str]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.series = Series(agents)
        self._clock = clock
        self._text = Text(self.series.registry)
        # Of every set so far: what one put out last is committed after the next came.
        self._patterns: set[str] = set()
        self._harms: set[str] = set()
        self._sizes: dict[tuple[str, int], tuple[int, int]] = {}
        self._left: dict[tuple[str, int], int] = {}
        self._oldest_ms: dict[str, int | None] = dict.fromkeys(agents)
        self._hits: Tally[tuple[str, str | None]] = Tally()
        self._failures: set[str] = set()
        self._queued: dict[tuple[str, int], Mapping[str, int | None]] = {}
        for agent in agents:
            self.series.lag.labels(agent).set_function(self._lag_of(agent))
        for queue in QUEUES:
            self.series.queue.labels(queue).set_function(self._waited_in(queue))
        self._counted: Mapping[str, Callable[[_Said, int], None]] = {
            "detections": self._detection,
            "enforcement": self._enforcement,
            "review-queue": self._review_item,
            "reports": self._report,
            "account-signals": self._account_signal,
            "proposals": self._proposal,
        }

    def loaded(self, ruleset: str, patterns: Iterable[Loaded]) -> None:
        """A rule set is in force: its series exist from now on, at zero. May be called again."""
        loaded = list(patterns)
        self._patterns |= {pattern.id for pattern in loaded}
        self._harms |= {pattern.harm for pattern in loaded if pattern.harm}
        self.series.load(ruleset, loaded, self._harms)

    def refused(self, *, refused: bool) -> None:
        """The current published rule set can't be run here, or no longer is there one."""
        self.series.refused.set(int(refused))

    def counting(self, agent: Agent) -> Agent:
        """The same agent, of whose hits it is noted who found them and where.

        Of these alone, for they are few. What is read again after a failure is noted again.
        """
        decode, hits = agent.decoders.get(_HITS), self._hits
        if decode is None:
            return agent

        def decode_and_note(record: RawRecord) -> Any:
            hit = decode(record)
            hits[hit.source, hit.surface] += 1
            return hit

        return replace(agent, decoders={**agent.decoders, _HITS: decode_and_note})

    # What the engine tells

    def handled(self, agent: str, topic: str, records: int) -> None:
        """`records` of an input topic went through an agent's handler."""
        self.series.signals.labels(agent, topic).inc(records)
        if topic == _HITS:
            for (source, surface), count in self._hits.items():
                self.series.hits.labels(source, surface or NOWHERE).inc(count)
            self._hits.clear()

    def committed(self, agent: str, checkpoint: Committed, seconds: float, at_ms: int) -> None:
        """A checkpoint is durable, `seconds` after it began, at wall-clock time `at_ms`."""
        series = self.series
        series.checkpoint.labels(agent).observe(seconds)
        for reason, count in checkpoint.refused.items():
            series.dead_letters.labels(agent, _known(reason, _REASONS)).inc(count)
        for output in checkpoint.outputs:
            series.outputs.labels(output.topic).inc()
            series.latency.labels(output.topic).observe(max(0, at_ms - output.ts) / 1000)
            count_it = self._counted.get(output.topic)
            if count_it is not None:
                count_it(_read(output.value), at_ms)

    def commit_failed(self, agent: str, reason: str) -> None:
        """A checkpoint failed; `reason` is an error's type name, anything else is ``other``."""
        if reason not in self._failures:
            if not reason.isidentifier() or len(self._failures) >= _MAX_FAILURE_REASONS:
                reason = OTHER
            self._failures.add(reason)
        self.series.failed.labels(agent, reason).inc()

    def restoring(self, agent: str, partition: int, left: int) -> None:
        """A partition's state is being read back, up to `left` records are still to come."""
        self._left[agent, partition] = left
        self._show_left(agent)

    def restored(self, agent: str, records: int, seconds: float) -> None:
        """A partition's state was read back."""
        self.series.restore.labels(agent).observe(seconds)
        self.series.restored.labels(agent).inc(records)

    def state_size(self, agent: str, partition: int, records: int, size_bytes: int) -> None:
        """State held for a partition now; zero records when it was let go."""
        if records:
            self._sizes[agent, partition] = (records, size_bytes)
        else:
            self._sizes.pop((agent, partition), None)
        if self._left.pop((agent, partition), None) is not None:
            self._show_left(agent)
        sizes = [size for (name, _), size in self._sizes.items() if name == agent]
        self.series.state_records.labels(agent).set(sum(count for count, _ in sizes))
        self.series.state_bytes.labels(agent).set(sum(held for _, held in sizes))

    def queued(self, agent: str, partition: int, oldest: Mapping[str, int | None]) -> None:
        """Since when the first waits in each queue of a partition (ms); empty when it was let go."""
        self._queued[agent, partition] = oldest

    def backlog(self, agent: str, oldest_ms: int | None) -> None:
        """Kafka timestamp of an agent's oldest buffered record, None when nothing waits."""
        self._oldest_ms[agent] = oldest_ms

    def partitions(self, assigned: int, running: int) -> None:
        """Pairs of agent and partition assigned to this worker, and how many of them run."""
        self.series.partitions.labels("assigned").set(assigned)
        self.series.partitions.labels("running").set(running)

    def text(self) -> bytes:
        """Everything in Prometheus' text format, of type `CONTENT_TYPE`."""
        return self._text()

    # What was committed, by topic

    def _detection(self, said: _Said, _: int) -> None:
        pattern = _known(said.pattern, self._patterns)
        if said.retracts:
            self.series.retractions.labels(pattern).inc()
        else:
            self.series.detections.labels(pattern, _known(said.mode, MODES)).inc()

    def _enforcement(self, said: _Said, _: int) -> None:
        action, harm = _known(said.action, ACTIONS), _known(said.harm, self._harms)
        self.series.enforcement.labels(action, harm).inc()

    def _review_item(self, said: _Said, _: int) -> None:
        self.series.review_items.labels(_known(said.reason, REVIEW_REASONS)).inc()
        pattern = _known(said.pattern, self._patterns)
        if said.reason == "held":
            self.series.held.labels(pattern, _known(said.held_by, HELD_BY)).inc()
        elif said.reason == "breaker":
            self.series.breakers.labels(pattern, _known(said.held_by, BREAKERS)).inc()

    def _report(self, said: _Said, _: int) -> None:
        kind, step = _known(said.kind, REPORT_KINDS), _known(_step(said), STEPS)
        self.series.reports.labels(kind, step).inc()

    def _account_signal(self, said: _Said, at_ms: int) -> None:
        if said.kind == "content":
            self.series.removal.observe(max(0, at_ms - parse_ms(said.at)) / 1000)
            return
        verdict = "released" if said.kind == "granted" and said.reviewer else said.kind
        if verdict in VERDICTS:
            self.series.verdicts.labels(_known(said.pattern, self._patterns), verdict).inc()

    def _proposal(self, said: _Said, _: int) -> None:
        if said.kind == "outcome":
            pattern = _known(said.pattern, self._patterns)
            self.series.reviewed.labels(pattern, _known(said.outcome, OUTCOMES)).inc()
        elif said.after:
            harm = _known(said.harm, self._harms)
            self.series.repeats.labels(_known(said.after, ACTIONS), harm).inc()

    def _show_left(self, agent: str) -> None:
        left = sum(left for (name, _), left in self._left.items() if name == agent)
        self.series.restore_left.labels(agent).set(left)

    def _lag_of(self, agent: str) -> Callable[[], float]:
        def lag() -> float:
            oldest = self._oldest_ms[agent]
            return 0.0 if oldest is None else max(0.0, self._clock() - oldest / 1000)

        return lag

    def _waited_in(self, queue: str) -> Callable[[], float]:
        def waited() -> float:
            # Workers' turns go on while somebody scrapes.
            each = [oldest.get(queue) for oldest in list(self._queued.values())]
            since = min((one for one in each if one is not None), default=None)
            return 0.0 if since is None else max(0.0, self._clock() - since / 1000)

        return waited


def _step(report: _Said) -> str:
    """What a report's record says happened to it; see `STEPS`."""
    match report.status:
        case "draft" if report.doubted_by:
            return "doubted"
        case "draft" if report.amended:
            return "amended"
        case "retracted" if not report.confirmed_by:
            return "dropped"
        case _:
            return report.status


def _known(value: str, closed: Collection[str]) -> str:
    return value if value in closed else OTHER
