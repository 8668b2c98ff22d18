"""What Vigil said on one topic: from recordings, or all that Kafka holds by now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.cli import options

F = TypeVar("F", bound=Callable[..., Any])


def source(command: F) -> F:
    """`--from` (repeated, passed as `files`), or `--brokers` and `--prefix`; read with `values`."""
    from_ = click.option(
        "--from",
        "files",
        multiple=True,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        help="Recording that holds Vigil's records, as replay or tap writes them, instead of"
        " Kafka. May be repeated; - is standard input.",
    )
    brokers = click.option(
        "--brokers", metavar="H:P", help="Kafka's bootstrap servers, host:port[,…]."
    )
    return from_(brokers(options.prefix(command)))


def values(topic: str, files: Sequence[Path], brokers: str | None, prefix: str) -> list[Any]:
    """The JSON values of a topic's records (logical name), in their order within a key.

    Raises `click.UsageError` if no source is named, and as reading does.
    """
    if files:
        return _from_files(topic, files)
    if not brokers:
        raise click.UsageError("name where to read from: --brokers, or --from FILE")
    return asyncio.run(_from_kafka(topic, brokers, prefix))


def _from_files(topic: str, files: Sequence[Path]) -> list[Any]:
    from msgspec import json

    from streams.recording import Recording, by_time
    from streams.topics import BY_NAME

    others = set(BY_NAME) - {topic}
    recordings = [Recording(path, (topic,), ignored=others) for path in files]
    return [json.decode(value) for _, _, value, _ in by_time(recordings) if value is not None]


async def _from_kafka(topic: str, brokers: str, prefix: str) -> list[Any]:
    from streams.tap.follow import Follower

    connection = options.connection(brokers)
    async with Follower(connection, (topic,), prefix=prefix, since_ms=0) as follower:
        return [record.value async for record in follower.whole()]
