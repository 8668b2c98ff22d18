"""Whether a deployment may be repartitioned: nobody works, and nothing waits to be read.

What was read stays where it lies, on the partition its key belonged to then. So nothing may be left
that is still to be read: its key may belong to another worker afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from streams.admin import TopicsWrong
from streams.admin.cluster import Cluster
from streams.admin.comparison import missing
from streams.topics import TABLE, Role, group_id

_READ = (Role.IN, Role.BETWEEN)
"""What workers read besides state and rules."""


class NotReady(Exception):
    """Workers are in the group, or something waits to be read; nothing was changed."""


class Fewer(Exception):
    """Kafka can't take partitions away."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A deployment as it is. `partitions` and `unread` are by full name of the topic."""

    group: str
    members: tuple[str, ...]
    partitions: Mapping[str, int]
    unread: Mapping[str, int]

    def insist(self, partitions: int) -> None:
        """Raise `Fewer` or `NotReady` unless it may get so many partitions."""
        most = max(self.partitions.values())
        if partitions < most:
            raise Fewer(
                f"the topics have {most} partitions, and Kafka can't take any away: for fewer workers"
                " just stop some"
            )
        reasons = []
        if self.members:
            reasons.append(f"workers are in the group {self.group} ({', '.join(self.members)})")
        if self.unread:
            waiting = ", ".join(f"{count} of {name}" for name, count in self.unread.items())
            reasons.append(f"records wait to be read ({waiting})")
        if reasons:
            raise NotReady(
                f"{'; '.join(reasons)}. Pause whoever writes signals, let the workers read to the end,"
                " stop them, and run this again"
            )


def look(cluster: Cluster, prefix: str = "") -> Standing:
    """A deployment as it is. Raises `TopicsWrong` where a topic is missing.

    What was read is what the group's offsets say. They are never ahead of the state, and behind it
    only after a worker was killed: then start one and stop it.
    """
    live = cluster.topics()
    if absent := [prefix + t.name for t in TABLE if prefix + t.name not in live]:
        raise TopicsWrong(missing(cluster, absent, prefix))
    group = group_id(prefix)
    exists = group in cluster.group_ids()
    members = cluster.group_members(group) if exists else []
    return Standing(
        group=group,
        members=tuple(sorted(str(m["group_instance_id"] or m["client_id"]) for m in members)),
        partitions={prefix + t.name: live[prefix + t.name].partitions for t in TABLE},
        unread=_unread(cluster, prefix, {n: live[n].partitions for n in live}, exists=exists),
    )


def _unread(
    cluster: Cluster, prefix: str, counts: Mapping[str, int], *, exists: bool
) -> Mapping[str, int]:
    names = [prefix + topic.name for topic in TABLE if topic.role in _READ]
    partitions = [TopicPartition(name, n) for name in names for n in range(counts[name])]
    ask = cluster.client.list_partition_offsets
    ends = ask(dict.fromkeys(partitions, OffsetSpec.LATEST))
    firsts = ask(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    group = group_id(prefix)
    read = cluster.group_offsets([group])[group] if exists else {}
    unread: Counter[str] = Counter()
    for one in partitions:
        first = firsts[one].offset
        position = max(first, read[one].offset) if one in read else first
        unread[one.topic] += max(0, ends[one].offset - position)
    return {name: count for name, count in unread.items() if count}
