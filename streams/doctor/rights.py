"""Whether each party may do what it needs, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kafka.errors import KafkaError

from streams.admin import acls
from streams.admin.cluster import Cluster
from streams.admin.rights import Right
from streams.doctor.finding import Finding, Severity
from streams.topics import Party

_NAMED = 3
"""Missing rights that are named; `vigil topics acls --check` lists all."""


def look(
    cluster: Cluster, principals: Mapping[Party, str], *, prefix: str = ""
) -> Iterator[Finding]:
    """A live cluster's ACLs against the rights the parties need."""
    try:
        found = acls.compare(cluster, principals, prefix)
    except acls.NoAuthorizer:
        # Where nobody even logs in, it is meant to be open: a trial, a developer's machine.
        open_to_all = cluster.connection.get("security_protocol", "PLAINTEXT") == "PLAINTEXT"
        yield Finding(
            Severity.NOTE if open_to_all else Severity.WARNING,
            "brokers",
            "check no ACLs: whoever reaches them may write a hit and get an account suspended",
            "Set authorizer.class.name, then: vigil topics acls --apply (docs/deploy.md)",
        )
        return
    except KafkaError as error:
        yield Finding(
            Severity.NOTE,
            "brokers",
            f"their ACLs can't be read ({type(error).__name__})",
            "Grant Describe on the cluster, or have the administrator run"
            " vigil topics acls --check",
        )
        return
    missing: dict[Party, list[Right]] = {}
    for right in found.missing:
        missing.setdefault(right.party, []).append(right)
    for party, rights in missing.items():
        named = [f"{right.operation} on {right.kind} {right.name}" for right in rights]
        if len(named) > _NAMED:
            named = [*named[:_NAMED], f"{len(named) - _NAMED} more"]
        yield Finding(
            Severity.PROBLEM if party is Party.WORKERS else Severity.WARNING,
            principals[party],
            f"may not do what {party} need: {', '.join(named)}",
            "Have the administrator run: vigil topics acls --apply"
            + (f" --prefix {prefix}" if prefix else ""),
        )
    for excess in found.excess:
        yield Finding(
            Severity.WARNING,
            excess.principal,
            f"may {excess.operation} on {excess.kind} {excess.name} ({excess.pattern}), which nobody"
            " of Vigil's needs",
            f"If it isn't yours to keep, run: {excess.remedy}",
        )
