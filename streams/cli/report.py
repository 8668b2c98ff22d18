"""`vigil report`: reports to the authorities, from draft to what is filed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli import options, output
from streams.cli.ordering import Ordering, Said, by_a_person
from streams.cli.recorded import source, values
from streams.cli.report_filing import file_
from streams.cli.report_statements import notices, statements
from streams.cli.transparency import transparency

if TYPE_CHECKING:
    from streams.desk.reports import Reports
    from streams.reporting.report import Report

_COLUMNS = ("id", "status", "due_at", "account", "files", "viewed", "amended", "preserve_until")
_STATUSES = ("draft", "confirmed", "retracted")


@click.group()
def report() -> None:
    """Reports to the authorities: drafts, who confirmed them, and the documents to file.

    Vigil drafts one for each incident with known child sexual abuse material. A person confirms it;
    filing is the platform's act.

    \b
    vigil report list --brokers 127.0.0.1:9092
    vigil report show ID --brokers 127.0.0.1:9092
    vigil report confirm ID --reviewer rv-17 --reason reviewed --brokers 127.0.0.1:9092
    vigil report export ID --to reports/ --reporter reporter.toml --brokers 127.0.0.1:9092
    vigil report statements --brokers 127.0.0.1:9092 > statements.jsonl
    vigil report transparency --year 2026 --brokers 127.0.0.1:9092
    """


report.add_command(file_)
report.add_command(statements)
report.add_command(notices)
report.add_command(transparency)


@report.command("list")
@source
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES),
    help="Only these. May be repeated [default: draft and confirmed].",
)
@click.option("--all", "all_", is_flag=True, help="Also those that were retracted.")
@click.option("--account", metavar="ID", help="Only this account's.")
@options.json_
def list_(
    *,
    files: tuple[Path, ...],
    brokers: str | None,
    prefix: str,
    statuses: tuple[str, ...],
    all_: bool,
    account: str | None,
    json_: bool,
) -> None:
    """Reports as they stand: drafts first, in the order they are due.

    \b
    vigil report list --brokers 127.0.0.1:9092
    vigil replay day.jsonl | vigil report list --from - --json
    """
    wanted = () if all_ else statuses or _STATUSES[:2]
    found = _read(files, brokers, prefix).in_order(wanted, account)
    if not found and not json_:
        sys.stderr.write("There are no such reports.\n")
        return
    output.show([_row(one) for one in found], _COLUMNS, json_=json_)


@report.command()
@click.argument("id_", metavar="ID")
@source
def show(id_: str, *, files: tuple[Path, ...], brokers: str | None, prefix: str) -> None:
    """One report as it stands, as JSON; its id may be cut short.

    \b
    vigil report show b7kq --brokers 127.0.0.1:9092
    """
    from msgspec import to_builtins

    output.as_json(to_builtins(_read(files, brokers, prefix).get(id_)))


@report.command()
@click.argument("id_", metavar="ID")
@options.brokers
@options.prefix
@by_a_person
def confirm(*, id_: str, by: Ordering) -> None:
    """Say that a report is right and goes to the authorities. It changes no more after that.

    \b
    vigil report confirm b7kqz2m4x9 --reviewer rv-17 --reason reviewed --brokers 127.0.0.1:9092
    """
    _order("confirm", id_, by)


@report.command()
@click.argument("id_", metavar="ID")
@options.brokers
@options.prefix
@by_a_person
def retract(*, id_: str, by: Ordering) -> None:
    """Say that a report must not go to the authorities. It takes two people.

    Of a confirmed report: somebody else than who confirmed it. Of a draft: two who say so. What
    was filed already has to be retracted there too: vigil report file --retract.

    \b
    vigil report retract b7kqz2m4x9 --reviewer rv-18 --reason mistaken --brokers 127.0.0.1:9092
    """
    _order("retract", id_, by)


@report.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@source
@click.option(
    "--to",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write ID.xml and ID.json there instead of XML to stdout.",
)
@click.option(
    "--reporter",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file that says who reports.",
)
def export(
    *,
    ids: tuple[str, ...],
    files: tuple[Path, ...],
    brokers: str | None,
    prefix: str,
    directory: Path | None,
    reporter: Path | None,
) -> None:
    """The CyberTipline documents of confirmed reports (all, or those named), to be filed by hand.

    A draft can't be exported: confirm it first. References stay references; your vault resolves
    them.

    \b
    vigil report export --to reports/ --reporter reporter.toml --brokers 127.0.0.1:9092
    """
    from msgspec import json

    from streams.reporting.cybertip import Reporter, read_reporter, report_xml

    who = read_reporter(reporter) if reporter else Reporter()
    wanted = _confirmed(_read(files, brokers, prefix), ids)
    if len(wanted) != 1 and directory is None:
        raise click.UsageError(f"{len(wanted)} reports: name one, or a directory with --to")
    for one in wanted:
        document = report_xml(one.draft, who)
        if directory is None:
            sys.stdout.write(document.decode())
            continue
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{one.id}.xml").write_bytes(document)
        (directory / f"{one.id}.json").write_bytes(json.format(json.encode(one), indent=2) + b"\n")
        sys.stdout.write(f"{directory / one.id}.xml\n")


def _read(files: tuple[Path, ...], brokers: str | None, prefix: str) -> Reports:
    from streams.desk.reports import TOPIC, Reports

    return Reports(values(TOPIC, files, brokers, prefix))


def _confirmed(reports: Reports, ids: tuple[str, ...]) -> list[Report]:
    if not ids:
        return reports.in_order(("confirmed",))
    found = [reports.get(one) for one in ids]
    for one in found:
        if one.status != "confirmed":
            raise click.UsageError(f"report {one.id} is {one.status}, not confirmed")
    return found


def _order(kind: str, id_: str, by: Ordering) -> None:
    from streams.desk.reports import insist

    at = by.desk()
    found = _read((), by.brokers, by.prefix).get(id_)
    effect = insist(found, kind, by.reviewer)
    said = Said(at.about_report(kind, found), f"report {found.id} will be {effect}")
    by.carry_out([said])


def _row(one: Report) -> dict[str, Any]:
    from msgspec import to_builtins

    found = one.draft.files
    row: dict[str, Any] = to_builtins(one)
    row["files"] = len(found)
    row["viewed"] = sum(file.file_viewed_by_esp for file in found)
    row["amended"] = one.amended
    return row
