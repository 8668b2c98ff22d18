"""Every metric there is: its type, labels, unit and meaning, and the series that exist from the start."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar, get_args

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.process_collector import ProcessCollector

from streams import __version__
from streams.records import ACTIONS, BREAKERS, HELD_BY, Proposal, ReviewItem
from streams.signals import Reason
from streams.signals.records import SOURCES, SURFACES
from streams.topics import TABLE, Role

OTHER = "other"
NOWHERE = "none"
"""The surface of a hit that names none."""

MODES = ("live", "shadow")
VERDICTS = ("granted", "released", "voided", "undone")
"""What becomes of a proposed action: `granted` by Vigil itself, `released` by a person."""

STATES = ("assigned", "running")
"""Of a pair of agent and partition: it is this worker's, and it is restored and at work."""

REPORT_KINDS = ("cybertipline",)
STEPS = ("draft", "amended", "doubted", "confirmed", "dropped", "retracted")
"""What a record of a report says: it is new, or changed, or one person would drop it; it was
confirmed; it was dropped unconfirmed, or retracted afterwards."""


def _literals(record: type[msgspec.Struct], field: str) -> tuple[str, ...]:
    (kind,) = (one.type for one in msgspec.structs.fields(record) if one.name == field)
    words = [kind] if isinstance(kind, type(Literal[""])) else get_args(kind)
    return tuple(word for one in words for word in get_args(one))


REVIEW_REASONS = _literals(ReviewItem, "reason")
OUTCOMES = _literals(Proposal, "outcome")

WRITTEN = tuple(topic.name for topic in TABLE if topic.role in (Role.BETWEEN, Role.OUT))
"""The topics Vigil writes records to."""

# Around the objectives: 200 ms for a checkpoint with outputs, 1 s without; 1 s end to end; 1 h until
# content is removed, and the 48 h some laws give.
_COMMIT_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
_RESTORE_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0)
_REMOVAL_BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0, 172800.0)

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "agent": "the agents this worker runs",
        "topic": "the topics of the table (`vigil topics list`)",
        "reason": "of dead letters: those of docs/signals.md; of review items: those of the topic"
        " `review-queue`; of failed checkpoints: error types, at most 24 of them, and `other`",
        "pattern": "ids of the patterns of the rule sets loaded so far, and `other`",
        "mode": "`live`, `shadow`",
        "source": "the sources of hits: docs/signals.md",
        "surface": "the surfaces of hits, and `none`",
        "action": "the actions of an enforcement record",
        "after": "the action that was done to the same person before",
        "harm": "harm classes of the patterns loaded so far, and `other`",
        "held_by": "what holds an action: a budget, a breaker, an undo",
        "queue": "what waits for a person: `held` actions, `report` drafts",
        "cause": "what opens a breaker: `surge`, `precision`",
        "verdict": "`granted` by Vigil, `released` or `voided` by a person, `undone`",
        "outcome": "`upheld`, `overturned`",
        "state": "`assigned`, `running`",
        "version": "of Vigil; in `pattern_info` the pattern's semantic version",
        "python": "Python's version",
        "ruleset": "the hash of the rule set in force",
        "title": "the pattern's title in the rule set in force",
        "severity": "the pattern's severity",
        "kind": "of a report: `cybertipline`, and `other`",
        "step": "a new `draft`, `amended`, `doubted` by one person, `confirmed`, `dropped`"
        " unconfirmed, `retracted` afterwards",
    }
)
"""Where the values of each label come from: closed lists, all of them."""

# A `_created` series beside each counter would double the number of series for nothing.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Loaded(NamedTuple):
    """A pattern of the rule set, as far as its series need it; `mode` is live or shadow.

    `topics` are those it looks at, `sources` and `surfaces` those of hits it hangs on.
    """

    id: str
    title: str
    version: str
    mode: str
    severity: str
    harm: str
    topics: Collection[str] = ()
    sources: Collection[str] = ()
    surfaces: Collection[str] = ()


class Defined(NamedTuple):
    """One metric, as the page shows it; `name` is what queries call it."""

    name: str
    type: str
    labels: tuple[str, ...]
    unit: str
    about: str


