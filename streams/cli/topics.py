"""`vigil topics`: the topics of the one table, on a live cluster."""

from __future__ import annotations

import sys

import click

from streams.cli import exits, options, output


@click.group()
def topics() -> None:
    """Create, list and check the topics.

    \b
    vigil topics create --brokers 127.0.0.1:9092 --partitions 12
    vigil topics check  --brokers 127.0.0.1:9092
    vigil topics list                                   the table, no Kafka needed
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
                "writer": topic.writer,
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
