"""`vigil snooze` and `vigil erase`: what a person orders for one account."""

from __future__ import annotations

import time

import click
from click.core import ParameterSource

from streams.cli import options
from streams.cli.ordering import Ordering, Said, by_a_person


@click.command()
@click.argument("account")
@click.option("--for", "for_", metavar="DURATION", help="How long from now: 90m, 24h, 14d.")
@click.option("--until", metavar="TIME", help="Until then: RFC 3339 or epoch ms.")
@options.brokers
@options.prefix
@by_a_person
def snooze(*, account: str, for_: str | None, until: str | None, by: Ordering) -> None:
    """Let nothing be done to an account for a while, whatever is found. It is still found.

    What zero tolerance covers is done all the same.

    \b
    vigil snooze a81d2c0f9b --for 24h --reviewer rv-17 --reason appeal --brokers 127.0.0.1:9092
    vigil snooze red-team-4 --until 2026-12-01T00:00:00Z --reviewer rv-17 --reason research
    """
    from streams.signals.times import format_ms

    until_ms = _until_ms(for_, until)
    order = by.desk().snooze(account, until_ms)
    said = Said(order, f"nothing will be done to {account} until {format_ms(until_ms)}")
    by.carry_out([said])


@click.command()
@click.argument("account")
@click.option(
    "--brokers",
    metavar="H:P",
    required=True,
    help="Kafka's bootstrap servers. Must stand on the command line: an erasure can't be taken"
    " back, and the same account may be in two deployments.",
)
@options.prefix
@by_a_person
@click.pass_context
def erase(context: click.Context, *, account: str, by: Ordering) -> None:
    """Forget everything about an account: windows, strikes, actions. This can't be taken back.

    What was written to topics stays there for as long as the topics keep it. What the law wants
    preserved, a report to the authorities and what led to it, is forgotten when its time is over.

    \b
    vigil erase a81d2c0f9b --reviewer rv-17 --reason person_request --brokers 127.0.0.1:9092
    """
    if context.get_parameter_source("brokers") is not ParameterSource.COMMANDLINE:
        raise click.UsageError("--brokers must stand on the command line: this can't be taken back")
    order = by.desk().erase(account)
    said = Said(order, f"everything about {account} will be forgotten")
    by.carry_out([said])


def _until_ms(for_: str | None, until: str | None) -> int:
    from streams.signals.durations import parse_duration_ms
    from streams.signals.times import parse_ms

    if bool(for_) == bool(until):
        raise click.UsageError("name when it ends: --for or --until, one of them")
    now = int(time.time() * 1000)
    if for_:
        duration_ms = parse_duration_ms(for_)
        if not duration_ms:
            raise click.BadParameter("write 90m, 24h or 14d", param_hint="--for")
        return now + duration_ms
    assert until is not None
    try:
        until_ms = parse_ms(int(until) if until.isdigit() else until)
    except ValueError as error:
        raise click.BadParameter(f"{until!r} is {error}", param_hint="--until") from error
    if until_ms <= now:
        raise click.BadParameter(f"{until} is past", param_hint="--until")
    return until_ms
