"""`vigil export`: what leaves a platform, as counts that tell of nobody, or as shared signals."""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli import exits, options, output, progress

if TYPE_CHECKING:
    from streams.recording import Recording
    from streams.research.aggregate import Count, Counting

_MOST_EPSILON = 10


class _Epsilon(click.ParamType):
    """A decimal, kept as it was written: no rounding stands between it and what is promised."""

    name = "E"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        try:
            epsilon = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            epsilon = Fraction(0)
        if not 0 < epsilon <= _MOST_EPSILON:
            self.fail(f"{value!r} is no number above 0, up to {_MOST_EPSILON}", param, ctx)
        return epsilon


@click.command("export")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE...",
)
@click.option("--aggregate", is_flag=True, help="Counts of accounts, private or k-anonymous.")
@click.option("--epsilon", type=_Epsilon(), help="Differentially private: the budget of this run.")
@click.option("--most", type=click.IntRange(1, 100), default=4, show_default=True, metavar="N",
              help="With --epsilon: cells an account counts in at most.")  # fmt: skip
@click.option("--least", type=click.IntRange(2), metavar="K",
              help="k-anonymous: cells of fewer accounts are left out.")  # fmt: skip
@options.schema
@options.json_
def export(
    *,
    files: tuple[Path, ...],
    aggregate: bool,
    epsilon: Fraction | None,
    most: int,
    least: int | None,
    schema: Path | None,
    json_: bool,
) -> int:
    """Write what may leave the platform.

    FILEs are recordings of the input topics, of the output topics, or both. --aggregate counts
    accounts by what they did, what was found, and what was done; it writes CSV, or JSON, and says in
    it what was promised. The budget is that of one run: of several over the same people it adds up.

    \b
    vigil export --aggregate --epsilon 0.5 day.jsonl.zst > counts.csv
    vigil export --aggregate --least 20 day.jsonl decisions.jsonl --json
    """
    if not aggregate:
        raise click.UsageError("what? --aggregate")
    if (epsilon is None) == (least is None):
        raise click.UsageError(
            "name one: --epsilon E (differentially private), or --least K (k-anonymous)"
        )
    from streams.research.aggregate import anonymous, private

    counting = _count(files, schema)
    if epsilon is not None:
        counts = list(private(counting, epsilon, most, random.SystemRandom()))
    else:
        assert least is not None
        counts = [one for one in anonymous(counting, least) if one.accounts is not None]
    statement = _statement(epsilon, most, least)
    if json_:
        rows = [{"topic": one.cell[0], **one.named, "accounts": one.accounts} for one in counts]
        output.as_json({"statement": statement, "counts": rows})
    else:
        _as_csv(statement, counts)
    return exits.OK


def _count(files: tuple[Path, ...], schema: Path | None) -> Counting:
    from streams.recording import STDIN, Recording, Told
    from streams.research.aggregate import TOPICS, Counting
    from streams.signals import Schema
    from streams.topics import TABLE

    counting = Counting(Schema.load(schema))
    ignored = frozenset(topic.name for topic in TABLE) - frozenset(TOPICS)
    recordings = [Recording(path, TOPICS, ignored=ignored) for path in files]
    size = sum(path.stat().st_size for path in files if path != STDIN)
    with progress.of_bytes("counting", size) as advance:
        told = Told(recordings, advance)
        for batch in _batches(recordings):
            counting.add(batch)
            told()
    return counting


def _batches(recordings: list[Recording]) -> Iterator[list[Any]]:
    for recording in recordings:
        yield from recording.batches()


def _statement(epsilon: Fraction | None, most: int, least: int | None) -> dict[str, Any]:
    if epsilon is None:
        return {
            "method": "k-anonymity",
            "unit": "accounts",
            "k": least,
            "meaning": f"exact numbers of accounts; cells of fewer than {least} are left out, also "
            "empty ones; there are no totals",
        }
    return {
        "method": "differential privacy",
        "unit": "accounts",
        "epsilon": float(epsilon),
        "delta": 0,
        "mechanism": "two-sided geometric",
        "cells_per_account": most,
        "scale": float(most / epsilon),
        "meaning": "for one account more or less, over all cells together; an account counts once in "
        f"a cell and in {most} cells at most; numbers may be negative",
    }


def _as_csv(statement: dict[str, Any], counts: list[Count]) -> None:
    from streams.research.aggregate import DIMENSIONS

    for name, value in statement.items():
        sys.stdout.write(f"# {name}: {value}\n")
    columns = list(dict.fromkeys(name for names in DIMENSIONS.values() for name in names))
    rows = csv.DictWriter(
        sys.stdout, ("topic", *columns, "accounts"), restval="", lineterminator="\n"
    )
    rows.writeheader()
    for one in counts:
        rows.writerow({"topic": one.cell[0], **one.named, "accounts": one.accounts})
