"""The course of the demo, from nothing to the summary, and back to nothing.

1. In a directory of its own: start Kafka; meanwhile simulate the day and keep it.
2. Make the topics, write what came before the day, start the workers, wait until they are ready.
3. Let them catch up, then play the day at a rate; show detections as they are committed.
4. Wait until the workers have handled everything and everything committed was seen.
5. Do what people do about decisions (`people`).
6. Say what the boards show, where there is a Prometheus, which has scraped the workers from their
   start (`boards`). If that is wanted, let everything stay up until asked to end.
7. Stop the workers, then Kafka; remove the directory. This also when anything above fails.
8. Write what leaves the house (`papers`).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from streams import admin
from streams.demo import boards, papers, people, prometheus
from streams.demo.boards import Board
from streams.demo.crew import Crew
from streams.demo.day import Day, unless
from streams.demo.papers import Papers
from streams.demo.prometheus import Prometheus
from streams.demo.recording import Recording, record
from streams.demo.screen import Screen
from streams.demo.summary import Figures
from streams.embedded import EmbeddedKafka
from streams.patterns.loader import CATALOGUE
from streams.simulate.plan import Plan
from streams.simulate.score import Score

_PARTITIONS = 4
_READY_S = 45.0
OUTPUTS_FILE = "outputs.jsonl"
"""What was committed, in the directory that is kept."""


@dataclass(frozen=True, slots=True)
class Show:
    """What to play: the plan, at how many signals a second, to how many workers.

    `rules` goes to `vigil run --rules`, with the demo's own beside them; `keep` is the directory that the
    recording, its truth and the outputs stay in.
    """

    plan: Plan
    rate: float
    workers: int
    keep: Path
    rules: tuple[str, ...] = (CATALOGUE,)


class Stay:
    """Lets everything stay up after the day, until asked to end."""

    def __init__(self) -> None:
        self.going_on = False
        self._asked = asyncio.Event()

    def end(self) -> None:
        """It is enough."""
        self._asked.set()

    async def until_asked(self) -> None:
        """Wait for `end`."""
        self.going_on = True
        await self._asked.wait()
        self.going_on = False


class Performed(NamedTuple):
    """What came of it; `boards` only where there is a Prometheus."""

    score: Score
    figures: Figures
    recording: Recording
    papers: Papers
    boards: list[Board] | None


async def perform(show: Show, screen: Screen, stay: Stay | None = None) -> Performed:
    """Run the demo, with `stay` until that is ended.

    Raises:
        ToolMissing, KafkaNotStarted, KafkaUnreachable: Kafka can't be had or used.
        CrewError: the workers failed.
    """
    async with _directory() as directory, _kafka(directory) as kafka:
        with screen.step("Starting Kafka and simulating a day"):
            starting = asyncio.create_task(asyncio.to_thread(kafka.start))
            recording = await asyncio.to_thread(record, show.plan, show.keep)
            address = await starting
        connection = {"bootstrap_servers": address}
        day = Day(recording, connection, show.keep / OUTPUTS_FILE, screen)
        with screen.step(f"Creating topics, writing {len(recording.before):,} earlier signals"):
            await asyncio.to_thread(admin.create, connection, partitions=_PARTITIONS)
            await day.before()
        options = ["--brokers", address]
        for rules in (*show.rules, people.rules()):
            options += ["--rules", rules]
        names = [f"demo-{number}" for number in range(1, show.workers + 1)]
        async with (
            Crew(names, options, directory) as crew,
            _prometheus(crew, directory, screen) as watching,
        ):
            with screen.step(f"Starting {show.workers} workers"):
                await unless(crew.watch(), crew.ready(_READY_S))
            await unless(crew.watch(), day.play(show.rate))
            await unless(crew.watch(), people.People(connection, screen).play())
            shown = await _boards(watching, screen)
            if stay is not None:
                _tell_where(address, crew, watching, screen)
                await unless(crew.watch(), stay.until_asked())
            with screen.step("Stopping"):
                await crew.stop()
                await asyncio.to_thread(kafka.stop)
    figures = Figures(
        signals=len(recording.day),
        accounts=show.plan.accounts,
        harmless=len({line[2] for line in recording.day} - day.score.staged),
        workers=show.workers,
        played_s=day.took_s,
        outputs=day.audience.outputs,
        p50_s=day.audience.latency_s(0.5),
        p99_s=day.audience.latency_s(0.99),
    )
    with screen.step("Writing what leaves the house"):
        outputs = show.keep / OUTPUTS_FILE
        written = await asyncio.to_thread(papers.write, recording.file, outputs, recording.begin_ms)
    return Performed(day.score, figures, recording, written, shown)


async def _boards(watching: Prometheus | None, screen: Screen) -> list[Board] | None:
    if watching is None:
        return None
    shown = await boards.read(watching)
    screen.say(
        "\n[bold]What the boards show[/]  [dim]by their own queries; rates of the last minute[/]"
    )
    screen.say(boards.table(shown))
    screen.say("  [dim]Yesterday is played back: what counts from a signal's own time is late.[/]")
    return shown


def _tell_where(address: str, crew: Crew, watching: Prometheus | None, screen: Screen) -> None:
    screen.say("\n[bold]Everything stays up until Ctrl-C[/]")
    screen.say(f"  Kafka       {address}")
    for member in crew.members:
        screen.say(f"  {member.name:<10}  http://{member.web}/metrics")
    if watching is not None:
        screen.say(f"  Prometheus  http://{watching.address}")


@asynccontextmanager
async def _prometheus(
    crew: Crew, directory: Path, screen: Screen
) -> AsyncIterator[Prometheus | None]:
    """One that watches the crew; None where it isn't installed, which is said, or there are no boards."""
    program = prometheus.program()
    if program is None:
        screen.say(
            "[dim]No Prometheus here (apt-get install prometheus): the boards' figures are left out[/]"
        )
    if program is None or not boards.files():
        yield None
        return
    targets = [member.web for member in crew.members]
    async with prometheus.Prometheus(program, targets, directory) as watching:
        yield watching


@asynccontextmanager
async def _directory() -> AsyncIterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="vigil-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def _kafka(directory: Path) -> AsyncIterator[EmbeddedKafka]:
    # Tied: if the demo itself is killed, its Kafka goes too.
    kafka = EmbeddedKafka(directory / "kafka", tied=True)
    try:
        yield kafka
    finally:
        await asyncio.to_thread(kafka.stop)
