"""`vigil kafka`: the embedded single-node Kafka."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.cli import exits, options, output

F = TypeVar("F", bound=Callable[..., Any])


def _dir(command: F) -> F:
    return click.option(
        "--dir",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where its data live [default: .build/kafka/data in a source tree].",
    )(command)


@click.group()
def kafka() -> None:
    """A real single-node Kafka on 127.0.0.1, for demo, tests and development.

    \b
    brokers=$(vigil kafka start)
    vigil topics create --brokers $brokers
    vigil kafka stop

    Not for production: one node, no replicas, no authentication. Needs Java 17; Maven fetches the
    jars the first time.
    """


@kafka.command()
@_dir
@click.option("--port", type=click.IntRange(1, 65535), help="[default: the last one, or any free]")
def start(directory: Path | None, port: int | None) -> int:
    """Start it in the background; prints its address once topics can be made.

    If it runs already, only prints the address. Starting again after a crash works, data survive.
    """
    from streams.embedded import EmbeddedKafka

    sys.stdout.write(EmbeddedKafka(directory, port=port).start() + "\n")
    return exits.OK


@kafka.command()
@_dir
def stop(directory: Path | None) -> int:
    """Stop it; data stay. Nothing running is fine, too."""
    from streams.embedded import EmbeddedKafka

    stopped = EmbeddedKafka(directory).stop()
    sys.stderr.write("Kafka stopped.\n" if stopped else "No Kafka was running here.\n")
    return exits.OK


@kafka.command()
@_dir
@options.json_
def status(directory: Path | None, json_: bool) -> int:  # noqa: FBT001 - click's way
    """Whether it runs, where it answers; exit code 1 when it doesn't run."""
    from streams.embedded import EmbeddedKafka

    node = EmbeddedKafka(directory).status()
    record = {
        "running": node.running,
        "address": node.address,
        "pid": node.pid,
        "dir": str(node.directory),
    }
    if json_:
        output.as_json(record)
    else:
        output.as_table(["running", "address", "pid", "dir"], [list(record.values())])
    return exits.OK if node.running else exits.PROBLEMS
