"""Insists that a topic is there before it is read or written: clients would wait a minute for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.admin import TopicsWrong
from streams.admin.cluster import open_cluster
from streams.admin.comparison import missing
from streams.topics import full_name


def partitions_of(connection: Mapping[str, Any], topic: str, prefix: str) -> int:
    """How many partitions a topic (logical name) has, each of them led.

    Raises `KafkaUnreachable`, and `TopicsWrong` if it isn't there.
    """
    name = full_name(topic, prefix)
    with open_cluster(connection) as cluster:
        live = cluster.topics().get(name)
        if live is None:
            raise TopicsWrong(missing(cluster, [name], prefix))
        cluster.insist_on_leaders({name: live.partitions})
    return live.partitions
