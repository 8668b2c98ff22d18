"""The course of the demo, from nothing to the summary, and back to nothing.

1. In a directory of its own: start Kafka; meanwhile simulate the day and keep it.
2. Make the topics, start the workers, wait until they are ready.
3. Play the day at a rate; show detections as they are committed.
4. Wait until the workers have handled everything and everything committed was seen.
5. Stop the workers, then Kafka; remove the directory. This also when anything above fails.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from streams import admin
from streams.demo.audience import Audience
from streams.demo.crew import Crew, CrewError
from streams.demo.lag import caught_up
from streams.demo.recording import Recording, record
from streams.demo.score import Score
from streams.demo.screen import Screen
from streams.demo.summary import Figures
from streams.embedded import EmbeddedKafka
from streams.signals.times import format_ms
from streams.simulate.kafka import feed
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, ts_of
from streams.simulate.plan import Plan
from streams.tap.follow import Committed, Follower
from streams.tap.show import brief

_PARTITIONS = 4
_OUTPUTS = ("detections", "enforcement", "dead-letters")
_READY_S = 45.0
_CATCH_UP_S = 30.0
_POLL_S = 0.1
OUTPUTS_FILE = "outputs.jsonl"
"""What was committed, in the directory that is kept."""

T = TypeVar("T")


class StuckError(CrewError):
    """The workers did not handle everything in time. Says how much is left."""


@dataclass(frozen=True, slots=True)
class Show:
    """What to play: the plan, at how many signals a second, to how many workers.

    `rules` goes to `vigil run --rules`, () for the default; `keep` is the directory that the
    recording, its truth and the outputs stay in.
    """

    plan: Plan
    rate: float
    workers: int
    keep: Path
    rules: tuple[str, ...] = ()


async def perform(show: Show, screen: Screen) -> tuple[Score, Figures, Recording]:
    """Run the demo.

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
        with screen.step("Creating topics"):
            await asyncio.to_thread(admin.create, connection, partitions=_PARTITIONS)
        options = ["--brokers", address]
        for rules in show.rules:
            options += ["--rules", rules]
        names = [f"demo-{number}" for number in range(1, show.workers + 1)]
        async with Crew(names, options, directory) as crew:
            with screen.step(f"Starting {show.workers} workers"):
                await _unless(crew.watch(), crew.ready(_READY_S))
            score, figures = await _unless(crew.watch(), _play(show, recording, connection, screen))
            with screen.step("Stopping"):
                await crew.stop()
                await asyncio.to_thread(kafka.stop)
    return score, figures, recording


async def _play(
    show: Show, recording: Recording, connection: dict[str, Any], screen: Screen
) -> tuple[Score, Figures]:
    names = {account: hidden.campaign for hidden in recording.hidden for account in hidden.accounts}

    def shown(detection: Committed) -> None:
        campaign = names.get(detection.value["account"])
        note = (campaign, "green") if campaign else ("harmless account", "yellow")
        screen.say(brief(detection.value, note))

    score = Score(recording.hidden)
    audience = Audience(score, show.keep / OUTPUTS_FILE, shown)
    async with Follower(connection, _OUTPUTS, since_ms=0) as follower:

        async def seen() -> None:
            while not await follower.at_end():  # noqa: ASYNC110 - the broker's state is no event
                await asyncio.sleep(_POLL_S)

        async def drive() -> float:
            began = monotonic()
            with screen.day(len(recording.lines)):
                await _send(show, recording, connection, screen, audience)
                total = len(recording.lines)
                screen.advance(total, total, "waiting for the workers")
                await _handled(connection)
                handled_s = monotonic() - began
                await seen()
            return handled_s

        played_s = await _unless(audience.watch(follower), drive())
    return score, Figures(
        signals=len(recording.lines),
        accounts=show.plan.accounts,
        workers=show.workers,
        played_s=played_s,
        outputs=audience.outputs,
        p50_s=audience.latency_s(0.5),
        p99_s=audience.latency_s(0.99),
    )


async def _send(
    show: Show,
    recording: Recording,
    connection: dict[str, Any],
    screen: Screen,
    audience: Audience,
) -> None:
    total, done = len(recording.lines), 0
    async with aclosing(feed(connection, "", [recording.lines], show.rate)) as steps:
        async for step in steps:
            audience.sent(step)
            done += step.records
            when = format_ms(ts_of(step.last))
            screen.advance(done, total, f"{when[:10]} {when[11:16]}")


async def _handled(connection: dict[str, Any]) -> None:
    left = await caught_up(connection, (ACTIVITY, HITS, REVIEWS), _CATCH_UP_S)
    if left:
        raise StuckError(
            f"{left:,} signals were not handled {_CATCH_UP_S:.0f} s after the last one was sent"
        )


async def _unless(alarm: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; if `alarm` raises before, cancel `work` and raise that."""
    watching, working = asyncio.ensure_future(alarm), asyncio.ensure_future(work)
    try:
        await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            watching.result()
        return await working
    finally:
        watching.cancel()
        working.cancel()
        await asyncio.gather(watching, working, return_exceptions=True)


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
