"""One bounded connection to a cluster, and what it says of topics."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiokafka.errors
from kafka import TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec

from streams.admin import login, tls
from streams.admin.explanation import denied, explain
from streams.logs import muted

CONNECT_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 15.0
COORDINATOR_TIMEOUT_S = 10.0
_POLL_S = 0.1

_NOT_YET = (
    errors.CoordinatorLoadInProgressError,
    errors.CoordinatorNotAvailableError,
    errors.NotCoordinatorError,
)

T = TypeVar("T")


class KafkaUnreachable(Exception):
    """No broker answered as it should within the time: says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Live:
    """A topic as the cluster has it; `leaderless` are partition numbers without a leader."""

    name: str
    partitions: int
    replication: int
    leaderless: tuple[int, ...]


class Cluster:
    """What `open_cluster` gives: the few questions Vigil asks of a cluster."""

    def __init__(self, client: Any, connection: Mapping[str, Any]) -> None:
        self.client = client
        self.connection = connection
        self.brokers = str(connection["bootstrap_servers"])

    def topics(self) -> dict[str, Live]:
        """All topics by full name, as one broker sees them now."""
        names = self.client.list_topics()
        # Asking for names that exist: a cluster that makes topics on demand would make others.
        described = self.client.describe_topics(names) if names else []
        return {
            topic["name"]: Live(
                name=topic["name"],
                partitions=len(topic["partitions"]),
                replication=len(topic["partitions"][0]["replica_nodes"]),
                leaderless=tuple(
                    partition["partition_index"]
                    for partition in topic["partitions"]
                    if partition["leader_id"] < 0
                ),
            )
            for topic in described
            if topic["error_code"] == 0 and topic["partitions"]
        }

    def denied(self, names: Iterable[str]) -> set[str]:
        """Those of `names` the principal may not even look at: `topics` leaves them out."""
        return {
            topic["name"]
            for topic in self.client.describe_topics(list(names))
            if topic["error_code"] == errors.TopicAuthorizationFailedError.errno
        }

    def insist_on_leaders(self, partitions: Mapping[str, int]) -> None:
        """Return when every partition of these topics (name: count) is led in deed.

        A broker may know who leads a new partition a moment before it does lead it; until then
        producers fail. Asking for offsets asks the leader itself, again until it answers.
        """
        self.client.list_partition_offsets(
            {
                TopicPartition(name, number): OffsetSpec.LATEST
                for name, count in partitions.items()
                for number in range(count)
            }
        )

    def configs(self, names: Collection[str]) -> dict[str, Mapping[str, str]]:
        """Every setting of the topics `names`, defaults included. Raises `KafkaUnreachable`."""
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not wanted:
            return {}
        found = self.client.describe_configs(wanted, config_filter="all")["topic"]
        # Without the right to see them they come back empty, with no error.
        if empty := [name for name in names if not found.get(name)]:
            raise KafkaUnreachable(denied(f"the settings of {', '.join(empty)}", self.connection))
        return {
            name: {key: entry["value"] for key, entry in entries.items()}
            for name, entries in found.items()
        }

    def group_ids(self) -> set[str]:
        """The ids of all groups."""
        return {group["group_id"] for group in self._of_groups(self.client.list_groups)}

    def group_members(self, group: str) -> list[Mapping[str, Any]]:
        """The members of a group that exists, as the broker describes them."""

        def describe() -> list[Mapping[str, Any]]:
            described = self.client.describe_groups([group])[group]
            if described["error"]:
                raise errors.CoordinatorNotAvailableError(described["error"])
            return described["members"] or []

        return self._of_groups(describe)

    def group_offsets(self, groups: Collection[str]) -> dict[str, Mapping[TopicPartition, Any]]:
        """What groups that exist have committed: group → partition → offset with its metadata."""
        if not groups:
            return {}
        return self._of_groups(lambda: self.client.list_group_offsets(list(groups)))

    @staticmethod
    def _of_groups(ask: Callable[[], T]) -> T:
        """Ask about groups, again while a coordinator is on its way up (after a start, a failover)."""
        deadline = time.monotonic() + COORDINATOR_TIMEOUT_S
        while True:
            try:
                return ask()
            except _NOT_YET:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)

    def broker_configs(self) -> dict[str, Mapping[str, str]]:
        """Every setting of each broker, by its id."""
        ids = [str(broker["broker_id"]) for broker in self.client.describe_cluster()["brokers"]]
        wanted = [ConfigResource(ConfigResourceType.BROKER, broker) for broker in ids]
        found = self.client.describe_configs(wanted, config_filter="all")
        return {
            name: {key: entry["value"] for key, entry in entries.items()}
            for name, entries in found["broker"].items()
        }


@contextlib.contextmanager
def open_cluster(
    connection: Mapping[str, Any], *, timeout_s: float = CONNECT_TIMEOUT_S
) -> Iterator[Cluster]:
    """Connect with `Settings.connection()`; raises `KafkaUnreachable`, also for what fails inside.

    A refused authorisation and a broker that stops answering are `KafkaUnreachable` too: Kafka
    can't be used, whatever the reason.
    """
    client = None
    try:
        # Our one error line is enough; the clients would log each attempt to connect.
        with muted("kafka", "aiokafka"):
            # First, since the client would try until its time is up, and then not say why.
            if (fault := tls.fault(connection)) is not None:
                raise KafkaUnreachable(fault)
            if (refusal := login.refusal(connection)) is not None:
                raise refusal
            client = KafkaAdminClient(
                **connection,
                bootstrap_timeout_ms=int(timeout_s * 1000),
                request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
                client_id="vigil-admin",
            )
            yield Cluster(client, connection)
    except (errors.KafkaError, aiokafka.errors.KafkaError, OSError) as error:
        raise KafkaUnreachable(explain(error, connection, timeout_s=timeout_s)) from None
    finally:
        if client is not None:
            client.close()
