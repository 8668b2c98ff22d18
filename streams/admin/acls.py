"""A live cluster's ACLs against the rights the parties need.

`compare` finds what is missing and what is too much, `grant` adds what is missing. What is too much
is told and never taken away: it may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from kafka import errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.admin.cluster import Cluster, KafkaUnreachable
from streams.admin.rights import Kind, Operation, Right, needed
from streams.topics import Party

_ANY_NAME, _ANY_HOST = "*", "*"


class NoAuthorizer(KafkaUnreachable):
    """The brokers check no ACLs at all."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A live grant on something of ours that nobody of ours needs."""

    principal: str
    operation: str
    kind: str
    name: str
    pattern: str
    host: str

    @property
    def remedy(self) -> str:
        """The command that takes it away."""
        return (
            f"kafka-acls.sh --remove --force --allow-principal {quote(self.principal)}"
            f" --allow-host {quote(self.host)} --operation {self.operation}"
            f" --{self.kind} {quote(self.name)} --resource-pattern-type {self.pattern}"
        )

    def __str__(self) -> str:
        return (
            f"{self.principal} may {self.operation} on {self.kind} {self.name} ({self.pattern})"
            f" and need not. If it isn't yours to keep, run: {self.remedy}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A live cluster against what is needed."""

    missing: tuple[Right, ...]
    excess: tuple[Excess, ...]


def compare(cluster: Cluster, principals: Mapping[Party, str], prefix: str = "") -> Comparison:
    """A live cluster against what is needed. Raises `NoAuthorizer`, and `KafkaError` if it may not."""
    live = _live(cluster)
    rights = needed(prefix)
    wanted = {acl_of(right, principals[right.party]) for right in rights}
    missing = tuple(r for r in rights if acl_of(r, principals[r.party]) not in live)
    # The cluster itself is everybody's.
    ours = {(r.kind, r.name, r.prefixed) for r in rights if r.kind is not Kind.CLUSTER}
    excess = [
        _excess(acl)
        for acl in live
        if acl not in wanted
        and acl.permission_type is ACLPermissionType.ALLOW
        and any(_touches(acl.resource_pattern, *one) for one in ours)
    ]
    return Comparison(missing, tuple(sorted(excess, key=str)))


def grant(cluster: Cluster, principals: Mapping[Party, str], prefix: str = "") -> Comparison:
    """Add what is missing; returns how it was found. May be repeated. Raises `KafkaUnreachable`."""
    found = compare(cluster, principals, prefix)
    acls = [acl_of(right, principals[right.party]) for right in found.missing]
    failed = cluster.client.create_acls(acls)["failed"] if acls else []
    if failed:
        raise KafkaUnreachable(
            f"Kafka at {cluster.brokers} would not add {len(failed)} of {len(acls)} ACLs"
            f" ({failed[0].__name__}): whoever adds them needs Alter on the cluster"
        )
    return found


def _live(cluster: Cluster) -> set[ACL]:
    everything = ACLFilter(
        principal=None,
        host=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    try:
        acls, _ = cluster.client.describe_acls(everything)
    except errors.SecurityDisabledError:
        raise NoAuthorizer(
            f"Kafka at {cluster.brokers} checks no ACLs, so that whoever reaches it may write"
            " everything: set authorizer.class.name="
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer on the brokers"
        ) from None
    return set(acls)


_KINDS = {
    Kind.TOPIC: ResourceType.TOPIC,
    Kind.GROUP: ResourceType.GROUP,
    Kind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
    Kind.CLUSTER: ResourceType.CLUSTER,
}
_OPERATIONS = {
    Operation.READ: ACLOperation.READ,
    Operation.WRITE: ACLOperation.WRITE,
    Operation.DESCRIBE: ACLOperation.DESCRIBE,
    Operation.DESCRIBE_CONFIGS: ACLOperation.DESCRIBE_CONFIGS,
    Operation.IDEMPOTENT_WRITE: ACLOperation.IDEMPOTENT_WRITE,
}


def acl_of(right: Right, principal: str) -> ACL:
    """A right of a principal, as Kafka's clients write it."""
    pattern = ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL
    return ACL(
        principal=principal,
        host=_ANY_HOST,
        operation=_OPERATIONS[right.operation],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(_KINDS[right.kind], right.name, pattern),
    )


def _touches(live: ResourcePattern, kind: Kind, name: str, prefixed: bool) -> bool:  # noqa: FBT001
    """Whether a live pattern and one of ours have a name in common."""
    if live.resource_type is not _KINDS[kind]:
        return False
    theirs = str(live.resource_name)
    if live.pattern_type is ACLResourcePatternType.PREFIXED:
        return name.startswith(theirs) or (prefixed and theirs.startswith(name))
    return theirs in (_ANY_NAME, name) or (prefixed and theirs.startswith(name))


def _excess(acl: ACL) -> Excess:
    pattern = acl.resource_pattern
    return Excess(
        principal=acl.principal,
        operation=_camel(acl.operation.name),
        kind=pattern.resource_type.name.lower().replace("_", "-"),
        name=pattern.resource_name,
        pattern=pattern.pattern_type.name.lower(),
        host=acl.host,
    )


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
