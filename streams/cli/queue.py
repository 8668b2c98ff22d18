"""`vigil queue`: what waits for a person, and how each pattern's versions stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from streams.cli import options, output

if TYPE_CHECKING:
    from streams.agents.governor_state import Hold
    from streams.desk.standing import Version

_VERSION_COLUMNS = (
    *("pattern", "version", "granted", "standing", "held", "precision", "stopped"),
    "because",
)
_HOLD_COLUMNS = (
    *("proposal", "priority", "due_at", "action", "harm", "account", "held_by"),
    *("pattern", "version"),
)


@click.command()
@options.brokers
@options.prefix
@click.option("--pattern", metavar="ID", help="Only this pattern's.")
@click.option("--version", "version", metavar="V", help="Only of this version of a pattern.")
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option(
    "--patterns",
    is_flag=True,
    help="Each pattern's versions instead: grants, holds, precision, what stopped them.",
)
@options.json_
def queue(
    *,
    brokers: str,
    prefix: str,
    pattern: str | None,
    version: str | None,
    account: str | None,
    patterns: bool,
    json_: bool,
) -> None:
    """What is held and waits for a person, most urgent first.

    Release it, or void it. Actions are held because a budget of their pattern is spent, or because
    their version was stopped: by a surge, by its precision, or because it was undone.

    \b
    vigil queue --brokers 127.0.0.1:9092
    vigil queue --patterns                      what stopped a version, and its precision
    vigil queue --json | jq -r '.[] | select(.held_by == "budget_hour").proposal'
    """
    from streams.desk.standing import read_standing

    if account and patterns:
        raise click.UsageError("--account is about holds, --patterns shows versions: name one")
    standing = read_standing(options.connection(brokers), prefix=prefix)
    if patterns:
        versions = [
            _version(one)
            for one in standing.versions()
            if pattern in (None, one.pattern) and version in (None, one.version)
        ]
        output.show(versions, _VERSION_COLUMNS, json_=json_)
        return
    holds = [
        _hold(one)
        for one in standing.in_order()
        if pattern in (None, one.proposal.pattern)
        and version in (None, one.proposal.version)
        and account in (None, one.proposal.account)
    ]
    if not holds and not json_:
        sys.stderr.write("Nothing is held.\n")
        return
    output.show(holds, _HOLD_COLUMNS, json_=json_)


def _hold(hold: Hold) -> dict[str, Any]:
    from streams.agents.governor_verdicts import due_of
    from streams.signals.times import format_ms

    asked = hold.proposal
    priority, due_ms = due_of(hold)
    return {
        "proposal": asked.id,
        "priority": priority,
        "due_at": format_ms(due_ms),
        "held_since": format_ms(hold.at),
        "held_by": hold.by,
        "account": asked.account,
        "action": asked.action,
        "harm": asked.harm,
        "severity": asked.severity,
        "pattern": asked.pattern,
        "version": asked.version,
        "detections": list(asked.detections),
        "end_user": asked.end_user,
        "content_ref": asked.content_ref,
        "dataset_ref": asked.dataset_ref,
    }


def _version(one: Version) -> dict[str, Any]:
    from streams.signals.times import format_ms

    record, (low, high) = one.record, one.interval
    return {
        "pattern": one.pattern,
        "version": one.version,
        "granted": record.granted,
        "standing": record.standing,
        "held": one.held,
        "upheld": one.quality.upheld,
        "overturned": one.quality.overturned,
        "precision": None if one.precision is None else round(one.precision, 4),
        "precision_interval": [round(low, 4), round(high, 4)],
        "stopped": format_ms(record.stopped) if record.stopped else None,
        "why": record.why or None,
        "measured": record.measured if record.stopped else None,
        "limit": record.limit if record.stopped else None,
        "because": _because(one),
    }


def _because(one: Version) -> str | None:
    """What stopped a version, for people."""
    record = one.record
    match record.why:
        case "surge":
            return f"{record.measured:.0f} proposals in an hour, more than {record.limit:.0f}"
        case "precision":
            return f"{record.measured:.0%} of its newest decisions upheld, under {record.limit:.0%}"
        case "undone":
            return "a person undid it"
        case _:
            return None
