"""`vigil import`: what a partner says of accounts that are also here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.files import Count
from streams.adapters.making import Given
from streams.adapters.pseudonyms import Pseudonyms, read_key
from streams.adapters.table import In
from streams.agents.accounts import INPUTS
from streams.cli import adapting, exits, options, progress
from streams.cli.adapting import STANDARD
from streams.cli.export import SHARE_KEY
from streams.recording import Recording, Told
from streams.sharing.incoming import incoming, known
from streams.signals import Schema
from streams.topics import TABLE

_PARTNER = re.compile(r"[a-z0-9-]{1,16}")


@click.command("import")
@click.argument("source", default=STANDARD, metavar="[FILE]")
@click.option("--partner", required=True, metavar="NAME",
              help="Who says it: up to 16 of a-z, 0-9 and -. It stands in the ids of the hits.")  # fmt: skip
@click.option("--accounts", "ours", multiple=True, required=True, metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A recording of input topics: its accounts are those known here. May be repeated.")  # fmt: skip
@click.option("--key-file", type=click.Path(dir_okay=False, path_type=Path),
              help=f"The key shared with this partner [or {SHARE_KEY}].")  # fmt: skip
@click.option("--out", default=STANDARD, metavar="FILE", help="Where the lines go [-].")
@options.schema
@click.option("--brokers", metavar="H:P",
              help="FILE is a topic of this Kafka: on to the input topics, until stopped. Must stand "
              "on the command line.")  # fmt: skip
@options.prefix
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S",
              help="With --brokers: stop when nothing came for S seconds.")  # fmt: skip
@click.pass_context
def import_(
    context: click.Context,
    *,
    source: str,
    partner: str,
    ours: tuple[Path, ...],
    key_file: Path | None,
    out: str,
    schema: Path | None,
    brokers: str | None,
    prefix: str,
    timeout: float | None,
) -> int:
    """Turn a partner's signals (vigil export --signals) into input records, lines for vigil replay.

    \b
    vigil import theirs.jsonl --partner acme --key-file acme.key --accounts day.jsonl
    vigil import theirs.jsonl --partner acme --accounts day.jsonl | vigil replay day.jsonl -
    vigil import acme.signals --partner acme --accounts week.jsonl.zst --brokers 127.0.0.1:9092

    What it says of accounts that aren't here is dropped. The rest are suspicions with a low score:
    reported harm to a child is looked at, but nobody is punished on a partner's word. A line that
    can't be read is named on stderr, never shown; then the exit code is 1.
    """
    if not _PARTNER.fullmatch(partner):
        raise click.UsageError(f"--partner {partner}: up to 16 of a-z, 0-9 and - only")
    if context.get_parameter_source("brokers") is not ParameterSource.COMMANDLINE:
        brokers = None
    if brokers and (source == STANDARD or out != STANDARD):
        raise click.UsageError("with --brokers name the partner's topic, and no --out")
    schema_ = Schema.load(schema)
    key = read_key(os.environ.get(SHARE_KEY), key_file, what=f"set {SHARE_KEY} or give --key-file")
    pseudonyms = Pseudonyms(key)
    adapt = incoming(partner, known(_accounts(ours), pseudonyms))
    count = Count()
    door = Door(adapt, Given(pseudonyms, Dictionary(), schema_))
    if brokers:
        adapter = In(f"import.{partner}", "", adapt)
        connection = options.connection(brokers)
        ends = adapting.ends_of(adapter, connection, prefix, None, source=source, target=out)
        adapting.topics_in(ends, door, count, timeout)
    else:
        adapting.lines_in(source, out, door, count)
    click.echo(f"{partner}: {count}", err=True)
    return exits.PROBLEMS if count.refused else exits.OK


def _accounts(files: tuple[Path, ...]) -> Iterator[str]:
    ignored = frozenset(topic.name for topic in TABLE) - frozenset(INPUTS)
    recordings = [Recording(path, INPUTS, ignored=ignored) for path in files]
    seen: set[str] = set()
    with progress.of_bytes("accounts", sum(one.size for one in recordings)) as advance:
        told = Told(recordings, advance)
        for recording in recordings:
            for batch in recording.batches():
                fresh = {key.decode() for _, key, _, _ in batch if key is not None} - seen
                seen |= fresh
                yield from fresh
                told()
