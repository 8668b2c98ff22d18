"""`vigil export`: what leaves a platform, as counts that tell of nobody, or as shared signals."""

from __future__ import annotations

import csv
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from streams.cli import exits, options, output, progress
from streams.recording import STDIN, Record, Recording, Told
from streams.signals import Schema
from streams.topics import TABLE

if TYPE_CHECKING:
    from streams.research.aggregate import Count

SHARE_KEY = "VIGIL_SHARE_KEY"

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
@click.option("--signals", is_flag=True, help="Opinions of accounts for a partner, as JSON lines.")
@click.option("--category", "categories", multiple=True, metavar="NAME",
              help="With --signals: what it is shared for. May be repeated; nothing is by default.")  # fmt: skip
@click.option("--unreviewed", is_flag=True,
              help="With --signals: also what nobody has looked at yet.")  # fmt: skip
@click.option("--key-file", type=click.Path(dir_okay=False, path_type=Path),
              help=f"With --signals: the key shared with this partner [or {SHARE_KEY}].")  # fmt: skip
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
    signals: bool,
    categories: tuple[str, ...],
    unreviewed: bool,
    key_file: Path | None,
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

    --signals writes what a partner may know: per account and category whether reviewers upheld what
    was done (positive_class) or it was taken back (negative_class); with --unreviewed also where
    nobody has looked yet (investigation_seed). Accounts have pseudonyms made for this partner alone; there is nothing else in
    it but a day. Read it with vigil import.

    \b
    vigil export --aggregate --epsilon 0.5 day.jsonl.zst > counts.csv
    vigil export --aggregate --least 20 day.jsonl decisions.jsonl --json
    vigil export --signals --category csam --key-file partner.key day.jsonl decisions.jsonl
    """
    if aggregate == signals:
        raise click.UsageError("name one: --aggregate or --signals")
    known = Schema.load(schema)
    if signals:
        _signals(files, known, categories, key_file, unreviewed=unreviewed)
        return exits.OK
    if (epsilon is None) == (least is None):
        raise click.UsageError(
            "name one: --epsilon E (differentially private), or --least K (k-anonymous)"
        )
    _aggregate(files, known, epsilon, most, least, json_=json_)
    return exits.OK


def _signals(
    files: tuple[Path, ...],
    known: Schema,
    categories: tuple[str, ...],
    key_file: Path | None,
    *,
    unreviewed: bool,
) -> None:
    from streams.adapters.pseudonyms import Pseudonyms, read_key
    from streams.sharing.outgoing import TOPICS, Opinions
    from streams.sharing.shared import SEED

    declared = known.fields("moderation-hits")["category"].values or ()
    unknown = [one for one in categories if one not in declared]
    if unknown or not categories:
        what = f"no category {unknown[0]!r}" if unknown else "shared for what? --category"
        raise click.UsageError(f"{what}; there are {', '.join(declared)}")
    key = read_key(os.environ.get(SHARE_KEY), key_file, what=f"set {SHARE_KEY} or give --key-file")
    opinions = Opinions(known, categories)
    for batch in _batches(files, TOPICS, "reading"):
        opinions.add(batch)
    count = Counter[str]()
    for signal in opinions.told(Pseudonyms(key, replace_all=True)):
        if signal.opinion == SEED and not unreviewed:
            continue
        count[signal.opinion] += 1
        sys.stdout.buffer.write(msgspec.json.encode(signal) + b"\n")
    sys.stdout.buffer.flush()
    said = ", ".join(f"{number} {opinion}" for opinion, number in sorted(count.items()))
    click.echo(f"told of {count.total()} accounts and categories: {said or 'none'}", err=True)


def _aggregate(
    files: tuple[Path, ...],
    known: Schema,
    epsilon: Fraction | None,
    most: int,
    least: int | None,
    *,
    json_: bool,
) -> None:
    from streams.research.aggregate import TOPICS, Counting, anonymous, private

    counting = Counting(known)
    for batch in _batches(files, TOPICS, "counting"):
        counting.add(batch)
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


def _batches(files: tuple[Path, ...], topics: tuple[str, ...], what: str) -> Iterator[list[Record]]:
    """The records of some topics; what else Vigil reads and writes is left out."""
    ignored = frozenset(topic.name for topic in TABLE) - frozenset(topics)
    recordings = [Recording(path, topics, ignored=ignored) for path in files]
    size = sum(path.stat().st_size for path in files if path != STDIN)
    with progress.of_bytes(what, size) as advance:
        told = Told(recordings, advance)
        for recording in recordings:
            for batch in recording.batches():
                yield batch
                told()


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
        f"a cell, and in {most} cells, drawn at random, if it is in more; numbers may be negative",
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
