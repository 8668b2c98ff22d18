"""`vigil release`, `void`, `undo` and `resume`: what a person orders for a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from streams.cli import options
from streams.cli.ordering import Ordering, Said, by_a_person

if TYPE_CHECKING:
    from streams.agents.governor_state import Hold
    from streams.desk.standing import Standing, Version

_SHOWN = 10

_ids = click.argument("proposals", nargs=-1, metavar="[PROPOSAL]...")
_all_of = click.option("--all-of", metavar="PATTERN", help="All that is held of this pattern.")
_version = click.option("--version", "version", metavar="V", help="With --all-of: this version's.")


@click.command()
@_ids
@_all_of
@_version
@options.brokers
@options.prefix
@by_a_person
def release(
    *, proposals: tuple[str, ...], all_of: str | None, version: str | None, by: Ordering
) -> None:
    """Have held actions done, by the ids `vigil queue` shows.

    The enforcement names you as its reviewer, and says that it was partially automated. What a
    person releases counts against no budget.

    \b
    vigil release b7kqz2m4x9 --reviewer rv-17 --reason reviewed --brokers 127.0.0.1:9092
    vigil release --all-of 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a --reviewer rv-17 --reason expected_surge
    """
    at, holds = by.desk(), _wanted(by, proposals, all_of, version)
    said = [
        Said(
            at.about_hold("release", one),
            f"{one.proposal.action} will be done to {one.proposal.account}",
        )
        for one in holds
    ]
    by.carry_out(said)


@click.command()
@_ids
@_all_of
@_version
@options.brokers
@options.prefix
@by_a_person
def void(
    *, proposals: tuple[str, ...], all_of: str | None, version: str | None, by: Ordering
) -> None:
    """Drop held actions, by the ids `vigil queue` shows. They will never be done.

    \b
    vigil void b7kqz2m4x9 --reviewer rv-17 --reason mistaken --brokers 127.0.0.1:9092
    vigil void --all-of 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a --version 3k5dvn2q --reviewer rv-17 --reason wrong_pattern
    """
    at, holds = by.desk(), _wanted(by, proposals, all_of, version)
    said = [
        Said(
            at.about_hold("void", one),
            f"{one.proposal.action} will not be done to {one.proposal.account}",
        )
        for one in holds
    ]
    by.carry_out(said)


@click.command()
@click.argument("pattern")
@click.argument("target", metavar="VERSION|ENFORCEMENT")
@options.brokers
@options.prefix
@by_a_person
def undo(*, pattern: str, target: str, by: Ordering) -> None:
    """Reverse every action of one version of a pattern, or one action by its id.

    Each action that stands gets one enforcement that undoes it; strikes are counted anew. What the
    version proposes from then on is held, until a new version takes its place or you resume it.
    What it has held already stays held: void that with `vigil void --all-of`. Confirmed material
    that was removed is not let out in bulk: each such action goes to the review queue instead.

    \b
    vigil queue --patterns --brokers 127.0.0.1:9092               which versions there are
    vigil undo 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a 3k5dvn2q --reviewer rv-17 --reason wrong_pattern
    """
    from streams.desk.standing import read_standing

    at = by.desk()
    standing = read_standing(by.connection, prefix=by.prefix, decision=target)
    version = standing.version(pattern, target)
    if version is not None:
        effect = f"{version.record.standing} actions will be reversed, its proposals held"
        said = Said(at.undo(version), effect)
    elif standing.looked_up is not None and standing.looked_up[0].pattern == pattern:
        decision = standing.looked_up[1]
        effect = f"{decision.action} against {decision.account} will be reversed"
        said = Said(at.undo_one(pattern, target), effect)
    else:
        raise click.UsageError(
            f"{target} is neither a version of {pattern} nor an action of it that stands."
            f" {_known(standing, pattern)}"
        )
    by.carry_out([said])


@click.command()
@click.argument("pattern")
@click.argument("version")
@options.brokers
@options.prefix
@by_a_person
def resume(*, pattern: str, version: str, by: Ordering) -> None:
    """Grant a version's proposals again after it was stopped: by a breaker, or by an undo.

    The surge of the hour at hand is accepted, and precision is judged by the reviews that follow.
    What is held stays held: release or void it.

    \b
    vigil queue --patterns --brokers 127.0.0.1:9092               what stopped it
    vigil resume 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a 3k5dvn2q --reviewer rv-17 --reason expected_surge
    """
    from streams.desk.standing import read_standing

    at = by.desk()
    standing = read_standing(by.connection, prefix=by.prefix)
    found = standing.version(pattern, version)
    if found is None:
        raise click.UsageError(f"{pattern} has no version {version}. {_known(standing, pattern)}")
    if not found.record.stopped:
        raise click.UsageError(f"version {version} of {pattern} isn't stopped: nothing to resume")
    effect = f"proposals will be granted again; {found.held} stay held"
    said = Said(at.resume(found), effect)
    by.carry_out([said])


def _wanted(
    by: Ordering, proposals: tuple[str, ...], all_of: str | None, version: str | None
) -> list[Hold]:
    """The holds that are meant; all of them are there, or `click.UsageError`."""
    from streams.desk.standing import read_standing

    if bool(proposals) == bool(all_of):
        raise click.UsageError(
            "name the proposals (see vigil queue), or all of a pattern: --all-of"
        )
    if version and not all_of:
        raise click.UsageError("--version goes with --all-of")
    standing = read_standing(by.connection, prefix=by.prefix)
    if all_of:
        holds = [
            one
            for one in standing.in_order()
            if one.proposal.pattern == all_of and version in (None, one.proposal.version)
        ]
        if not holds:
            raise click.UsageError(f"nothing is held of {all_of}{f' {version}' if version else ''}")
        return holds
    missing = [name for name in proposals if name not in standing.holds]
    if missing:
        raise click.UsageError(
            f"not held, or no longer: {', '.join(missing[:_SHOWN])}; see vigil queue."
            " Nothing was written"
        )
    return [standing.holds[name] for name in dict.fromkeys(proposals)]


def _known(standing: Standing, pattern: str) -> str:
    """Which versions of a pattern there are, for people."""
    versions: list[Version] = [one for one in standing.versions() if one.pattern == pattern]
    if not versions:
        return "The governor never heard of that pattern: see vigil queue --patterns"
    return f"Its versions are {', '.join(one.version for one in versions[:_SHOWN])}"
