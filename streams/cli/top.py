"""`vigil top`: workers, live, from their `/metrics`."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import asdict

import click

from streams.cli import exits, output
from streams.config import Settings


@click.command()
@click.option(
    "--web",
    "workers",
    metavar="H:P",
    multiple=True,
    help="Where a worker serves /metrics; repeat for each [default: the setting web].",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    metavar="S",
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="One frame, then end; so it is without a terminal.")
@click.option("--json", "json_", is_flag=True, help="One frame as JSON.")
@click.pass_obj
def top(
    settings: Settings, *, workers: tuple[str, ...], interval: float, once: bool, json_: bool
) -> int:
    """Show what workers do right now: rates, lag, latency, patterns, holds, dead letters.

    \b
    vigil top                                           the worker on this machine; Ctrl-C ends it
    vigil top --web w1:8321 --web w2:8321 --interval 5
    vigil top --once | head -20                         one frame, without moving
    vigil top --json | jq '.patterns[:3]'

    Rates are of the time between two looks: also one frame takes --interval seconds. Latency is
    from a signal's Kafka timestamp to the commit of what it caused. What is held right now:
    vigil queue. Exit code 1 of a single frame: a worker didn't answer.
    """
    from streams.top.between import Between
    from streams.top.figures import frame
    from streams.top.look import NoAddress, insist_on_address, look

    addresses = tuple(dict.fromkeys(workers or (settings["web"],)))
    try:
        for address in addresses:
            insist_on_address(address)
    except NoAddress as error:
        raise click.UsageError(f"--web {error}") from None
    if once or json_ or not sys.stdout.isatty():
        before = look(addresses)
        time.sleep(interval)
        found = frame(Between(before, look(addresses)))
        if json_:
            output.as_json(asdict(found))
        else:
            from streams.top.screen import show

            output.for_people(lambda columns: show(found, columns))
        return exits.PROBLEMS if any(worker.why for worker in found.workers) else exits.OK
    # Ctrl-C is how a person ends it.
    with contextlib.suppress(KeyboardInterrupt):
        _live(addresses, interval)
    return exits.OK


def _live(addresses: tuple[str, ...], interval: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from streams.top.between import Between
    from streams.top.figures import frame
    from streams.top.look import look
    from streams.top.screen import show

    console = Console(highlight=False)
    before = look(addresses)
    with Live(
        show(frame(Between(before, before)), console.width),
        console=console,
        screen=True,
        auto_refresh=False,
    ) as live:
        while True:
            time.sleep(interval)
            after = look(addresses)
            live.update(show(frame(Between(before, after)), console.width), refresh=True)
            before = after
