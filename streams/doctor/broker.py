"""Whether the brokers can do what the engine asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kafka.errors import KafkaError

from streams.admin.cluster import Cluster
from streams.doctor.finding import Finding, Severity

OLDEST = (2, 5)
"""Transactions fenced by producer epoch across sessions (KIP-360) came with Kafka 2.5."""

_TRANSACTION_TIMEOUT_MS = 10_000


def look(cluster: Cluster, *, session_timeout_s: float) -> Iterator[Finding]:
    """Version and settings of every broker."""
    try:
        configs = cluster.broker_configs()
    except KafkaError as error:
        yield Finding(
            Severity.NOTE,
            "brokers",
            f"their settings can't be read ({type(error).__name__})",
            "Grant DescribeConfigs on the cluster to check them",
        )
        return
    yield from old(cluster.client.get_broker_version_data(int(min(configs))).broker_version)
    for broker, config in configs.items():
        yield from _settings(f"broker {broker}", config, len(configs), session_timeout_s)


def old(version: Sequence[int]) -> Iterator[Finding]:
    """A broker of this version that is too old."""
    if tuple(version) < OLDEST:
        yield Finding(
            Severity.PROBLEM,
            "brokers",
            f"speak Kafka {'.'.join(map(str, version))}",
            f"Upgrade to {'.'.join(map(str, OLDEST))} or newer: older ones don't fence a"
            " restarted worker's transactions",
        )


def _settings(
    broker: str, config: Mapping[str, str], brokers: int, session_timeout_s: float
) -> Iterator[Finding]:
    session_ms = int(session_timeout_s * 1000)
    lowest, highest = (
        int(config.get("group.min.session.timeout.ms", session_ms)),
        int(config.get("group.max.session.timeout.ms", session_ms)),
    )
    if not lowest <= session_ms <= highest:
        yield Finding(
            Severity.PROBLEM,
            broker,
            f"allows session timeouts of {lowest} to {highest} ms, the workers want {session_ms}",
            "Set group.min.session.timeout.ms there, or VIGIL_SESSION_TIMEOUT_S for the workers",
        )
    if int(config.get("transaction.max.timeout.ms", _TRANSACTION_TIMEOUT_MS)) < (
        _TRANSACTION_TIMEOUT_MS
    ):
        yield Finding(
            Severity.PROBLEM,
            broker,
            "allows no transactions of 10 s",
            f"Set transaction.max.timeout.ms to {_TRANSACTION_TIMEOUT_MS} or more",
        )
    if config.get("auto.create.topics.enable") == "true":
        yield Finding(
            Severity.WARNING,
            broker,
            "makes topics on demand, so that a mistyped name swallows signals",
            "Set auto.create.topics.enable=false",
        )
    replicas = int(config.get("transaction.state.log.replication.factor", 1))
    if replicas < min(brokers, 3):
        yield Finding(
            Severity.WARNING,
            broker,
            f"keeps {replicas} copies of the transaction log, with {brokers} brokers",
            "Reassign __transaction_state to 3 replicas: without it no checkpoint can commit",
        )
