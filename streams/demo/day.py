"""Plays the recorded day to the workers by the clock, and watches until everything is seen.

A day in twenty seconds makes a delay of one second an hour and more. Where two inputs arrive in
one order and their times say another, that would be a lateness no deployment sees; the days before,
a week of thin traffic, would go by in two seconds. So they are in Kafka before the workers start:
these catch up on them in the order of time, as after any pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from streams.demo.audience import Audience
from streams.demo.crew import CrewError
from streams.demo.lag import caught_up
from streams.demo.recording import Recording
from streams.demo.screen import Screen
from streams.signals.times import format_ms
from streams.simulate.kafka import feed
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, ts_of
from streams.simulate.score import Score
from streams.tap.follow import Committed, Follower
from streams.tap.show import brief

_OUTPUTS = ("detections", "enforcement", "review-queue", "reports", "dead-letters")
_CATCH_UP_S = 30.0
_POLL_S = 0.1

T = TypeVar("T")


class StuckError(CrewError):
    """The workers did not handle everything in time. Says how much is left."""


class Day:
    """The playing of one recording.

    Args:
        recording: what to play.
        connection: of the Kafka to play to.
        keep: file for the outputs, as JSON lines.
        screen: shows how far it is, and each detection.
    """

    def __init__(
        self, recording: Recording, connection: dict[str, Any], keep: Path, screen: Screen
    ) -> None:
        self.score = Score(recording.hidden)
        self.audience = Audience(self.score, recording.begin_ms, keep, self._show)
        self.took_s = 0.0
        """From the first signal of the day until the last was handled."""
        self._recording = recording
        self._connection = connection
        self._screen = screen
        self._campaigns = {
            account: hidden.campaign for hidden in recording.hidden for account in hidden.accounts
        }

    async def before(self) -> None:
        """Write what came before the day, all at once."""
        async with aclosing(feed(self._connection, "", [self._recording.before])) as steps:
            async for _ in steps:
                pass

    async def play(self, rate: float) -> None:
        """Play the day at `rate` signals a second; return when all that came of it was seen.

        Raises:
            StuckError: the workers did not handle everything.
            KafkaUnreachable: Kafka failed.
        """
        async with Follower(self._connection, _OUTPUTS, since_ms=0) as follower:
            await unless(self.audience.watch(follower), self._drive(rate, follower.at_end))

    async def _drive(self, rate: float, seen_all: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        lines = self._recording.day
        total, done = len(lines), 0
        with self._screen.step("Catching up on the days before"):
            await self._handled()
        began = monotonic()
        with self._screen.day(total):
            async with aclosing(feed(self._connection, "", [lines], rate)) as steps:
                async for step in steps:
                    self.audience.sent(step)
                    done += step.records
                    when = format_ms(ts_of(step.last))
                    self._screen.advance(done, total, f"{when[:10]} {when[11:16]}")
            self._screen.advance(total, total, "waiting for the workers")
            await self._handled()
            self.took_s = monotonic() - began
            while not await seen_all():  # noqa: ASYNC110 - the broker's state is no event
                await asyncio.sleep(_POLL_S)

    async def _handled(self) -> None:
        left = await caught_up(self._connection, (ACTIVITY, HITS, REVIEWS), _CATCH_UP_S)
        if left:
            raise StuckError(
                f"{left:,} signals were not handled {_CATCH_UP_S:.0f} s after they were written"
            )

    def _show(self, detection: Committed) -> None:
        campaign = self._campaigns.get(detection.value["account"])
        note = (campaign, "green") if campaign else ("harmless account", "yellow")
        self._screen.say(brief(detection.value, note))


async def unless(alarm: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
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
