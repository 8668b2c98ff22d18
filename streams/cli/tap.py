"""`vigil tap`: follow what Vigil decides, as it is committed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import click
from msgspec import json

from streams.cli import options
from streams.tap.follow import OUTPUTS, Committed, Follower, Wanted
from streams.tap.show import redacted


@click.command()
@click.argument("topics", nargs=-1, type=click.Choice(OUTPUTS), metavar="[TOPIC]...")
@options.brokers
@options.prefix
@click.option("--from-beginning", is_flag=True, help="Everything the topics still hold.")
@options.since
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option("--pattern", metavar="P", help="Only this pattern's: its id, or part of its title.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, also on a terminal.")
@click.option("--max", "most", type=click.IntRange(1), metavar="N", help="Stop after N records.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Stop when nothing was committed for S seconds; without it, on Ctrl-C.",
)
def tap(
    *,
    topics: tuple[str, ...],
    brokers: str,
    prefix: str,
    from_beginning: bool,
    since: int | None,
    account: str | None,
    pattern: str | None,
    as_json: bool,
    most: int | None,
    timeout: float | None,
) -> None:
    """Follow output topics (default: detections and enforcement) as they are committed.

    One line per record on a terminal, JSON lines elsewhere. Reads committed records only, joins no
    group and commits nothing.

    \b
    vigil tap --brokers 127.0.0.1:9092
    vigil tap detections --brokers 127.0.0.1:9092 --from-beginning --json | jq .value.title
    """
    if from_beginning and since:
        raise click.UsageError("--from-beginning and --since exclude each other: name one")
    for_people = sys.stdout.isatty() and not as_json
    asyncio.run(
        _follow(
            Follower(
                options.connection(brokers),
                topics or ("detections", "enforcement"),
                prefix=prefix,
                since_ms=0 if from_beginning else since,
            ),
            Wanted(account, pattern),
            _show_line() if for_people else _show_json,
            most=most,
            idle_s=timeout,
        )
    )


async def _follow(
    follower: Follower,
    wanted: Wanted,
    show: Callable[[Committed], None],
    *,
    most: int | None,
    idle_s: float | None,
) -> None:
    shown = 0
    async with follower:
        async for record in follower.records(idle_s):
            if wanted(record.value):
                show(record)
                shown += 1
                if shown == most:
                    return


def _show_json(record: Committed) -> None:
    value = redacted(record.topic, record.value)
    line = {"topic": record.topic, "key": record.key, "value": value, "ts": record.ts}
    sys.stdout.write(json.encode(line).decode() + "\n")
    sys.stdout.flush()


def _show_line() -> Callable[[Committed], None]:
    from rich.console import Console

    from streams.tap.show import line

    console = Console(highlight=False)
    return lambda record: console.print(line(record.topic, record.value), soft_wrap=True)
