"""Whether workers run, keep up, and stand on the libraries they were written for."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from streams import __version__
from streams.admin.cluster import Cluster, Live
from streams.doctor.finding import Finding, Severity
from streams.rules.running import Worker
from streams.topics import TABLE, Role, group_id

_PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^;,\s]+)")
_LAG = 100_000


def group(cluster: Cluster, live: Mapping[str, Live], *, prefix: str) -> Iterator[Finding]:
    """The one consumer group: its members, and how far behind they are."""
    name = group_id(prefix)
    # Asking for its coordinator would fail on a cluster that has had no group at all.
    exists = name in cluster.group_ids()
    members = cluster.group_members(name) if exists else []
    committed = cluster.group_offsets([name])[name] if exists else {}
    inputs = [prefix + t.name for t in TABLE if t.role is Role.IN and prefix + t.name in live]
    partitions = [TopicPartition(t, n) for t in inputs for n in range(live[t].partitions)]
    ends = cluster.client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    behind = sum(max(0, ends[p].offset - committed[p].offset) for p in partitions if p in committed)
    if not members:
        yield Finding(
            Severity.NOTE,
            name,
            f"no worker is in the group, {behind} records wait",
            f"Start one: vigil run --brokers {cluster.brokers}",
        )
    elif behind > _LAG:
        yield Finding(
            Severity.WARNING,
            name,
            f"{len(members)} workers are {behind} records behind",
            "Look at vigil_lag_seconds on /metrics; if it grows, start more workers, up to one per"
            " partition",
        )


def versions(workers: Iterable[Worker]) -> Iterator[Finding]:
    """Workers in the group that run different versions, or another one than this machine."""
    said = {
        one.name: one.running.vigil or "an older one"
        for one in workers
        if one.alive and one.running is not None
    }
    if len(set(said.values())) > 1:
        each = ", ".join(f"{name} {version}" for name, version in said.items())
        yield Finding(
            Severity.WARNING,
            "workers",
            f"run different versions of Vigil: {each}",
            "Finish the upgrade, or the way back: docs/operations.md, 'Upgrading'",
        )
    elif others := set(said.values()) - {__version__}:
        yield Finding(
            Severity.NOTE,
            "this installation",
            f"is Vigil {__version__}, the workers run {', '.join(others)}",
            "Give commands with the workers' version: others may not read their state",
        )


def packages() -> Iterator[Finding]:
    """Libraries of another version than the one whose private hooks the engine overrides."""
    try:
        required = importlib.metadata.requires("vigil-streams") or []
    except importlib.metadata.PackageNotFoundError:
        return  # run from a source tree that isn't installed: nothing to compare with
    for line in required:
        pinned = _PINNED.match(line)
        if pinned is None or "extra ==" in line:
            continue
        installed = importlib.metadata.version(pinned[1])
        if installed != pinned[2]:
            yield Finding(
                Severity.PROBLEM,
                "this installation",
                f"{pinned[1]} is {installed}, the engine was written for {pinned[2]}",
                "Install from the hash-pinned list:"
                " pip install --require-hashes -r requirements.txt",
            )
