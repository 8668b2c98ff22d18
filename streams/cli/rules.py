"""`vigil rules`: publish rule sets to running workers, compare them, and roll them back."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from streams.cli import exits, options, output

if TYPE_CHECKING:
    from streams.patterns import RuleSet
    from streams.rules.publish import Made, NotPublishable, Publisher
    from streams.rules.published import Current
    from streams.rules.shelf import Shelf

_LOOK_S = 0.25
_NOTE_CHARS = 200


def _short(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    if len(value) > _NOTE_CHARS or not value.isprintable():
        raise click.BadParameter(f"one line of up to {_NOTE_CHARS} characters", param=parameter)
    return value


_note = click.option(
    "--note", default="", callback=_short, help="A few words on why, shown by list."
)


@click.group()
def rules() -> None:
    """Publish rule sets to running workers, compare them, and roll them back.

    \b
    vigil rules publish my-rules/ --brokers 127.0.0.1:9092
    vigil rules status  --brokers 127.0.0.1:9092 --wait 30
    vigil rules rollback --brokers 127.0.0.1:9092

    A set is named by its hash, which every output it makes carries as `ruleset`; the first
    characters are enough, and the word current names the one that is.
    """


@rules.command()
@click.argument("paths", nargs=-1, required=True, metavar="DIR...")
@options.brokers
@options.prefix
@options.schema
@_note
@options.json_
def publish(
    paths: tuple[str, ...],
    brokers: str,
    prefix: str,
    schema: Path | None,
    note: str,
    json_: bool,  # noqa: FBT001 - click's way
) -> int:
    """Check rule directories, run their inline tests, and make them the current rule set.

    \b
    vigil rules publish my-rules/ --brokers 127.0.0.1:9092 --note 'ladder at four'
    vigil rules publish catalogue my-rules/ --brokers 127.0.0.1:9092

    Running workers switch within a second or two, between two signals; windows of patterns whose
    meaning is unchanged live on. Whatever `vigil check` finds, and an inline test that fails, keeps
    a set from being published: exit code 1 names it, and nothing was changed.
    """
    from streams.rules.publish import NotPublishable
    from streams.signals import Schema

    options.insist_on_rules(paths)
    publisher = _publisher(brokers, prefix, note)
    try:
        made = publisher.publish(paths, Schema.load(schema), schema)
    except NotPublishable as problem:
        return _refuse(problem, json_=json_)
    return _tell(made, json_=json_)


@rules.command()
@click.argument("to", required=False, metavar="[SET]")
@options.brokers
@options.prefix
@_note
@options.json_
def rollback(to: str | None, brokers: str, prefix: str, note: str, json_: bool) -> int:  # noqa: FBT001
    """Make the rule set current again that was before; or SET, any published one.

    \b
    vigil rules rollback --brokers 127.0.0.1:9092
    vigil rules rollback 3kq2 --brokers 127.0.0.1:9092 --note 'too many false positives'

    Twice goes two sets back, and never forward to what was just left.
    """
    return _tell(_publisher(brokers, prefix, note).roll_back(to), json_=json_)


@rules.command("list")
@options.brokers
@options.prefix
@options.json_
def list_(brokers: str, prefix: str, json_: bool) -> int:  # noqa: FBT001
    """Show every published rule set, the newest first, and which one is current.

    \b
    vigil rules list --brokers 127.0.0.1:9092
    """
    shelf = _shelf(brokers, prefix)
    sets = sorted((shelf[ruleset] for ruleset in shelf), key=lambda one: one.at, reverse=True)
    current = {shelf.current.ruleset: shelf.current} if shelf.current else {}
    if json_:
        output.as_json(
            [
                {
                    "ruleset": one.ruleset,
                    "current": to_builtins(current.get(one.ruleset)),
                    "published": one.at,
                    "by": one.by,
                    "live": one.live,
                    "shadow": one.shadow,
                    "note": one.note,
                }
                for one in sets
            ]
        )
    elif sets:
        output.as_table(
            ["ruleset", "current", "published", "by", "live", "shadow", "note"],
            [
                [
                    one.ruleset,
                    _since(current.get(one.ruleset), one.note),
                    *(_when(one.at), one.by, one.live, one.shadow, one.note),
                ]
                for one in sets
            ],
        )
    else:
        sys.stderr.write("No rule set has been published: vigil rules publish DIR\n")
    return exits.OK


@rules.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@options.brokers
@options.prefix
@options.schema
@options.json_
def diff(old: str, new: str, brokers: str, prefix: str, schema: Path | None, json_: bool) -> int:  # noqa: FBT001
    """Show what differs from rule set A to B, pattern by pattern, and in the policy.

    \b
    vigil rules diff 3kq2 current --brokers 127.0.0.1:9092
    vigil rules diff current my-rules/ --brokers 127.0.0.1:9092

    Each is a published set, or a rule directory. `windows` says whether half-full windows of the
    pattern live on (kept), or begin anew because it means something else (new).
    """
    from streams.rules.differences import differences

    shelf = _shelf(brokers, prefix)
    found = list(differences(_load(shelf, old, schema), _load(shelf, new, schema)))
    if json_:
        output.as_json([asdict(change) for change in found])
    elif found:
        output.as_table(
            ["change", "pattern", "title", "windows", "what"],
            [
                [c.change, c.pattern, c.title, c.windows or None, _what(c.what) or None]
                for c in found
            ],
        )
    else:
        sys.stderr.write("No difference in any pattern, nor in the policy.\n")
    return exits.OK


@rules.command()
@click.argument("ruleset", metavar="SET")
@options.brokers
@options.prefix
@options.schema
@options.json_
def show(ruleset: str, brokers: str, prefix: str, schema: Path | None, json_: bool) -> int:  # noqa: FBT001
    """Show the patterns of a published rule set.

    \b
    vigil rules show current --brokers 127.0.0.1:9092
    """
    found = _load(_shelf(brokers, prefix), ruleset, schema)
    records = [
        {
            "pattern": one.id,
            "title": one.title,
            "mode": one.mode,
            "severity": one.severity,
            "harm": one.block.harm,
            "action": one.block.action,
            "version": one.version,
            "file": one.file,
        }
        for one in found.patterns
    ]
    output.show(records, list(records[0]) if records else [], json_=json_)
    return exits.OK


@rules.command()
@click.argument("ruleset", metavar="SET")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@options.brokers
@options.prefix
def export(ruleset: str, directory: Path, brokers: str, prefix: str) -> int:
    """Write the files of a published rule set to DIR, which must be empty or not be there.

    \b
    vigil rules export 3kq2 then/ --brokers 127.0.0.1:9092
    vigil replay day.jsonl --rules then/
    """
    shelf = _shelf(brokers, prefix)
    published = shelf[shelf.find(ruleset)]
    if directory.exists() and any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty")
    for name, text in published.files:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        sys.stdout.write(f"{path}\n")
    return exits.OK


@rules.command()
@options.brokers
@options.prefix
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="S",
    help="Look again for up to S seconds, until every worker runs the current set.",
)
@options.json_
def status(brokers: str, prefix: str, wait_s: float, json_: bool) -> int:  # noqa: FBT001
    """Show which worker runs which rule set, since when, and whether it refused one.

    \b
    vigil rules status --brokers 127.0.0.1:9092
    vigil rules publish my-rules/ && vigil rules status --wait 30

    Workers that are not in the group now are shown as gone, with what they ran last. Exit code 1:
    a worker in the group doesn't run the current set.
    """
    from streams.admin.cluster import open_cluster
    from streams.rules.running import WRONG, workers

    current = _shelf(brokers, prefix).current
    wanted = current.ruleset if current else None
    deadline = time.monotonic() + wait_s
    with open_cluster(options.connection(brokers)) as cluster:
        while True:
            found = workers(cluster, prefix)
            wrong = any(one.state(wanted) in WRONG for one in found)
            if not wrong or time.monotonic() > deadline:
                break
            time.sleep(_LOOK_S)
    records = [
        {
            "worker": one.name,
            "state": one.state(wanted).value,
            **(to_builtins(one.running) if one.running else {}),
        }
        for one in found
    ]
    if json_:
        output.as_json({"current": to_builtins(current), "workers": records})
    else:
        columns = ["worker", "state", "ruleset", "since", "source"]
        for record in records:
            record["since"] = _when(record.get("since"))
        output.as_table(columns, [[record.get(name) for name in columns] for record in records])
        sys.stderr.write(f"current: {wanted or 'none; no rule set has been published'}\n")
        for one in found:
            if one.alive and one.running and one.running.refused:
                running = one.running
                sys.stderr.write(f"{one.name} refuses {running.refused}: {running.why}\n")
    return exits.PROBLEMS if wrong else exits.OK


def _publisher(brokers: str, prefix: str, note: str) -> Publisher:
    from streams.rules.publish import Publisher

    return Publisher(options.connection(brokers), prefix, note)


def _shelf(brokers: str, prefix: str) -> Shelf:
    from streams.rules.topic import read_shelf

    return read_shelf(options.connection(brokers), prefix)


def _load(shelf: Shelf, given: str, schema: Path | None) -> RuleSet:
    """A rule set given as a directory or file, or as a published one."""
    from streams.patterns import load_files, load_rules
    from streams.rules.published import rule_files
    from streams.signals import Schema

    known = Schema.load(schema)
    if given == options.CATALOGUE or Path(given).exists():
        return load_rules([given], known)
    return load_files(rule_files(shelf[shelf.find(given)]), known)


def _tell(made: Made, *, json_: bool) -> int:
    if json_:
        output.as_json(asdict(made))
        return exits.OK
    was = f", it was {made.was}" if made.was and made.switched else ""
    current = f"is current{was}" if made.switched else "is current already"
    sys.stdout.write(
        f"{made.ruleset} with {made.live} live and {made.shadow} shadow patterns {current}\n"
    )
    return exits.OK


def _refuse(problem: NotPublishable, *, json_: bool) -> int:
    if json_:
        failed = [
            {"pattern": one.pattern, "title": one.title, "test": one.test.name,
             "file": one.test.file, "line": one.test.line,
             "expected": one.expected, "found": one.found}
            for one in problem.failed
        ]  # fmt: skip
        output.as_json({"findings": [asdict(one) for one in problem.findings], "failed": failed})
    else:
        for finding in problem.findings:
            sys.stdout.write(f"{finding.severity.value}: {finding}\n")
        for result in problem.failed:
            sys.stdout.write(f"failed: {result}\n")
    sys.stderr.write(f"Not published: {problem}.\n")
    return exits.PROBLEMS


def _since(current: Current | None, note: str) -> str | None:
    """Since when a set is current, and why, unless its own `note` says so."""
    if current is None:
        return None
    why = f" ({current.note})" if current.note not in ("", note) else ""
    return f"since {_when(current.at)}{why}"


def _when(time: str | None) -> str:
    """A time for a table: to the second."""
    return f"{time[:10]} {time[11:19]}" if time else "-"


def _what(what: Mapping[str, tuple[str, str]]) -> str:
    return "; ".join(f"{name} {was} → {now}" for name, (was, now) in what.items())
