"""`vigil topics`: the topics of the one table, on a live cluster."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from streams.cli import exits, options, output

if TYPE_CHECKING:
    from streams.admin.acls import Comparison
    from streams.admin.rights import Right
    from streams.topics import Party


@click.group()
def topics() -> None:
    """Create, list and check the topics.

    \b
    vigil topics create --brokers 127.0.0.1:9092 --partitions 12
    vigil topics check  --brokers 127.0.0.1:9092
    vigil topics list                                   the table, no Kafka needed
    vigil topics acls                                   who may do what, no Kafka needed
    vigil topics repartition --brokers 127.0.0.1:9092 --partitions 24
    """


@topics.command()
@options.brokers
@options.prefix
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    help="Of every topic; can't be changed later [default: what exists, else 12].",
)
@click.option(
    "--replication",
    type=click.IntRange(-1, 100),
    default=-1,
    help="Replicas of every topic; -1: the cluster's default.",
)
def create(brokers: str, prefix: str, partitions: int | None, replication: int) -> int:
    """Make the topics that are missing; may be repeated.

    Returns when every partition has a leader. Topics that exist stay as they are; what differs
    from the table is told, with its remedy, and the exit code is 1.
    """
    from streams import admin

    connection = options.connection(brokers)
    made = admin.create(
        connection, prefix=prefix, partitions=partitions, replication=replication or -1
    )
    for name in made:
        sys.stdout.write(f"{name}\n")
    differences = admin.check(connection, prefix=prefix, partitions=partitions)
    for difference in differences:
        sys.stderr.write(f"{difference}\n")
    return exits.PROBLEMS if differences else exits.OK


@topics.command()
@options.brokers
@options.prefix
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    required=True,
    help="Of every topic, from now on.",
)
@click.option("--dry-run", is_flag=True, help="Only look whether it may begin.")
@options.json_
def repartition(
    brokers: str,
    prefix: str,
    partitions: int,
    dry_run: bool,  # noqa: FBT001 - click's way
    json_: bool,  # noqa: FBT001
) -> int:
    """Give every topic more partitions, and carry along what is remembered.

    \b
    vigil topics repartition --brokers kafka:9092 --partitions 24 --dry-run
    vigil topics repartition --brokers kafka:9092 --partitions 24

    Pause whoever writes signals, let the workers read to the end, and stop them first; it refuses to
    begin otherwise (exit code 1). If it is killed, run it again: until it is through, no worker
    starts. Twice as many partitions, or three times, move least. docs/operations.md has the steps.
    """
    import asyncio

    from streams import repartition as of_topics
    from streams.admin.cluster import open_cluster

    def tell(words: str) -> None:
        sys.stderr.write(f"{words}\n")

    connection = options.connection(brokers)
    if dry_run:
        with open_cluster(connection) as cluster:
            of_topics.look(cluster, prefix).insist(partitions)
        tell(f"Nobody works and nothing waits: it may begin, with {partitions} partitions.")
        return exits.OK
    moved = asyncio.run(of_topics.repartition(connection, partitions, prefix=prefix, tell=tell))
    counts: Counter[str] = Counter()
    for one in moved:
        counts[one.topic] += one.moved
    records = [
        {"topic": name, "partitions": partitions, "moved": count} for name, count in counts.items()
    ]
    output.show(records, ["topic", "partitions", "moved"], json_=json_)
    tell(f"All topics have {partitions} partitions: start the workers, then whoever writes.")
    return exits.OK


@topics.command("list")
@click.option("--brokers", metavar="H:P", help="Ask this Kafka, too.")
@options.prefix
@options.json_
def list_(brokers: str | None, prefix: str, json_: bool) -> int:  # noqa: FBT001 - click's way
    """Show the table: who writes what, its key, and how long Kafka keeps it."""
    from streams.topics import TABLE

    live = {}
    if brokers:
        from streams.admin.cluster import open_cluster

        with open_cluster(options.connection(brokers)) as cluster:
            live = cluster.topics()
    records = []
    for topic in TABLE:
        name = prefix + topic.name
        days = int(topic.config.get("retention.ms", 0)) // 86_400_000
        records.append(
            {
                "topic": name,
                "role": topic.role.value,
                "key": topic.key,
                "writer": topic.writer.value,
                "keeps": "last of each key" if topic.compacted else f"{days} days",
                "partitions": (live[name].partitions if name in live else 0) if brokers else None,
                "about": topic.about,
            }
        )
    shown = ["topic", "role", "key", "writer", "keeps", "about"]
    output.show(records, shown + (["partitions"] if brokers else []), json_=json_)
    return exits.OK


@topics.command()
@options.brokers
@options.prefix
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    help="The number every topic must have [default: what most have].",
)
@options.json_
def check(brokers: str, prefix: str, partitions: int | None, json_: bool) -> int:  # noqa: FBT001
    """Compare a live cluster with the table; exit code 1 names every difference and its remedy."""
    from dataclasses import asdict

    from streams import admin

    differences = admin.check(options.connection(brokers), prefix=prefix, partitions=partitions)
    if json_:
        output.as_json([asdict(difference) for difference in differences])
    elif differences:
        for difference in differences:
            sys.stdout.write(f"{difference}\n")
    else:
        sys.stderr.write("All topics are as the table says.\n")
    return exits.PROBLEMS if differences else exits.OK


@topics.command()
@click.option("--brokers", metavar="H:P", help="Kafka's bootstrap servers, host:port[,…].")
@options.prefix
@options.principals
@click.option("--check", is_flag=True, help="Compare a live cluster: what is missing or too much.")
@click.option("--apply", is_flag=True, help="Add what is missing. Takes nothing away.")
@click.option("--commands", is_flag=True, help="As kafka-acls.sh commands.")
@options.json_
def acls(
    brokers: str | None,
    prefix: str,
    principals: dict[Party, str],
    check: bool,  # noqa: FBT001 - click's way
    apply: bool,  # noqa: FBT001
    commands: bool,  # noqa: FBT001
    json_: bool,  # noqa: FBT001
) -> int:
    """Show the least rights each party needs, or put them into force.

    \b
    vigil topics acls                                   who may do what, and why
    vigil topics acls --commands > grant.sh             the same for kafka-acls.sh
    vigil topics acls --apply --brokers kafka:9093      add what is missing
    vigil topics acls --check --brokers kafka:9093      does the cluster still agree?
    vigil topics acls --principal workers=User:CN=vigil,O=Example

    --check and --apply need a principal that may Describe and Alter the cluster. With --check only
    what is missing is shown. Exit code 1: a right is missing (--check), or somebody may do with a
    topic, group or transactional id of Vigil what nobody of Vigil's needs; each with its remedy.
    """
    from streams.admin import acls as live
    from streams.admin import rights

    if not (check or apply):
        _show_rights(rights.needed(prefix), principals, brokers, commands=commands, json_=json_)
        return exits.OK

    from streams.admin.cluster import open_cluster

    with open_cluster(options.connection(brokers or "")) as cluster:
        found = (live.grant if apply else live.compare)(cluster, principals, prefix)
    _show_rights(found.missing, principals, brokers, commands=commands, json_=json_, live=found)
    for excess in found.excess:
        sys.stderr.write(f"{excess}\n")
    if not found.missing:
        sys.stderr.write("No right is missing.\n")
    elif apply:
        sys.stderr.write(f"Added {len(found.missing)} rights.\n")
    wrong = found.excess or (found.missing and not apply)
    return exits.PROBLEMS if wrong else exits.OK


def _show_rights(
    found: Sequence[Right],
    principals: Mapping[Party, str],
    brokers: str | None,
    *,
    commands: bool,
    json_: bool,
    live: Comparison | None = None,
) -> None:
    from dataclasses import asdict

    from streams.admin import rights

    if commands:
        for line in rights.commands(found, principals, brokers or "localhost:9092"):
            sys.stdout.write(f"{line}\n")
        return
    records = [
        {"party": right.party, "principal": principals[right.party], "may": right.operation,
         "on": right.kind, "name": right.name, "pattern": right.pattern, "why": right.why}
        for right in found
    ]  # fmt: skip
    if json_ and live is not None:
        excess = [asdict(one) | {"remedy": one.remedy} for one in live.excess]
        output.as_json({"missing": records, "excess": excess})
    elif json_:
        output.as_json(records)
    elif records:
        columns = ["party", "principal", "may", "on", "names", "why"]
        output.show(_gathered(records), columns, json_=False)


def _gathered(records: Sequence[Mapping[str, str]]) -> list[Mapping[str, object]]:
    """One row for all names a party may do the same with, for the same reason."""
    names: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        of = tuple(record[column] for column in ("party", "principal", "may", "on", "why"))
        every = "…" if record["pattern"] == "prefixed" else ""
        names.setdefault(of, []).append(record["name"] + every)
    return [
        {"party": party, "principal": principal, "may": may, "on": on, "names": found, "why": why}
        for (party, principal, may, on, why), found in names.items()
    ]
