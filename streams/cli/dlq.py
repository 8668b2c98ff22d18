"""`vigil dlq`: what was refused, what became of it, and writing it again."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli import exits, options, output
from streams.signals.reasons import Reason
from streams.topics import TABLE, Role

if TYPE_CHECKING:
    from streams.dlq.examination import Examined
    from streams.dlq.letters import Letter, Wanted

F = TypeVar("F", bound=Callable[..., Any])

_REFUSING = tuple(topic.name for topic in TABLE if topic.role in (Role.IN, Role.BETWEEN))
_LISTED = ("topic", "reason", "count", "fields", "first", "last", "newest")
_REQUEUED = ("count", "standing", "topic", "reason", "because")


def _filters(command: F) -> F:
    """`--brokers`, `--prefix`, `--reason`, `--topic` and `--since`."""
    for option in (
        options.since,
        click.option(
            "--topic", "topics", multiple=True, type=click.Choice(_REFUSING), metavar="TOPIC",
            help="Only records of this topic. May be repeated.",
        ),
        click.option(
            "--reason", "reasons", multiple=True, type=click.Choice([one.value for one in Reason]),
            metavar="REASON", help="Only what was refused for it. May be repeated.",
        ),
        options.prefix,
        options.brokers,
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def dlq() -> None:
    """What was refused: count it, look at one, have it taken after all.

    \b
    vigil dlq list --since 2026-11-24T00:00:00Z         what, and how much of it
    vigil dlq show activity/3/1234                      one of them, and would it be taken now?
    vigil dlq requeue --reason undeclared_value --schema schema.toml --dry-run
    vigil dlq requeue --reason undeclared_value --schema schema.toml

    A dead letter names a record and says why it was refused; it holds nothing of what the record
    said, and no command shows that. What each reason means: docs/signals.md.
    """


@dlq.command("list")
@_filters
@options.json_
def list_(
    *,
    brokers: str,
    prefix: str,
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    since: int | None,
    json_: bool,
) -> None:
    """Count dead letters by topic and reason, the most frequent first.

    \b
    vigil dlq list --brokers 127.0.0.1:9092
    vigil dlq list --topic activity --reason undeclared_value
    vigil dlq list --json | jq -r '.[] | "\\(.count) \\(.reason)"'

    `newest` names the last record refused, for vigil dlq show.
    """
    from streams.dlq.letters import Wanted

    wanted = Wanted(reasons, topics)
    groups: dict[tuple[str, str], _Group] = {}
    for letter in _read(brokers, prefix, since, wanted):
        of = (letter.place.topic, letter.reason.value)
        groups.setdefault(of, _Group()).take(letter)
    rows = [
        {"topic": topic, "reason": reason, **group.row()}
        for (topic, reason), group in sorted(
            groups.items(), key=lambda one: (-one[1].count, one[0])
        )
    ]
    if not rows and not json_:
        sys.stderr.write("No dead letters.\n")
        return
    output.show(rows, _LISTED, json_=json_)


class _Group:
    """Dead letters of one topic and reason."""

    def __init__(self) -> None:
        self.count = 0
        self._fields: Counter[str] = Counter()
        self._first: Letter | None = None
        self._last: Letter | None = None

    def take(self, letter: Letter) -> None:
        self.count += 1
        self._fields.update(letter.fields)
        if self._first is None or letter.at < self._first.at:
            self._first = letter
        if self._last is None or letter.at >= self._last.at:
            self._last = letter

    def row(self) -> dict[str, Any]:
        assert self._first is not None
        assert self._last is not None
        return {
            "count": self.count,
            "fields": [name for name, _ in self._fields.most_common()],
            "first": self._first.at,
            "last": self._last.at,
            "newest": str(self._last.place),
        }


@dlq.command()
@click.argument("place", metavar="TOPIC/PARTITION/OFFSET")
@options.brokers
@options.prefix
@options.schema
@options.json_
def show(*, place: str, brokers: str, prefix: str, schema: Path | None, json_: bool) -> int:
    """Show what a dead letter says, and how the record it names stands now.

    \b
    vigil dlq show activity/3/1234 --brokers 127.0.0.1:9092
    vigil dlq show activity/3/1234 --schema schema.toml         judged by this schema file

    Whether the record is still there, on which partition its key belongs, and whether a worker
    would take it now. Never what it says. Exit code 1: it would not be taken.
    """
    (one,) = _examined(brokers, prefix, schema, _named(brokers, prefix, [place]))
    row = _row(one)
    if json_:
        output.as_json(row)
    else:
        output.as_table(("what", "is"), [(name, row[name]) for name in row])
    return exits.OK if row["standing"] == "ready" else exits.PROBLEMS


@dlq.command()
@click.argument("places", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")
@_filters
@click.option("--all", "everything", is_flag=True, help="Everything there is a dead letter for.")
@options.schema
@click.option(
    "--now", is_flag=True, help="With the present time as Kafka timestamp, instead of its own."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@options.json_
def requeue(
    *,
    places: tuple[str, ...],
    brokers: str,
    prefix: str,
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    since: int | None,
    everything: bool,
    schema: Path | None,
    now: bool,
    dry_run: bool,
    json_: bool,
) -> int:
    """Write refused records to their topics again, once what they were refused for is mended.

    \b
    vigil dlq requeue activity/3/1234 --brokers 127.0.0.1:9092
    vigil dlq requeue --reason undeclared_value --schema schema.toml    its kinds are declared now
    vigil dlq requeue --reason wrong_partition --topic activity         the producer is mended
    vigil dlq requeue --reason in_future --now                          its time has come
    vigil dlq requeue --reason handler_failed --dry-run                 the pattern is mended

    The record is read where it was refused, and written with the same key, value, headers and
    timestamp to the partition its key belongs on. What a worker would refuse again is not written
    (so name the schema file the workers use), nor what retention has deleted, nor what workers
    tell each other. Each is told, and the exit code is 1.

    Giving the same command twice does no harm: a record whose id was taken already changes
    nothing, as far as memory reaches (what windows hold, and the last 64 ids per account and
    topic). A signal older than a pattern's lateness is counted, but enters none of its windows.
    With ACLs it needs a principal that may read dead-letters and the topic, and write to it.
    """
    from streams.dlq.letters import Wanted
    from streams.dlq.requeue import requeue as write

    filtered = bool(reasons or topics or since)
    if bool(places) + filtered + everything != 1:
        raise click.UsageError(
            "name records, or filter with --reason, --topic or --since, or say --all: one of these"
        )
    letters = (
        _named(brokers, prefix, places)
        if places
        else list(_read(brokers, prefix, since, Wanted(reasons, topics)))
    )
    stamp_ms = int(time.time() * 1000) if now else None
    found = _examined(brokers, prefix, schema, letters, stamp_ms)
    if dry_run:
        examined = [one.alone() for one in found]
    else:
        examined = write(options.connection(brokers), found, prefix=prefix)
    ready = sum(one.standing == "ready" for one in examined)
    if json_:
        output.as_json([{**_row(one), "written": _written(one, dry_run)} for one in examined])
    elif examined:
        output.show(_gathered(examined), _REQUEUED, json_=False)
    sys.stderr.write(
        f"{ready} of {len(examined)} records {'would be ' if dry_run else ''}written"
        f"{': this was --dry-run' if dry_run else ''}.\n"
    )
    left = any(one.standing not in {"ready", "repeated"} for one in examined)
    return exits.PROBLEMS if left else exits.OK


def _written(one: Examined, dry_run: bool) -> bool:  # noqa: FBT001 - one caller, beside it
    return one.standing == "ready" and not dry_run


def _read(brokers: str, prefix: str, since: int | None, wanted: Wanted) -> list[Letter]:
    """The wanted letters, the last one of each record; says what else lies on the topic."""
    from streams.dlq.letters import Letters

    letters = Letters(options.connection(brokers), prefix=prefix, since_ms=since or 0)
    found = {letter.place: letter for letter in letters if wanted(letter)}
    if letters.unreadable:
        sys.stderr.write(
            f"{letters.unreadable} records of dead-letters are none of this deployment's dead"
            " letters: only workers may write there (vigil topics acls --check)\n"
        )
    return list(found.values())


def _named(brokers: str, prefix: str, places: Sequence[str]) -> list[Letter]:
    from streams.dlq.letters import NoPlace, Place, Wanted

    try:
        wanted = {Place.parse(place, prefix) for place in places}
    except NoPlace as error:
        raise click.UsageError(str(error)) from None
    letters = _read(brokers, prefix, None, Wanted(places=wanted))
    unknown = sorted(wanted - {letter.place for letter in letters})
    if unknown:
        raise click.UsageError(
            f"no dead letter names {', '.join(map(str, unknown))}: vigil dlq list, or"
            " vigil tap dead-letters --from-beginning, tells which there are"
        )
    return letters


def _examined(
    brokers: str,
    prefix: str,
    schema: Path | None,
    letters: Sequence[Letter],
    stamp_ms: int | None = None,
) -> Iterator[Examined]:
    from streams.dlq.examination import Examination
    from streams.signals import Schema

    known = Schema.load(schema)
    connection = options.connection(brokers)
    return Examination(connection, known, prefix=prefix, stamp_ms=stamp_ms).of(letters)


def _row(one: Examined) -> dict[str, Any]:
    letter = one.letter
    return {
        "place": str(letter.place),
        "reason": letter.reason.value,
        "fields": list(letter.fields),
        "at": letter.at,
        "standing": one.standing.value,
        "because": _because(one),
        "belongs_on_partition": one.belongs,
        "size_bytes": one.size_bytes,
    }


def _because(one: Examined) -> str:
    from streams.dlq.examination import WORDS

    words = WORDS[one.standing]
    return f"{words} ({one.again})" if one.again else words


def _gathered(examined: Sequence[Examined]) -> list[dict[str, Any]]:
    """One row for all records that stand alike, for people."""
    counts = Counter(
        (one.standing.value, one.letter.place.topic, one.letter.reason.value, _because(one))
        for one in examined
    )
    return [dict(zip(_REQUEUED, (count, *of), strict=True)) for of, count in sorted(counts.items())]
