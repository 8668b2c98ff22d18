"""`vigil adapt`: what other tools say into Vigil, what Vigil decides to other tools."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
import msgspec

from streams.adapters import files
from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.making import Given
from streams.adapters.pseudonyms import Pseudonyms, read_key
from streams.adapters.table import ADAPTERS, In, Out
from streams.cli import exits, options, output
from streams.signals import Refused, Schema

KEY = "VIGIL_ADAPT_KEY"
_STANDARD = "-"


@click.command()
@click.argument("name", required=False, type=click.Choice(list(ADAPTERS)), metavar="NAME")
@click.option("--list", "list_", is_flag=True, help="The adapters, a line each.")
@click.option("--from", "source", default=_STANDARD, metavar="FILE", help="Lines to read [-].")
@click.option("--to", "target", default=_STANDARD, metavar="FILE", help="Where lines go [-].")
@click.option(
    "--dictionary",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What their words mean here: policies, labels, banks, actions (TOML).",
)
@options.schema
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The key that makes pseudonyms of ids, at least 16 bytes [or {KEY}].",
)
@click.option(
    "--replace-ids",
    is_flag=True,
    help="Replace every id, also those shaped like pseudonyms: for platforms whose ids are names.",
)
@options.json_
def adapt(
    *,
    name: str | None,
    list_: bool,
    source: str,
    target: str,
    dictionary: Path | None,
    schema: Path | None,
    key_file: Path | None,
    replace_ids: bool,
    json_: bool,
) -> int:
    """Run one adapter, from lines to lines.

    What comes in are foreign records, one JSON document a line; what is written are lines for vigil
    replay. What goes out is read as vigil replay and vigil tap write it. A record that can't be
    read is named on stderr by its line, never shown; the others go on, and the exit code is 1.

    \b
    vigil adapt --list
    vigil adapt osprey-results --from results.jsonl --dictionary words.toml | vigil replay -
    vigil replay day.jsonl | vigil adapt ocsf-findings --to findings.jsonl
    """
    if list_:
        rows = [{"name": one.name, "way": one.way, "about": one.about} for one in ADAPTERS.values()]
        output.show(rows, ("name", "way", "about"), json_=json_)
        return exits.OK
    if name is None:
        raise click.UsageError("name an adapter; vigil adapt --list shows them")
    known = Schema.load(schema)
    words = Dictionary() if dictionary is None else Dictionary.load(dictionary, known)
    adapter = ADAPTERS[name]
    count = files.Count()

    def tell(number: int, refused: Refused) -> None:
        click.echo(f"vigil adapt: {_named(source)}:{number}: {refused}", err=True)

    with _reading(source) as lines:
        if isinstance(adapter, In):
            key = read_key(os.environ.get(KEY), key_file, what=f"set {KEY} or give --key-file")
            door = Door(
                adapter.adapt, Given(Pseudonyms(key, replace_all=replace_ids), words, known)
            )
            entering = files.come_in(lines, door, lambda: int(time.time() * 1000), count, tell)
            _write(target, entering)
        else:
            _write(target, _bodies(lines, adapter, words, count, tell))
    click.echo(f"{name}: {count}", err=True)
    return exits.PROBLEMS if count.refused else exits.OK


def _bodies(
    lines: Iterable[bytes],
    adapter: Out,
    words: Dictionary,
    count: files.Count,
    tell: files.Tell,
) -> Iterator[bytes]:
    for leaving in files.go_out(lines, adapter, words, count, tell):
        yield msgspec.json.encode(leaving.body) + b"\n"


def _named(source: str) -> str:
    return "standard input" if source == _STANDARD else source


@contextmanager
def _reading(source: str) -> Iterator[IO[bytes]]:
    if source == _STANDARD:
        yield sys.stdin.buffer
        return
    path = Path(source)
    if not path.is_file():
        raise click.UsageError(f"--from {source}: no such file")
    with path.open("rb") as file:
        yield file


def _write(target: str, lines: Iterable[bytes]) -> None:
    if target == _STANDARD:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return
    with Path(target).open("wb") as file:
        file.writelines(lines)
