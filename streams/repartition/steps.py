"""Repartitioning, step by step.

1. Look whether it may begin: nobody is in the group, nothing waits to be read.
2. The state topics and `rules` get their new partitions. From here on no worker starts, and none
   that was stopped in its sleep goes on: the topics' counts differ.
3. Every old owner is fenced, and the group looked at again.
4. Records are moved to where their keys belong now.
5. All other topics get their new partitions. From here on workers start.

Killed anywhere, it is to be run again: each step does what is still to be done. It can't be taken
back after 2., for Kafka takes no partitions away.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.admin.cluster import Cluster, KafkaUnreachable, open_cluster
from streams.engine.kafka.checkpoint import TRANSACTION_TIMEOUT_MS
from streams.repartition.moving import Moved, Mover, Tell
from streams.repartition.readiness import look
from streams.topics import TABLE, Role, Topic, transactional_id

_GROWN_S = 60.0
_POLL_S = 0.1

CARRIED = tuple(topic for topic in TABLE if topic.compacted)
"""Topics whose records are moved."""


async def repartition(
    connection: Mapping[str, Any], partitions: int, *, prefix: str = "", tell: Tell
) -> list[Moved]:
    """Give every topic so many partitions; what was moved, by partition.

    Raises `Fewer` and `NotReady` before anything is changed (`NotReady` also after 2., if a worker
    came in meanwhile), `TopicsWrong`, `KafkaUnreachable`, KafkaError and UnreadableState.
    """
    with open_cluster(connection) as cluster:
        # 1.
        standing = look(cluster, prefix)
        standing.insist(partitions)
        # 2.
        _grow(cluster, [prefix + topic.name for topic in CARRIED], partitions, tell)
        # 3.
        for topic in CARRIED:
            if topic.role is Role.STATE:
                await _fence(connection, topic, prefix, partitions)
        look(cluster, prefix).insist(partitions)
        # 4.
        async with Mover(connection, prefix, partitions, tell) as mover:
            moved = [
                await mover.move(topic, number) for topic in CARRIED for number in range(partitions)
            ]
        # 5.
        others = [prefix + topic.name for topic in TABLE if topic not in CARRIED]
        _grow(cluster, others, partitions, tell)
    return moved


async def _fence(connection: Mapping[str, Any], topic: Topic, prefix: str, partitions: int) -> None:
    """End the right of whoever owned a partition of an agent to commit to it."""
    agent = topic.name.removesuffix("-state")
    for number in range(partitions):
        producer = AIOKafkaProducer(
            **connection,
            transactional_id=transactional_id(agent, number, prefix),
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        await producer.start()
        await producer.stop()


def _grow(cluster: Cluster, names: Collection[str], partitions: int, tell: Tell) -> None:
    """Give topics that have fewer so many partitions; returns once each of them has a leader."""
    live = cluster.topics()
    for name in names:
        if live[name].partitions < partitions:
            cluster.client.create_partitions({name: partitions})
            tell(f"{name} gets {partitions} partitions, it had {live[name].partitions}")
    deadline = time.monotonic() + _GROWN_S
    while waiting := _not_yet(cluster, names, partitions):
        if time.monotonic() > deadline:
            raise KafkaUnreachable(
                f"{', '.join(waiting)}: no leader for every partition within {_GROWN_S:g} s; look at"
                " the brokers' logs and run this again"
            )
        time.sleep(_POLL_S)
    cluster.insist_on_leaders(dict.fromkeys(names, partitions))


def _not_yet(cluster: Cluster, names: Collection[str], partitions: int) -> list[str]:
    live = cluster.topics()
    return [n for n in names if live[n].partitions != partitions or live[n].leaderless]
