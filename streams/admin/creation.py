"""Making the topics that aren't there, and waiting until they can be used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kafka import errors

from streams.admin.cluster import CONNECT_TIMEOUT_S, Cluster, KafkaUnreachable, open_cluster
from streams.topics import BY_NAME, DEFAULT_PARTITIONS, TABLE

READY_TIMEOUT_S = 60.0
_POLL_S = 0.1
_CLUSTER_DEFAULT = -1


def create(
    connection: Mapping[str, Any],
    *,
    prefix: str = "",
    partitions: int | None = None,
    replication: int = _CLUSTER_DEFAULT,
    timeout_s: float = CONNECT_TIMEOUT_S,
) -> list[str]:
    """Make the topics of the table that are missing; returns their full names.

    Topics that exist are left as they are. `partitions` None: as many as the existing ones have,
    else the default. Returns when each partition of each topic of the table has a leader. May be
    repeated, also by several at once. Raises `KafkaUnreachable`.
    """
    with open_cluster(connection, timeout_s=timeout_s) as cluster:
        live = cluster.topics()
        existing = [live[prefix + name].partitions for name in BY_NAME if prefix + name in live]
        count = partitions or max(existing, default=DEFAULT_PARTITIONS)
        missing = {
            prefix + topic.name: {
                "num_partitions": count,
                "replication_factor": replication,
                "configs": dict(topic.config),
            }
            for topic in TABLE
            if prefix + topic.name not in live
        }
        if missing:
            _make(cluster, missing)
        _wait_for_leaders(cluster, prefix)
        return list(missing)


def _make(cluster: Cluster, missing: Mapping[str, Any]) -> None:
    answer = cluster.client.create_topics(missing, raise_errors=False)
    for topic in answer["topics"]:
        error = errors.for_code(topic["error_code"])
        if error not in (errors.NoError, errors.TopicAlreadyExistsError):
            said = topic.get("error_message") or error.description
            raise KafkaUnreachable(f"Kafka would not make {topic['name']}: {said}")


def _wait_for_leaders(cluster: Cluster, prefix: str) -> None:
    # Creation is asynchronous: until metadata shows a leader, producers and consumers fail.
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        live = cluster.topics()
        waiting = [
            name
            for name in (prefix + topic.name for topic in TABLE)
            if name not in live or live[name].leaderless
        ]
        if not waiting:
            names = [prefix + topic.name for topic in TABLE]
            cluster.insist_on_leaders({name: live[name].partitions for name in names})
            return
        if time.monotonic() > deadline:
            raise KafkaUnreachable(
                f"{', '.join(waiting)}: no leader for every partition within"
                f" {READY_TIMEOUT_S:g} s; look at the brokers' logs"
            )
        time.sleep(_POLL_S)
