"""`vigil backtest`: two rule sets against one recording."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from streams.cli import exits, options, output, progress

if TYPE_CHECKING:
    from streams.workbench.backtest.comparison import Comparison
    from streams.workbench.backtest.gate import Gate

_BYTES_WORTH_A_PROCESS = 16 << 20
"""Starting one takes about as long as reading so much of a recording."""


@click.command("backtest")
@click.argument(
    "files",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[FILE]...",
)
@click.option("--rules", multiple=True, required=True, metavar="NEW",
              help="The new rules: a directory, or the word catalogue. May be repeated.")  # fmt: skip
@click.option("--against", multiple=True, default=("catalogue",), show_default=True, metavar="OLD",
              help="The rules they are held against.")  # fmt: skip
@options.schema
@click.option("--gate", type=click.Path(dir_okay=False, path_type=Path),
              help="TOML file of what the new rules must satisfy.")  # fmt: skip
@click.option("--brokers", metavar="H:P",
              help="Take what the input topics of this Kafka hold by now, instead of FILEs.")  # fmt: skip
@options.prefix
@options.since
@options.jobs
@options.json_
@click.pass_context
def backtest(
    context: click.Context,
    *,
    files: tuple[Path, ...],
    rules: tuple[str, ...],
    against: tuple[str, ...],
    schema: Path | None,
    gate: Path | None,
    brokers: str | None,
    prefix: str,
    since: int | None,
    jobs: int | None,
    json_: bool,
) -> int:
    """Run two rule sets over a recording: what would be found, done, and looked at instead.

    \b
    vigil backtest --rules my-rules/ day.jsonl.zst
    vigil backtest --rules my-rules/ --against yesterday/ day1.jsonl.zst day2.jsonl.zst
    vigil backtest --rules my-rules/ day.jsonl --gate gate.toml --json | jq .gate
    vigil backtest --rules my-rules/ --brokers 127.0.0.1:9092 --since 2026-11-01T00:00Z

    FILEs are JSON lines, as replay reads them; records of Vigil's own outputs among them are
    passed over. Reviews in the recording that speak of a decision tell how many of a pattern's
    finds were right. Exit code 1: the gate is not satisfied.
    """
    from streams.workbench.backtest.gate import Gate, read_gate

    if files:  # then a VIGIL_BROKERS in the environment is not meant
        if context.get_parameter_source("brokers") is ParameterSource.COMMANDLINE or since:
            raise click.UsageError("--brokers and --since are for topics, without FILEs")
    elif not brokers:
        raise click.UsageError("name a recording, or --brokers to take what the topics hold")
    options.insist_on_rules((*rules, *against))
    bounds = read_gate(gate) if gate else Gate()
    if files:
        comparison = _compare(against, rules, schema, files, jobs)
    else:
        with TemporaryDirectory(prefix="vigil-backtest-") as directory:
            path = Path(directory) / "inputs.jsonl.zst"
            _record(options.connection(brokers or ""), prefix, since, path)
            comparison = _compare(against, rules, schema, (path,), jobs)
    return _tell(comparison, bounds, json_=json_)


def _compare(
    old: tuple[str, ...],
    new: tuple[str, ...],
    schema: Path | None,
    files: tuple[Path, ...],
    jobs: int | None,
) -> Comparison:
    from streams.workbench.backtest.comparison import compare
    from streams.workbench.backtest.passes import DECISIONS
    from streams.workbench.backtest.shards import Task

    size = sum(path.stat().st_size for path in files)
    processes = jobs or max(1, min(options.cores(), size // _BYTES_WORTH_A_PROCESS))
    with progress.of_bytes("running both", size * (processes + DECISIONS)) as advance:
        return compare(Task(old, new, schema, files), processes, advance)


def _record(connection: dict[str, Any], prefix: str, since: int | None, path: Path) -> None:
    from streams.workbench.backtest.topics import InputTopics

    async def read() -> int:
        async with InputTopics(connection, prefix=prefix, since_ms=since or 0) as topics:
            with progress.of("reading topics", topics.total, "records") as advance:
                return await topics.record(path, advance)

    written = asyncio.run(read())
    sys.stderr.write(f"{written:,} records read from the input topics\n")


def _tell(comparison: Comparison, bounds: Gate, *, json_: bool) -> int:
    from streams.workbench.backtest import show
    from streams.workbench.backtest.advice import advice

    broken = bounds.broken(comparison)
    sentences = advice(comparison)
    if json_:
        output.as_json(show.for_programs(comparison, sentences, broken))
    else:
        output.for_people(lambda width: show.for_people(comparison, sentences, width))
    for sentence in broken:
        sys.stderr.write(f"gate: {sentence}\n")
    return exits.PROBLEMS if broken else exits.OK
