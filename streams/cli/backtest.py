"""`vigil backtest`: two rule sets against one recording."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streams.cli import exits, options, output, progress

_BYTES_WORTH_A_PROCESS = 16 << 20
"""Starting one takes about as long as reading so much of a recording."""


@click.command("backtest")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option("--rules", multiple=True, required=True, metavar="NEW",
              help="The new rules: a directory, or the word catalogue. May be repeated.")  # fmt: skip
@click.option("--against", multiple=True, default=("catalogue",), show_default=True, metavar="OLD",
              help="The rules they are held against.")  # fmt: skip
@options.schema
@click.option("--gate", type=click.Path(dir_okay=False, path_type=Path),
              help="TOML file of what the new rules must satisfy.")  # fmt: skip
@options.jobs
@options.json_
def backtest(
    files: tuple[Path, ...],
    rules: tuple[str, ...],
    against: tuple[str, ...],
    schema: Path | None,
    gate: Path | None,
    jobs: int | None,
    json_: bool,  # noqa: FBT001 - click passes flags by name
) -> int:
    """Run two rule sets over a recording: what would be found, done, and looked at instead.

    \b
    vigil backtest --rules my-rules/ day.jsonl.zst
    vigil backtest --rules my-rules/ --against yesterday/ day1.jsonl.zst day2.jsonl.zst
    vigil backtest --rules my-rules/ day.jsonl --gate gate.toml --json | jq .gate

    FILEs are JSON lines, as replay reads them; records of Vigil's own outputs among them are
    passed over. Reviews in the recording that speak of a decision tell how many of a pattern's
    finds were right. Exit code 1: the gate is not satisfied.
    """
    from streams.workbench.backtest import show
    from streams.workbench.backtest.advice import advice
    from streams.workbench.backtest.comparison import compare
    from streams.workbench.backtest.gate import Gate, read_gate
    from streams.workbench.backtest.shards import Task

    options.insist_on_rules((*rules, *against))
    bounds = read_gate(gate) if gate else Gate()
    task = Task(against, rules, schema, files)
    size = sum(path.stat().st_size for path in files)
    processes = jobs or max(1, min(options.cores(), size // _BYTES_WORTH_A_PROCESS))
    with progress.of_bytes("reading", size * processes) as advance:
        comparison = compare(task, processes, advance)
    broken = bounds.broken(comparison)
    sentences = advice(comparison)
    if json_:
        output.as_json(show.for_programs(comparison, sentences, broken))
    else:
        output.for_people(lambda width: show.for_people(comparison, sentences, width))
    for sentence in broken:
        sys.stderr.write(f"gate: {sentence}\n")
    return exits.PROBLEMS if broken else exits.OK
