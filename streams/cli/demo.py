"""`vigil demo`: a simulated day through a real Kafka and real workers, held against the truth."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from time import time

import click

from streams.cli import exits, output
from streams.demo import boards
from streams.demo.crew import CrewError
from streams.demo.papers import Papers
from streams.demo.recording import Recording
from streams.demo.screen import Screen
from streams.demo.show import OUTPUTS_FILE, Performed, Show, Stay, perform
from streams.demo.summary import as_json, table
from streams.embedded import places
from streams.patterns.loader import CATALOGUE
from streams.simulate.plan import Plan, UnknownCampaignError, parse_campaigns
from streams.simulate.rhythm import DAY_MS

_SEED = 79
"""Spreads the campaigns over the day, so that there is something to see all along."""
_CAMPAIGNS = (
    "refusal-ladder,hits-after-refusals,repeated-suspected-hits,confirmed-hash-match,"
    "surface-hopping,slow-drip,takeover-then-abuse,adult-contacting-minors,"
    "new-account-straight-to-abuse,burst-after-review,api-end-user-abuse,"
    "account-farm-device,sharing-ring,"
    "refusal-ladder:accounts=2:pace=0.02"
)
"""Of each theme some, none that takes longer than a week, and one so slow that no shipped pattern is
expected to find it. `vigil stress` plays them all."""


@click.command()
@click.option("--signals", type=click.IntRange(1), default=200_000, show_default=True)
@click.option("--accounts", type=click.IntRange(1), default=5_000, show_default=True)
@click.option("--campaigns", default=_CAMPAIGNS, show_default=True, metavar="LIST",
              help="What to hide; see vigil simulate.")  # fmt: skip
@click.option("--seed", type=int, default=_SEED, show_default=True)
@click.option("--rate", type=click.FloatRange(min=1), default=10_000, show_default=True,
              help="Signals per second by the clock.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option("--rules", "demo_rules", multiple=True, metavar="DIR",
              help="Rules instead of the shipped catalogue.")  # fmt: skip
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path),
              help="Where recording, truth and outputs stay [default: .build/demo in a checkout,"
              " else vigil-demo].")  # fmt: skip
@click.option("--stay", is_flag=True, help="Leave everything running after the day, until Ctrl-C.")
@click.option("--json", "json_", is_flag=True, help="The summary as JSON; the show on stderr.")
def demo(
    *,
    signals: int,
    accounts: int,
    campaigns: str,
    seed: int,
    rate: float,
    workers: int,
    demo_rules: tuple[str, ...],
    keep: Path | None,
    stay: bool,
    json_: bool,
) -> int:
    """Play a simulated day through a real Kafka and see what is found.

    Needs Java 17; what it starts it stops. Exit 0 only if every campaign marked detectable was
    found on each of its accounts. Where Prometheus is installed, it watches the workers, and what
    Grafana's boards ask for is shown.

    \b
    vigil demo
    vigil demo --stay                          look at it: vigil top, tap, Prometheus
    vigil demo --json 2>/dev/null | jq .
    """
    try:
        wanted = parse_campaigns(campaigns)
    except UnknownCampaignError as error:
        raise click.UsageError(str(error)) from error
    show = Show(
        plan=Plan(
            accounts=accounts,
            signals=signals,
            seed=seed,
            # Yesterday, whole: the same day whenever it is played, and young enough for Kafka.
            start_ms=(int(time() * 1000) // DAY_MS - 1) * DAY_MS,
            wanted=wanted,
        ),
        rate=rate,
        workers=workers,
        keep=(keep or _default_keep()).absolute(),
        rules=tuple(str(Path(one).absolute()) for one in demo_rules) or (CATALOGUE,),
    )
    screen = Screen(on_stderr=json_)
    try:
        performed = asyncio.run(_until_asked(show, screen, Stay() if stay else None))
    except CrewError as error:
        click.echo(f"vigil: {error}", err=True)
        return exits.INTERNAL
    score, figures = performed.score, performed.figures
    if json_:
        shown = None if performed.boards is None else boards.as_json(performed.boards)
        output.as_json(as_json(score, figures) | {"boards": shown})
    else:
        screen.say()
        screen.say(table(score, figures))
        screen.say(_leaves_the_house(performed.papers))
        screen.say(_further(performed.recording))
    return exits.PROBLEMS if score.missed else exits.OK


async def _until_asked(show: Show, screen: Screen, stay: Stay | None) -> Performed:
    """Perform; on Ctrl-C or SIGTERM end the stay, or clean up first, however often it is asked."""
    loop = asyncio.get_running_loop()
    performing = asyncio.ensure_future(perform(show, screen, stay))
    asked = False

    def stop() -> None:
        nonlocal asked
        if stay is not None and stay.going_on:
            stay.end()
        elif not asked:
            asked = True
            performing.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await performing
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _default_keep() -> Path:
    return (
        places.pom().parents[2] / ".build" / "demo" if places.in_checkout() else Path("vigil-demo")
    )


def _leaves_the_house(papers: Papers) -> str:
    outputs = _relative(papers.statements_file.with_name(OUTPUTS_FILE))
    drafts = f"{papers.drafts} report draft{'' if papers.drafts == 1 else 's'}"
    if papers.first:
        drafts += f"    {_vigil()} report show {papers.first} --from {outputs}"
    return (
        "\n[bold]What leaves the house, once people say so[/]\n"
        f"  {drafts}\n"
        f"  {papers.statements} statements of reasons    {_relative(papers.statements_file)}\n"
        f"  the day in figures    {_relative(papers.transparency_file)}, to be opened in a browser"
    )


def _vigil() -> str:
    return _relative(Path(sys.argv[0])) if Path(sys.argv[0]).name == "vigil" else "vigil"


def _further(recording: Recording) -> str:
    vigil = _vigil()
    day = _relative(recording.file)
    return (
        "\n[bold]Look further[/]\n"
        f"  {vigil} replay {day}       the same day without Kafka\n"
        f"  {vigil} simulate --help\n"
        f"  less {_relative(recording.file.with_name(OUTPUTS_FILE))}\n"
        f"  less {_relative(recording.truth)}"
    )


def _relative(path: Path) -> str:
    here = Path.cwd()
    path = path.absolute()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
