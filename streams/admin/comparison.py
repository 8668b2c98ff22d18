"""A live cluster against the table: every difference, what it leads to, and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from streams.admin.cluster import CONNECT_TIMEOUT_S, Cluster, Live, open_cluster
from streams.topics import BY_NAME, TABLE, Topic

_RETENTION = "retention.ms"
_FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as the table says.

    `topic` is the full name. `fatal`: a worker would lose or misplace data, so it won't start.
    """

    topic: str
    problem: str
    remedy: str
    fatal: bool

    def __str__(self) -> str:
        return f"{self.topic}: {self.problem}. {self.remedy}"


class TopicsWrong(Exception):
    """The topics can't be worked with; `differences` are the reasons."""

    def __init__(self, differences: Collection[Difference]) -> None:
        self.differences = tuple(differences)
        by_cause: dict[tuple[str, str], list[str]] = {}
        for difference in self.differences:
            cause = (difference.problem, difference.remedy)
            by_cause.setdefault(cause, []).append(difference.topic)
        lines = [
            f"{', '.join(topics)}: {problem}. {remedy}"
            for (problem, remedy), topics in by_cause.items()
        ]
        lead = "\n  " if len(lines) > 1 else " "
        super().__init__(f"the topics are not as they must be:{lead}{lead.join(lines)}")


def check(
    connection: Mapping[str, Any],
    *,
    prefix: str = "",
    partitions: int | None = None,
    timeout_s: float = CONNECT_TIMEOUT_S,
) -> list[Difference]:
    """Every difference between a live cluster and the table, in the table's order.

    `partitions` is the count all topics must have; None: the count most of them have. Raises
    `KafkaUnreachable`.
    """
    with open_cluster(connection, timeout_s=timeout_s) as cluster:
        return compare(cluster, prefix=prefix, partitions=partitions)


def require(
    connection: Mapping[str, Any], *, prefix: str = "", timeout_s: float = CONNECT_TIMEOUT_S
) -> int:
    """What a worker asks before it starts: the partition count of all topics.

    Differences that lose nothing (a retention, say) are left to `check`. Raises `KafkaUnreachable`
    and `TopicsWrong`, within `timeout_s` and one request's timeout.
    """
    with open_cluster(connection, timeout_s=timeout_s) as cluster:
        fatal = [d for d in compare(cluster, prefix=prefix) if d.fatal]
        if fatal:
            raise TopicsWrong(fatal)
        return cluster.topics()[prefix + TABLE[0].name].partitions


def compare(
    cluster: Cluster, *, prefix: str = "", partitions: int | None = None
) -> list[Difference]:
    """`check` over an open connection."""
    ours = {prefix + name for name in BY_NAME}
    live = {name: topic for name, topic in cluster.topics().items() if name in ours}
    configs = cluster.configs(live)
    counts = Counter(topic.partitions for topic in live.values())
    expected = partitions or (max(counts, key=lambda n: (counts[n], n)) if counts else 0)
    absent = {one.topic: one for one in missing(cluster, ours - live.keys(), prefix)}
    differences: list[Difference] = []
    for topic in TABLE:
        name = prefix + topic.name
        if name in absent:
            differences.append(absent[name])
            continue
        differences += _layout(live[name], expected)
        differences += _settings(cluster, topic, name, configs[name])
    return differences


def missing(cluster: Cluster, names: Collection[str], prefix: str = "") -> list[Difference]:
    """Why topics (full names) aren't among those of the cluster: not there, or not to be seen."""
    denied = cluster.denied(names) if names else set()
    with_prefix = f" --prefix {prefix}" if prefix else ""
    create = f"Run: vigil topics create --brokers {cluster.brokers}{with_prefix}"
    hidden = f"Have the administrator run: vigil topics acls --apply{with_prefix}"
    return [
        Difference(name, "may not be seen, an ACL is missing", hidden, fatal=True)
        if name in denied
        else Difference(name, "is missing", create, fatal=True)
        for name in names
    ]


def _layout(live: Live, expected: int) -> list[Difference]:
    found = []
    if live.partitions != expected:
        found.append(
            Difference(
                topic=live.name,
                problem=f"has {live.partitions} partitions, the others have {expected}",
                remedy="All must have the same number, or an account's records land at different"
                " workers. If vigil topics repartition was interrupted: run it again. While it holds"
                " nothing you need: delete it and run vigil topics create",
                fatal=True,
            )
        )
    if live.leaderless:
        numbers = ", ".join(map(str, live.leaderless))
        found.append(
            Difference(
                topic=live.name,
                problem=f"partition {numbers} has no leader",
                remedy="Bring the brokers back that hold it, then look again",
                fatal=True,
            )
        )
    return found


def _settings(
    cluster: Cluster, topic: Topic, name: str, actual: Mapping[str, str]
) -> list[Difference]:
    found = []
    for key, wanted in topic.config.items():
        value = actual.get(key, "")
        if value == wanted or (key == _RETENTION and _keeps_longer(value, wanted)):
            continue
        found.append(
            Difference(
                topic=name,
                problem=f"{key} is {value or 'unknown'}, should be {wanted}",
                remedy=f"Run: kafka-configs.sh --bootstrap-server {cluster.brokers} --alter"
                f" --topic {name} --add-config {key}={wanted}",
                # Kafka would delete state, or keep decisions by key and drop the older ones.
                fatal=key == "cleanup.policy",
            )
        )
    return found


def _keeps_longer(value: str, wanted: str) -> bool:
    try:
        return int(value) == _FOR_EVER or int(value) > int(wanted)
    except ValueError:
        return False
