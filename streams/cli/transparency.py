"""`vigil report transparency`: what was found, done and overturned, and how long it took."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from streams.cli import options, progress

if TYPE_CHECKING:
    from streams.reporting.transparency.report import Report
    from streams.reporting.transparency.tally import Period, Record
    from streams.signals import Schema

_FORMATS = {".md": "markdown", ".csv": "csv", ".json": "json", ".html": "html"}
# As in streams.reporting.transparency, which --help doesn't import.
_LEAST_K, _DEFAULT_K, _MOST_K = 3, 5, 1000


class _Moment(click.ParamType):
    """A day, its midnight in UTC, or a time: ms since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from streams.signals.times import parse_ms

        try:
            if value.isdigit():
                return parse_ms(int(value))
            return parse_ms(value if "T" in value.upper() else f"{value}T00:00:00Z")
        except ValueError:
            self.fail(f"{value!r} is no day (2026-01-31) or time (RFC 3339, epoch ms)", param, ctx)


@click.command()
@click.argument(
    "files", nargs=-1, metavar="[FILE]...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--from", "start", type=_Moment(), metavar="TIME", help="First day, or time (UTC).")
@click.option("--to", "end", type=_Moment(), metavar="TIME", help="Up to, not included.")
@click.option("--year", type=click.IntRange(1970, 9998), help="That year, instead of both.")
@click.option(
    "--k", type=click.IntRange(_LEAST_K, _MOST_K), default=_DEFAULT_K, show_default=True,
    help="What is about fewer accounts is withheld.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice([*_FORMATS.values()]),
    help="[default: by the name of --out, else markdown]",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-",
    help="Where it goes [default: stdout].",
)  # fmt: skip
@options.schema
@click.option("--brokers", metavar="H:P", help="Read the topics of this Kafka, instead of FILEs.")
@options.prefix
@click.option("--json", "json_", is_flag=True, help="The same as --format json.")
@click.pass_context
def transparency(
    context: click.Context,
    *,
    files: tuple[Path, ...],
    start: int | None,
    end: int | None,
    year: int | None,
    k: int,
    form: str | None,
    out: Path,
    schema: Path | None,
    brokers: str | None,
    prefix: str,
    json_: bool,
) -> None:
    """Figures of a period to publish: by harm and stage, with small ones withheld.

    \b
    vigil report transparency --from 2026-01-01 --to 2026-02-01 day.jsonl decided.jsonl
    vigil report transparency --year 2026 --out report.html inputs.jsonl.zst decided.jsonl.zst
    vigil report transparency --from 2026-01-01 --to 2026-02-01 --brokers 127.0.0.1:9092

    FILEs are recordings of inputs and of what was decided about them, in any order; other topics
    among them are passed over. Topics forget: hits and reviews after 45 days, detections after 90.
    What a period needs and isn't there is told at the end of the report.
    """
    from streams.signals import Schema

    period = _period(start, end, year)
    form = "json" if json_ else form or _FORMATS.get(out.suffix, "markdown")
    known = Schema.load(schema)
    if files:  # then a VIGIL_BROKERS in the environment is not meant
        if context.get_parameter_source("brokers") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--brokers is for topics, without FILEs")
        report = _of_files(files, known, period, k)
    elif brokers:
        with TemporaryDirectory(prefix="vigil-transparency-") as directory:
            path = Path(directory) / "records.jsonl.zst"
            _record(options.connection(brokers), prefix, path)
            report = _of_files((path,), known, period, k)
    else:
        raise click.UsageError("name recordings, or --brokers to read topics")
    text = _render(report, form)
    if out == Path("-"):
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


def _period(start: int | None, end: int | None, year: int | None) -> Period:
    from streams.reporting.transparency.tally import Period
    from streams.signals.times import datetime_to_ms

    if year is not None:
        if start is not None or end is not None:
            raise click.UsageError("--year stands for --from and --to: name it or them")
        start, end = (datetime_to_ms(datetime(one, 1, 1, tzinfo=UTC)) for one in (year, year + 1))
    if start is None or end is None:
        raise click.UsageError("name the period: --from and --to, or --year")
    if start >= end:
        raise click.UsageError("--from must be before --to")
    return Period(start, end)


def _of_files(files: tuple[Path, ...], schema: Schema, period: Period, k: int) -> Report:
    from streams.recording import Recording, Told
    from streams.reporting.transparency.report import make
    from streams.reporting.transparency.tally import PASSES, count
    from streams.topics import BY_NAME

    size = PASSES * sum(path.stat().st_size for path in files)
    with progress.of_bytes("counting", size) as advance:

        def read(topics: Collection[str]) -> Iterator[Record]:
            recordings = [
                Recording(path, topics, ignored=BY_NAME.keys() - set(topics)) for path in files
            ]
            told = Told(recordings, advance)
            for recording in recordings:
                for batch in recording.batches():
                    yield from batch
                    told()
            told(end=True)

        return make(count(read, schema, period), period, k)


def _record(connection: dict[str, Any], prefix: str, path: Path) -> None:
    from streams.reporting.transparency.tally import TOPICS
    from streams.workbench.backtest.topics import InputTopics

    async def read() -> int:
        async with InputTopics(connection, prefix=prefix, topics=TOPICS) as topics:
            with progress.of("reading topics", topics.total, "records") as advance:
                return await topics.record(path, advance)

    written = asyncio.run(read())
    sys.stderr.write(f"{written:,} records read from {', '.join(TOPICS)}\n")


def _render(report: Report, form: str) -> str:
    from streams.reporting.transparency import data, markdown, page

    if form == "json":
        return json.dumps(data.as_data(report), ensure_ascii=False, indent=2) + "\n"
    return {"markdown": markdown.render, "csv": data.as_csv, "html": page.render}[form](report)
