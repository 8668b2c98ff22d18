"""`vigil adapt`: what other tools say into Vigil, what Vigil decides to other tools."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from streams.adapters.dictionary import Dictionary
from streams.adapters.files import Count
from streams.adapters.table import ADAPTERS, In
from streams.cli import adapting, exits, options, output
from streams.cli.adapting import KEY, SECRET, STANDARD, WEB
from streams.signals import Schema


@click.command()
@click.argument("name", required=False, type=click.Choice(list(ADAPTERS)), metavar="NAME")
@click.option("--list", "list_", is_flag=True, help="The adapters, a line each.")
@click.option(
    "--from",
    "source",
    default=STANDARD,
    metavar="FILE",
    help="Lines to read [-]; with --brokers the foreign topic.",
)
@click.option(
    "--to", "target", default=STANDARD, metavar="FILE",
    help="Where lines go [-]; with --brokers the foreign topic; what goes out may go to a URL.",
)  # fmt: skip
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
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"What signs a webhook, as it is or whsec_ and base64 [or {SECRET}].",
)
@click.option(
    "--header-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="More headers for a webhook, a line 'Name: value' each: keys of an API.",
)
@click.option("--tries", type=click.IntRange(1), default=8, show_default=True,
              help="How often a webhook is tried before its dead letter.")  # fmt: skip
@click.option(
    "--brokers",
    metavar="H:P",
    help="Work on topics of this Kafka, until stopped. Must stand on the command line.",
)
@options.prefix
@click.option("--group", metavar="NAME", help="Read as this group [{prefix}vigil.adapt.NAME].")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="With --brokers: stop when nothing came for S seconds.",
)
@options.json_
@click.pass_context
def adapt(
    context: click.Context,
    *,
    name: str | None,
    list_: bool,
    source: str,
    target: str,
    dictionary: Path | None,
    schema: Path | None,
    key_file: Path | None,
    replace_ids: bool,
    secret_file: Path | None,
    header_file: Path | None,
    tries: int,
    brokers: str | None,
    prefix: str,
    group: str | None,
    timeout: float | None,
    json_: bool,
) -> int:
    """Run one adapter, from lines to lines, or from topic to topic.

    What comes in are foreign records, one JSON document a line; what is written are lines for vigil
    replay. What goes out is read as vigil replay and vigil tap write it. With --brokers an adapter
    reads the foreign topic and writes the input topics, or reads the output topics and writes a
    foreign one. A record that can't be read is named on stderr by its place, never shown, and counted
    (on topics also a dead letter); the others go on, and the exit code is 1.

    \b
    vigil adapt --list
    vigil adapt osprey-results --from results.jsonl --dictionary words.toml | vigil replay -
    vigil replay day.jsonl | vigil adapt ocsf-findings --to findings.jsonl
    vigil adapt ozone-events --brokers 127.0.0.1:9092 --from ozone.events
    vigil adapt webhook --brokers 127.0.0.1:9092 --to https://ops.example/vigil
    """
    if list_:
        rows = [{"name": one.name, "way": one.way, "about": one.about} for one in ADAPTERS.values()]
        output.show(rows, ("name", "way", "about"), json_=json_)
        return exits.OK
    if name is None:
        raise click.UsageError("name an adapter; vigil adapt --list shows them")
    if context.get_parameter_source("brokers") is not ParameterSource.COMMANDLINE:
        brokers = None
    known = Schema.load(schema)
    words = Dictionary() if dictionary is None else Dictionary.load(dictionary, known)
    adapter, count = ADAPTERS[name], Count()
    ends = None
    if brokers is not None:
        ends = adapting.ends_of(
            adapter, options.connection(brokers), prefix, group, source=source, target=target
        )
    if isinstance(adapter, In):
        door = adapting.door_of(adapter, known, words, key_file, replace_all=replace_ids)
        if ends is not None:
            adapting.topics_in(ends, door, count, timeout)
        else:
            adapting.lines_in(source, target, door, count)
    else:
        webhook = None
        if target.startswith(WEB):
            webhook = adapting.webhook_of(target, secret_file, header_file, tries)
        if ends is not None:
            adapting.topics_out(ends, adapter, words, webhook, count, timeout)
        else:
            adapting.lines_out(source, target, adapter, words, webhook, count)
    click.echo(f"{name}: {count}", err=True)
    return exits.PROBLEMS if count.refused else exits.OK
