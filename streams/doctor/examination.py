"""One examination, from the connection to the records."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.admin.cluster import Cluster, open_cluster
from streams.admin.comparison import compare
from streams.admin.rights import PRINCIPALS
from streams.doctor import broker, records, rights, rulesets, silence, workers
from streams.doctor.finding import Finding, Severity
from streams.doctor.sample import newest
from streams.patterns import Pattern
from streams.rules import running
from streams.rules.topic import read_shelf
from streams.signals import Schema
from streams.topics import TABLE, Party, Role, full_name

_PER_PARTITION = 200


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is examined.

    `window_ms` is the longest window of the rules, lateness included, `patterns` are theirs. With a
    `schema`, those of the published rule set count instead, if there is one. `principals` are whom
    the parties log in as.
    """

    connection: Mapping[str, Any]
    prefix: str = ""
    window_ms: int = 0
    patterns: Collection[Pattern] = ()
    schema: Schema | None = None
    session_timeout_s: float = 10.0
    principals: Mapping[Party, str] = field(default_factory=lambda: PRINCIPALS)
    clock: Callable[[], float] = time.time


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Every finding, as it is made. Raises `streams.admin.KafkaUnreachable`."""
    yield from workers.packages()
    with open_cluster(deployment.connection) as cluster:
        yield from broker.look(cluster, session_timeout_s=deployment.session_timeout_s)
        for difference in compare(cluster, prefix=deployment.prefix):
            severity = Severity.PROBLEM if difference.fatal else Severity.WARNING
            yield Finding(severity, difference.topic, difference.problem, difference.remedy)
        yield from rights.look(cluster, deployment.principals, prefix=deployment.prefix)
        yield from _traffic(deployment, cluster)


def _traffic(deployment: Deployment, cluster: Cluster) -> Iterator[Finding]:
    prefix, now_ms = deployment.prefix, int(deployment.clock() * 1000)
    live = cluster.topics()
    inputs = {
        prefix + topic.name: live[prefix + topic.name].partitions
        for topic in TABLE
        if topic.role is Role.IN and prefix + topic.name in live
    }
    window_ms, patterns = deployment.window_ms, deployment.patterns
    if full_name("rules", prefix) in live:
        shelf = read_shelf(deployment.connection, prefix)
        alive = running.workers(cluster, prefix)
        yield from rulesets.look(alive, shelf.current, now_ms=now_ms)
        yield from workers.versions(alive)
        if deployment.schema and (ruleset := rulesets.published(shelf, deployment.schema)):
            window_ms, patterns = rulesets.longest_window_ms(ruleset), ruleset.patterns
    yield from records.retention(cluster, live, window_ms=window_ms, prefix=prefix)
    yield from workers.group(cluster, live, prefix=prefix)
    sample = list(newest(deployment.connection, inputs, per_partition=_PER_PARTITION))
    yield from records.clocks(sample, now_ms=now_ms)
    yield from records.workers_clocks(cluster, live, now_ms=now_ms, prefix=prefix)
    yield from records.partitioning(sample, inputs)
    yield from silence.topics(sample, patterns, now_ms=now_ms, prefix=prefix)
    found = {name: live[name].partitions for name in (prefix + silence.HITS,) if name in live}
    hits = list(
        newest(deployment.connection, found, per_partition=_PER_PARTITION, with_values=True)
    )
    yield from records.without_surface(hits, prefix=prefix)
    yield from silence.detectors(hits, patterns, now_ms=now_ms, prefix=prefix)
    letters = prefix + "dead-letters"
    if letters in live:
        refused = newest(
            deployment.connection,
            {letters: live[letters].partitions},
            per_partition=_PER_PARTITION,
            with_values=True,
        )
        yield from records.dead_letters(refused, now_ms=now_ms)
