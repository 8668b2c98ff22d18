"""The least right each party needs, derived from the table of topics.

Kafka has no "only": a topic has one writer because nobody else was granted the right, on a cluster
whose authorizer refuses what was not granted. Read and Write include Describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote
from types import MappingProxyType

from streams.topics import TABLE, Party, Role, group_id, transactional_id, worker_group

CLUSTER_NAME = "kafka-cluster"
"""Kafka's own name for the cluster as a thing to have rights on."""

PRINCIPALS: Mapping[Party, str] = MappingProxyType(
    {party: f"User:vigil-{party.value}" for party in Party}
)
"""Whom the parties log in as, unless told otherwise. With TLS client certificates a principal is
the certificate's name: ``User:CN=vigil-workers,O=Example``."""

READING_GROUPS = (Party.ENFORCERS, Party.REPORTERS, Party.REVIEWERS)
"""Those that follow topics with programs of their own, in consumer groups that begin with their name."""


class Kind(StrEnum):
    """What a right is on, as kafka-acls.sh names it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"
    CLUSTER = "cluster"


class Operation(StrEnum):
    """What may be done, as kafka-acls.sh names it."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    IDEMPOTENT_WRITE = "IdempotentWrite"


@dataclass(frozen=True, slots=True)
class Right:
    """One party may do one thing on one resource; `prefixed`: on all whose names begin so."""

    party: Party
    operation: Operation
    kind: Kind
    name: str
    why: str
    prefixed: bool = False

    @property
    def pattern(self) -> str:
        """How Kafka matches the name."""
        return "prefixed" if self.prefixed else "literal"


def needed(prefix: str = "") -> list[Right]:
    """Everything the parties need, in the order of `Party`, topics first."""
    rights = [*_topics(prefix), *_groups(prefix), *_rest(prefix)]
    order = list(Party)
    return sorted(rights, key=lambda right: order.index(right.party))


def _topics(prefix: str) -> Iterator[Right]:
    for topic in TABLE:
        name = prefix + topic.name

        def on(party: Party, operation: Operation, why: str, name: str = name) -> Right:
            return Right(party, operation, Kind.TOPIC, name, why)

        yield on(topic.writer, Operation.WRITE, "its only writer")
        if topic.role is not Role.OUT:
            yield on(Party.WORKERS, Operation.READ, "works on it")
        for reader in topic.readers:
            yield on(reader, Operation.READ, "follows it")
        # Each start compares the topics with the table; so does `vigil topics check`.
        yield on(Party.WORKERS, Operation.DESCRIBE_CONFIGS, "insists on its settings at start")
        if Party.WATCHERS not in topic.readers:
            yield on(Party.WATCHERS, Operation.DESCRIBE, "vigil doctor, vigil topics check")
        yield on(Party.WATCHERS, Operation.DESCRIBE_CONFIGS, "vigil doctor, vigil topics check")
    # What a worker says it runs stands beside an offset of this topic.
    yield Right(
        Party.PUBLISHERS,
        Operation.DESCRIBE,
        Kind.TOPIC,
        f"{prefix}accounts-state",
        "vigil rules status",
    )


def _groups(prefix: str) -> Iterator[Right]:
    all_workers, each_worker = group_id(prefix), worker_group("", prefix)
    for party, operation, why in (
        (Party.WORKERS, Operation.READ, "shares the work, and signs for its name"),
        (Party.PUBLISHERS, Operation.DESCRIBE, "vigil rules status"),
        (Party.WATCHERS, Operation.DESCRIBE, "vigil doctor, lag"),
    ):
        yield Right(party, operation, Kind.GROUP, all_workers, why)
        yield Right(party, operation, Kind.GROUP, each_worker, why, prefixed=True)
    for party in READING_GROUPS:
        name = f"{prefix}{party.value}"
        why = "its own consumer groups"
        yield Right(party, Operation.READ, Kind.GROUP, name, why, prefixed=True)


def _rest(prefix: str) -> Iterator[Right]:
    for agent in (topic.name.removesuffix("-state") for topic in TABLE if topic.role is Role.STATE):
        yield Right(
            Party.WORKERS,
            Operation.WRITE,
            Kind.TRANSACTIONAL_ID,
            transactional_id(agent, 0, prefix).removesuffix("0"),
            f"checkpoints of the {agent} agent",
            prefixed=True,
        )
    for party in sorted({topic.writer for topic in TABLE}):
        # Newer brokers take the right to write any topic for it.
        why = "idempotent producers on brokers before Kafka 2.8"
        yield Right(party, Operation.IDEMPOTENT_WRITE, Kind.CLUSTER, CLUSTER_NAME, why)
    why = "vigil doctor looks at the brokers' settings"
    yield Right(Party.WATCHERS, Operation.DESCRIBE_CONFIGS, Kind.CLUSTER, CLUSTER_NAME, why)


def commands(rights: Iterable[Right], principals: Mapping[Party, str], brokers: str) -> list[str]:
    """The kafka-acls.sh commands that grant rights, one for each party and resource."""
    operations: dict[tuple[Party, Kind, str, bool], list[Operation]] = {}
    for right in rights:
        of = (right.party, right.kind, right.name, right.prefixed)
        operations.setdefault(of, []).append(right.operation)
    lines = []
    for (party, kind, name, prefixed), wanted in operations.items():
        on = "--cluster" if kind is Kind.CLUSTER else f"--{kind.value} {quote(name)}"
        pattern = " --resource-pattern-type prefixed" if prefixed else ""
        may = " ".join(f"--operation {operation.value}" for operation in wanted)
        lines.append(
            f"kafka-acls.sh --bootstrap-server {brokers} --command-config admin.properties --add"
            f" --allow-principal {quote(principals[party])} {may} {on}{pattern}"
        )
    return lines
