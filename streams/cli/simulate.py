"""`vigil simulate`: harmless traffic with labelled campaigns hidden in it, to a file or to Kafka."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic, time
from typing import IO, Any

import click
from click.core import ParameterSource

from streams.cli import options, progress
from streams.simulate.hiding import PlanTooSmallError
from streams.simulate.plan import (
    DEFAULT_START_MS,
    Plan,
    UnknownCampaignError,
    parse_campaigns,
    parse_lookalikes,
)
from streams.simulate.play import Simulation


@click.command()
@click.option("--accounts", type=click.IntRange(1), default=5_000, show_default=True)
@click.option(
    "--signals",
    type=click.IntRange(1),
    default=200_000,
    show_default=True,
    help="Records in all, those of the campaigns included.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same bytes."
)
@click.option(
    "--campaigns",
    metavar="LIST",
    help="[default: all, or as many as fit into so few accounts and signals] all, none, or names with settings: refusal-ladder:accounts=3:pace=0.5,slow-drip:hop. "
    "Pace 1 is the usual speed; evasions: split=N over N accounts each, hop over surfaces, pad=X "
    "harmless records for each of its own. A name may stand more than once.",
)
@click.option(
    "--lookalikes",
    default="none",
    show_default=True,
    metavar="LIST",
    help="Harmless accounts that look bad: all, none, or names: busy-agency,carrier-crowd:"
    "accounts=500.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Days of full traffic. A campaign that takes longer gets days of thin traffic before.",
)
@click.option(
    "--start",
    metavar="TIME",
    help="When full traffic begins, RFC 3339 or epoch ms. Default: 2026-01-05T00:00Z for a file; "
    "for Kafka so that the last day ends now, since topics drop old records.",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was hidden, one JSON line per campaign and per look-alike.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where the JSON lines go; - is stdout (the default without --brokers).",
)
@click.option(
    "--brokers",
    metavar="H:P",
    help="Write to the input topics of this Kafka instead. Must stand on the command line: nobody "
    "wants simulated signals in a deployment because a variable was set.",
)
@options.prefix
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Records per second by the clock; without it as fast as it goes. Only with --brokers.",
)
@click.pass_context
def simulate(
    context: click.Context,
    *,
    accounts: int,
    signals: int,
    seed: int,
    campaigns: str | None,
    lookalikes: str,
    days: float,
    start: str | None,
    truth: Path | None,
    out: Path | None,
    brokers: str | None,
    prefix: str,
    rate: float | None,
) -> None:
    """Make harmless traffic with labelled abusive campaigns hidden in it.

    Everything follows from the seed. The records are metadata alone, as in every input of Vigil;
    only input topics are ever written to.

    \b
    vigil simulate --out day.jsonl --truth truth.jsonl
    vigil simulate --campaigns refusal-ladder:accounts=3,slow-drip | vigil replay -
    vigil simulate --campaigns all:split=2 --lookalikes all --out evasive.jsonl
    vigil simulate --brokers 127.0.0.1:9092 --rate 500
    """
    if context.get_parameter_source("brokers") is not ParameterSource.COMMANDLINE:
        brokers = None
    if brokers and out:
        raise click.UsageError("--out and --brokers exclude each other: name one")
    if rate and not brokers:
        raise click.UsageError("--rate paces what goes to Kafka: name its --brokers")
    try:
        plan = Plan(
            accounts=accounts,
            signals=signals,
            seed=seed,
            days=days,
            start_ms=_start_ms(start, days, to_kafka=bool(brokers)),
            wanted=parse_campaigns(campaigns or "all"),
            guests=parse_lookalikes(lookalikes),
        )
        simulation = _fitting(plan) if campaigns is None else Simulation(plan)
    except (UnknownCampaignError, PlanTooSmallError) as error:
        raise click.UsageError(str(error)) from error
    if truth:
        from streams.simulate.truth import write

        write(truth, [*simulation.truth, *simulation.lookalikes])
    began = monotonic()
    with progress.of("simulating", signals, "signals") as advance:
        if brokers:
            made = asyncio.run(
                _to_kafka(simulation, options.connection(brokers), prefix, rate, advance)
            )
        elif out is None or out == Path("-"):
            made = _to_file(simulation, sys.stdout, advance)
        else:
            with out.open("w", encoding="utf-8") as file:
                made = _to_file(simulation, file, advance)
    took = max(monotonic() - began, 1e-9)
    click.echo(
        f"{made} signals of {accounts} accounts with {len(simulation.truth)} campaigns and "
        f"{len(simulation.lookalikes)} look-alikes hidden, "
        f"{made / took:,.0f} signals/s",
        err=True,
    )


def _fitting(plan: Plan) -> Simulation:
    """The plan with as many of its campaigns as fit into it, the first ones first."""
    while True:
        try:
            return Simulation(plan)
        except PlanTooSmallError:
            if not plan.wanted:
                raise
            plan = replace(plan, wanted=plan.wanted[: len(plan.wanted) // 2])


def _start_ms(start: str | None, days: float, *, to_kafka: bool) -> int:
    from streams.signals.times import parse_ms
    from streams.simulate.rhythm import DAY_MS

    if start is None:
        return int(time() * 1000 - days * DAY_MS) if to_kafka else DEFAULT_START_MS
    try:
        return parse_ms(int(start) if start.isdigit() else start)
    except ValueError as error:
        raise click.BadParameter(f"{start!r} is {error}", param_hint="--start") from error


def _to_file(simulation: Simulation, file: IO[str], advance: Callable[[float], None]) -> int:
    from streams.simulate.lines import write

    made = 0
    for count in write(simulation.chunks(), file):
        advance(count)
        made += count
    return made


async def _to_kafka(
    simulation: Simulation,
    connection: Mapping[str, Any],
    prefix: str,
    rate: float | None,
    advance: Callable[[float], None],
) -> int:
    from streams.simulate.kafka import feed

    made = 0
    async for sent in feed(connection, prefix, simulation.chunks(), rate):
        advance(sent.records)
        made += sent.records
    return made
