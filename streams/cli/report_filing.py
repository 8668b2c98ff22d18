"""`vigil report file`: file confirmed reports with the CyberTipline."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from streams.cli import exits
from streams.cli.recorded import source, values

if TYPE_CHECKING:
    from streams.filing.filer import Filer
    from streams.filing.wire import Credentials
    from streams.reporting.report import Report

_USERNAME, _PASSWORD = "VIGIL_CYBERTIP_USERNAME", "VIGIL_CYBERTIP_PASSWORD"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@click.command("file")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@source
@click.option("--url", required=True, metavar="URL",
              help="The reporting API's base address. There is no default.")  # fmt: skip
@click.option("--credentials", metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help=f"TOML file with username and password [default: {_USERNAME} and"
              f" {_PASSWORD}].")  # fmt: skip
@click.option("--journal", required=True, metavar="FILE",
              type=click.Path(dir_okay=False, path_type=Path),
              help="Remembers what was filed. Keep it: without it reports are filed twice.")  # fmt: skip
@click.option("--media", metavar="DIR",
              type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Your vault's files, named by their content references.")  # fmt: skip
@click.option("--without-media", is_flag=True, help="File without files.")
@click.option("--reporter", metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="TOML file that says who reports.")  # fmt: skip
@click.option("--retract", is_flag=True,
              help="Take back those named that Vigil says are retracted.")  # fmt: skip
@click.option("--anew", is_flag=True,
              help="Of those named, file what was about to be finished and is not there.")  # fmt: skip
def file_(
    *,
    ids: tuple[str, ...],
    files: tuple[Path, ...],
    brokers: str | None,
    prefix: str,
    url: str,
    credentials: Path | None,
    journal: Path,
    media: Path | None,
    without_media: bool,
    reporter: Path | None,
    retract: bool,
    anew: bool,
) -> int:
    """File confirmed reports (all, or those named), each once, however often this is run.

    One line per report on stdout. What is filed already is not sent again.

    \b
    vigil report file --url https://exttest.cybertip.org/ispws --journal filed.jsonl \\
        --media vault/ --reporter reporter.toml --brokers 127.0.0.1:9092
    """
    from streams.desk.reports import TOPIC, Reports
    from streams.filing.filer import Filer
    from streams.filing.journal import Journal
    from streams.filing.wire import Wire
    from streams.reporting.cybertip import Reporter, read_reporter

    _insist(url)
    if (media is None) == (not without_media) and not retract:
        raise click.UsageError("name --media DIR, or say --without-media")
    if (retract or anew) and not ids:
        raise click.UsageError("name the reports --retract or --anew is about")
    secret = _credentials(credentials)
    who = read_reporter(reporter) if reporter else Reporter()
    status = "retracted" if retract else "confirmed"
    reports = Reports(values(TOPIC, files, brokers, prefix))
    wanted = [reports.get(one) for one in ids] if ids else reports.in_order((status,))
    for one in wanted:
        if one.status != status:
            raise click.UsageError(f"report {one.id} is {one.status}, not {status}")

    async def work() -> int:
        async with Wire(url, secret) as wire:
            filer = Filer(wire, book, who, media, asyncio.sleep)
            return await _each(filer, wanted, retract=retract, anew=anew)

    with Journal(journal) as book:
        return asyncio.run(work())


async def _each(filer: Filer, reports: list[Report], *, retract: bool, anew: bool) -> int:
    from streams.filing.wire import FilingError, Refused

    failed = 0
    for one in reports:
        try:
            number = await (filer.retract(one) if retract else filer.file(one, anew=anew))
        except FilingError as error:
            failed += 1
            sys.stderr.write(f"report {one.id}: {error}\n")
            if isinstance(error, Refused) and error.access:
                break  # it would be said of each
        else:
            done = "retracted" if retract else "filed"
            sys.stdout.write(f"{one.id}\t{done if number else 'never filed'}\t{number or '-'}\n")
            sys.stdout.flush()
    return exits.PROBLEMS if failed else exits.OK


def _insist(url: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.username:
        raise click.BadParameter(
            "must be https (or http to this machine), without credentials in it", param_hint="--url"
        )


def _credentials(path: Path | None) -> Credentials:
    import tomllib

    from streams.filing.wire import Credentials

    if path is None:
        found = {"username": os.environ.get(_USERNAME), "password": os.environ.get(_PASSWORD)}
        where = f"set {_USERNAME} and {_PASSWORD}, or name --credentials FILE"
    else:
        where = f"{path} must hold username and password, each a text"
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            raise click.UsageError(where) from None  # what the reader says may quote it
    username, password = found.get("username"), found.get("password")
    if not (isinstance(username, str) and username and isinstance(password, str) and password):
        raise click.UsageError(where)
    return Credentials(username, password)