M = TypeVar("M", Counter, Gauge, Histogram)


class Series:
    """The metrics, in a registry of their own; `table` lists them.

    `agents` maps each agent's name to the topics it reads.
    """

    def __init__(self, agents: Mapping[str, Iterable[str]]) -> None:
        self.registry = CollectorRegistry()
        self.table: list[Defined] = []
        self._define_stream()
        self._define_rules()
        self._define_people()
        ProcessCollector(registry=self.registry)
        self._begin(agents)

    def _define_stream(self) -> None:
        self.signals = self._counter("signals", "records", "Records handled.", "agent", "topic")
        self.hits = self._counter(
            "hits", "records", "Hits read, by who found them and where.", "source", "surface"
        )
        self.dead_letters = self._counter(
            "dead_letters", "records", "Records refused.", "agent", "reason"
        )
        self.outputs = self._counter("outputs", "records", "Records committed to a topic.", "topic")
        self.latency = self._histogram(
            "latency_seconds",
            "From a signal's Kafka timestamp to the commit of what it caused.",
            _LATENCY_BUCKETS,
            "topic",
        )
        self.lag = self._gauge(
            "lag_seconds", "seconds", "Age of the oldest signal not yet handled; 0 without one.",
            "agent",
        )  # fmt: skip
        self.queue = self._gauge(
            "queue_oldest_seconds", "seconds",
            "How long the first in a queue has waited for a person; 0 where nobody waits.",
            "queue",
        )  # fmt: skip
        self.checkpoint = self._histogram(
            "checkpoint_seconds", "Time a durable checkpoint took.", _COMMIT_BUCKETS, "agent"
        )
        self.failed = self._counter(
            "checkpoint_failures", "checkpoints", "Checkpoints that were not committed.",
            "agent", "reason",
        )  # fmt: skip
        self.restore = self._histogram(
            "restore_seconds", "Time to read a partition's state back.", _RESTORE_BUCKETS, "agent"
        )
        self.restored = self._counter(
            "restore_records", "records", "State records read back.", "agent"
        )
        self.restore_left = self._gauge(
            "restore_left_records", "records",
            "Offsets of state topics still to be read back; 0 unless something is being restored.",
            "agent",
        )  # fmt: skip
        self.state_records = self._gauge("state_records", "records", "State records held.", "agent")
        self.state_bytes = self._gauge("state_bytes", "bytes", "Size of the state held.", "agent")
        self.partitions = self._gauge(
            "partitions", "partitions", "Pairs of agent and partition here.", "state"
        )
        self.build = self._gauge("build_info", "", "What runs here.", "version", "python")

    def _define_rules(self) -> None:
        self.ruleset = self._gauge("ruleset_info", "", "The rule set in force.", "ruleset")
        self.refused = self._gauge(
            "ruleset_refused", "", "1 where the current published rule set can't be run here."
        )
        self.pattern = self._gauge(
            "pattern_info", "", "A pattern in force.",
            "pattern", "title", "version", "mode", "severity",
        )  # fmt: skip
        self.looks_at = self._gauge(
            "pattern_topic_info", "", "A topic that a pattern in force looks at.",
            "pattern", "topic",
        )  # fmt: skip
        self.needs_source = self._gauge(
            "pattern_source_info", "", "A source without whose hits a pattern in force is blind.",
            "pattern", "source",
        )  # fmt: skip
        self.needs_surface = self._gauge(
            "pattern_surface_info", "", "A surface without whose hits a pattern in force is blind.",
            "pattern", "surface",
        )  # fmt: skip
        self.detections = self._counter(
            "detections", "detections", "Patterns that fired.", "pattern", "mode"
        )
        self.retractions = self._counter(
            "retractions", "detections", "Detections taken back.", "pattern"
        )
        self.reviewed = self._counter(
            "reviewed", "reviews", "Reviews of what a pattern brought about.", "pattern", "outcome"
        )
        self.breakers = self._counter(
            "breakers", "breakers", "Breakers that opened.", "pattern", "cause"
        )

    def _define_people(self) -> None:
        self.enforcement = self._counter(
            "enforcement", "actions", "Actions decided.", "action", "harm"
        )
        self.repeats = self._counter(
            "repeats", "actions",
            "Actions proposed against somebody to whom the action `after` was done before for the"
            " same harm.",
            "after", "harm",
        )  # fmt: skip
        self.held = self._counter(
            "held", "actions", "Actions that wait for a person.", "pattern", "held_by"
        )
        self.verdicts = self._counter(
            "verdicts", "actions", "What became of proposed actions.", "pattern", "verdict"
        )
        self.review_items = self._counter(
            "review_items", "items", "Items put into the review queue.", "reason"
        )
        self.reports = self._counter(
            "reports", "records", "Reports to authorities: drafts, and what became of them.",
            "kind", "step",
        )  # fmt: skip
        self.removal = self._histogram(
            "removal_seconds",
            "From when content had to be removed to the commit that says so to its holder's account.",
            _REMOVAL_BUCKETS,
        )

    def _begin(self, agents: Mapping[str, Iterable[str]]) -> None:
        """What exists from the start, at zero."""
        for agent, topics in agents.items():
            for topic in topics:
                self.signals.labels(agent, topic)
            for reason in Reason:
                self.dead_letters.labels(agent, reason.value)
            self.failed.labels(agent, OTHER)
            for series in (self.checkpoint, self.restore, self.restored, self.lag,
                           self.restore_left, self.state_records, self.state_bytes):  # fmt: skip
                series.labels(agent)
        for source in SOURCES:
            for surface in (*SURFACES, NOWHERE):
                self.hits.labels(source, surface)
        for state in STATES:
            self.partitions.labels(state)
        for topic in WRITTEN:
            self.outputs.labels(topic)
            self.latency.labels(topic)
        for action in ACTIONS:
            self.enforcement.labels(action, OTHER)
        for why in REVIEW_REASONS:
            self.review_items.labels(why)
        for step in STEPS:
            for kind in (*REPORT_KINDS, OTHER):
                self.reports.labels(kind, step)
        self.build.labels(__version__, platform.python_version()).set(1)
        self.refused.set(0)

    def load(self, ruleset: str, patterns: Collection[Loaded], harms: Iterable[str]) -> None:
        """A rule set is in force; `harms` are all classes so far."""
        self.ruleset.clear()
        self.ruleset.labels(ruleset).set(1)
        self.refused.set(0)
        self.pattern.clear()
        for info in (self.looks_at, self.needs_source, self.needs_surface):
            info.clear()
        for p in patterns:
            self.pattern.labels(p.id, p.title, p.version, p.mode, p.severity).set(1)
            for info, names in (
                (self.looks_at, p.topics),
                (self.needs_source, p.sources),
                (self.needs_surface, p.surfaces),
            ):
                for name in names:
                    info.labels(p.id, name).set(1)
            self.retractions.labels(p.id)
            for series, values in (
                (self.detections, MODES),
                (self.reviewed, OUTCOMES),
                (self.breakers, BREAKERS),
                (self.held, HELD_BY),
                (self.verdicts, VERDICTS),
            ):
                for value in values:
                    series.labels(p.id, value)
        for harm in harms:
            for action in ACTIONS:
                self.enforcement.labels(action, harm)
                self.repeats.labels(action, harm)

    def _counter(self, name: str, unit: str, about: str, *labels: str) -> Counter:
        return self._define(
            Counter(name, about, labels, namespace="vigil", registry=self.registry),
            Defined(f"vigil_{name}_total", "counter", labels, unit, about),
        )

    def _gauge(self, name: str, unit: str, about: str, *labels: str) -> Gauge:
        return self._define(
            Gauge(name, about, labels, namespace="vigil", registry=self.registry),
            Defined(f"vigil_{name}", "gauge", labels, unit, about),
        )

    def _histogram(
        self, name: str, about: str, buckets: Collection[float], *labels: str
    ) -> Histogram:
        return self._define(
            Histogram(
                name, about, labels, namespace="vigil", registry=self.registry,
                buckets=tuple(buckets),
            ),
            Defined(f"vigil_{name}", "histogram", labels, "seconds", about),
        )  # fmt: skip

    def _define(self, metric: M, defined: Defined) -> M:
        self.table.append(defined)
        return metric
