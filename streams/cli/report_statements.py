"""`vigil report statements` and `notices`: what is said about each decision, to whom."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli import exits, options
from streams.cli.recorded import source, values

if TYPE_CHECKING:
    from streams.records import Enforcement


@click.command()
@source
@options.since
def statements(
    *, files: tuple[Path, ...], brokers: str | None, prefix: str, since: int | None
) -> int:
    """Statements of reasons for the DSA transparency database, one JSON line per decision.

    Of each decision that restricts something because of what somebody did. A statement that the
    database would refuse is not written; it is told of, and the exit code is 1.

    \b
    vigil report statements --from day.jsonl > statements.jsonl
    vigil report statements --brokers 127.0.0.1:9092 --since 2026-11-01T00:00Z | head -100
    """
    from msgspec import json

    from streams.reporting.statement_rules import problems
    from streams.reporting.statements import statement_of

    refused = 0
    for record in _decisions(files, brokers, prefix, since):
        statement = statement_of(record)
        if statement is None:
            continue
        found = problems(statement)
        if found:
            refused += 1
            sys.stderr.write(f"decision {record.id}: {'; '.join(found)}\n")
        else:
            sys.stdout.write(json.encode(statement).decode() + "\n")
    return exits.PROBLEMS if refused else exits.OK


@click.command()
@source
@options.since
@click.option("--language", default="en", show_default=True, metavar="CODE",
              help="en, nl, or that of your own --templates.")  # fmt: skip
@click.option("--templates", metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Texts of your own, with the keys of the shipped ones.")  # fmt: skip
def notices(
    *,
    files: tuple[Path, ...],
    brokers: str | None,
    prefix: str,
    since: int | None,
    language: str,
    templates: Path | None,
) -> None:
    """What the persons concerned are told, one JSON line per decision.

    Account, decision, subject and text; the text names nobody. Of what is preserved nobody is told.

    \b
    vigil report notices --from day.jsonl --language nl
    vigil report notices --from day.jsonl --language de --templates de.toml
    """
    from msgspec import json

    from streams.reporting.notices import LANGUAGES, notice_of, read_templates, shipped

    if templates is None and language not in LANGUAGES:
        raise click.UsageError(f"shipped are {', '.join(LANGUAGES)}; of others name --templates")
    texts = read_templates(templates) if templates else shipped(language)
    for record in _decisions(files, brokers, prefix, since):
        notice = notice_of(record, language, texts)
        if notice is not None:
            line = {"account": record.account, "end_user": record.end_user, **notice._asdict()}
            sys.stdout.write(json.encode(line).decode() + "\n")


def _decisions(
    files: tuple[Path, ...], brokers: str | None, prefix: str, since: int | None
) -> Iterator[Enforcement]:
    from msgspec import convert

    from streams.records import Enforcement
    from streams.signals.times import parse_ms

    for value in values("enforcement", files, brokers, prefix):
        record = convert(value, Enforcement)
        if parse_ms(record.at) >= (since or 0):
            yield record
