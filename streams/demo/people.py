"""What people do about decisions, after the day: an appeal, a surge that is held, a wrong pattern.

The demo's own pattern (`rules`) is made to be wrong, and has a budget of five actions an hour. Each
step writes what a platform or a reviewer would write, and waits for what Vigil makes of it:

1. An account is warned twice; the first warning is appealed against and overturned. What it does
   next is its second offence, not its third.
2. Twelve accounts do at once what the pattern looks for: five are warned, seven are held. A person
   releases those.
3. The pattern was wrong: a person undoes its version. All it did is taken back, and nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from time import monotonic, time
from typing import Any

from msgspec import json

from streams.demo.crew import CrewError
from streams.demo.screen import Screen
from streams.signals.times import format_ms
from streams.simulate.kafka import feed
from streams.simulate.lines import ACTIVITY, REVIEWS, Line, order_of
from streams.tap.follow import Committed, Follower

PATTERN = "3f6c2b1e-5d43-4b57-9c0e-7f2d8a1b6c90"
BUDGET = 5
SURGE = 12
APPELLANT = "appellant"
_HOUR_MS = 3_600_000
_PATIENCE_S = 30.0
_POLL_S = 0.05
_TOPICS = ("enforcement", "review-queue")


class NotAsTold(CrewError):
    """Something did not come of it that should have. Says what."""


def rules() -> str:
    """The directory of the demo's own pattern."""
    with resources.as_file(resources.files("streams") / "demo" / "rules") as path:
        return str(path)


@dataclass
class People:
    """Plays the three steps against workers on `connection`; `screen` tells of them."""

    connection: dict[str, Any]
    screen: Screen
    seen: list[Committed] = field(default_factory=list)

    async def play(self) -> None:
        """Play them. Raises `NotAsTold`, and KafkaUnreachable."""
        async with Follower(self.connection, _TOPICS, since_ms=0) as follower:
            watching = asyncio.create_task(self._watch(follower))
            try:
                self.screen.say("\n[bold]What people do about it[/]")
                now = int(time() * 1000)
                await self._appeal(now)
                await self._surge(now)
                await self._undo()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, follower: Follower) -> None:
        async for record in follower.records():
            if record.value["pattern"] == PATTERN:
                self.seen.append(record)

    async def _appeal(self, now: int) -> None:
        for count, hours in enumerate((15, 8), start=1):
            await self._write(_keys(APPELLANT, now - hours * _HOUR_MS))
            await self._until(self._has("warn", count), "a warning")
        first = min(self._done("warn"), key=lambda one: one["at"])
        about = {"account": APPELLANT, "decision": first["id"], "stage": "appeal"}
        appealed = {**about, "outcome": "appealed", "reviewer": "advocate-1"}
        overturned = {**about, "outcome": "overturned", "reviewer": "reviewer-2"}
        await self._write([_line(REVIEWS, now - 2 * _HOUR_MS, "appeal", appealed)])
        await self._until(lambda: bool(self._queued("appeal")), "the appeal in the review queue")
        await self._write([_line(REVIEWS, now - 2 * _HOUR_MS + 1, "verdict", overturned)])
        await self._until(lambda: len(self._done("undo")) == 1, "the warning to be taken back")
        await self._write(_keys(APPELLANT, now - _HOUR_MS))
        await self._until(lambda: len(self._done("warn")) == 3, "the third offence")  # noqa: PLR2004
        third = max(self._done("warn"), key=lambda one: one["at"])
        if third["strikes"] != 1:
            raise NotAsTold(f"after the appeal {third['strikes']} strikes stood, and not 1")
        self._tell(
            "an appeal",
            f"{APPELLANT} was warned twice; the first warning is overturned and taken back. At its "
            "next offence 1 strike stands, not 2: another warning, and no restriction",
        )

    async def _surge(self, now: int) -> None:
        before = len(self._done("warn"))
        await self._write(*(_keys(f"newcomer-{n}", now) for n in range(SURGE)))
        held = SURGE - BUDGET
        await self._until(lambda: len(self._queued("held")) == held, f"{held} to be held")
        await self._until(lambda: len(self._done("warn")) == before + BUDGET, "the budget's worth")
        self._tell(
            "a surge", f"{SURGE} accounts at once: {BUDGET} warned, {held} held for a person"
        )
        await self._order("release", "--all-of", PATTERN, "--reason", "expected_surge")
        await self._until(lambda: len(self._done("warn")) == before + SURGE, "the release")
        released = sum(one.get("reviewer") == "reviewer-1" for one in self._done("warn"))
        if released != held:
            raise NotAsTold(f"{released} warnings name who released them, and not {held}")

    async def _undo(self) -> None:
        version = self._done("warn")[0]["version"]
        await self._order("undo", PATTERN, version, "--reason", "wrong_pattern")
        done = {one["id"] for one in self._done("warn")}
        await self._until(
            lambda: {one["undoes"] for one in self._done("undo")} == done, "all to be taken back"
        )
        twice = [
            id_ for id_, n in Counter(one["id"] for one in self._done("undo")).items() if n > 1
        ]
        if twice:
            raise NotAsTold(f"{len(twice)} were taken back twice")
        self._tell(
            "a wrong pattern",
            f"its version is undone: {len(done)} warnings taken back, no other action",
        )

    def _has(self, action: str, count: int) -> Callable[[], bool]:
        return lambda: len(self._done(action)) == count

    def _done(self, action: str) -> list[dict[str, Any]]:
        actions = (one.value for one in self.seen if one.topic == "enforcement")
        return [one for one in actions if one["action"] == action]

    def _queued(self, reason: str) -> list[dict[str, Any]]:
        items = (one.value for one in self.seen if one.topic == "review-queue")
        return [one for one in items if one["reason"] == reason]

    async def _write(self, *parts: list[Line]) -> None:
        lines = sorted(line for part in parts for line in part)
        async with aclosing(feed(self.connection, "", [lines])) as steps:
            async for _ in steps:
                pass

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = monotonic() + _PATIENCE_S
        while not condition():
            if monotonic() > deadline:
                raise NotAsTold(
                    f"waited {_PATIENCE_S:.0f} s for {what}, and saw: {self._summary()}"
                )
            await asyncio.sleep(_POLL_S)

    def _summary(self) -> str:
        counts = Counter(
            one.value.get("action", "") if one.topic == "enforcement" else one.value["reason"]
            for one in self.seen
        )
        return ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "nothing"

    async def _order(self, *words: str) -> None:
        """Run one of Vigil's own commands, as a person would."""
        words = (*words, "--reviewer", "reviewer-1")
        self.screen.say(f"  [dim]$ vigil {' '.join(words)}[/]")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", *words),
            *("--brokers", str(self.connection["bootstrap_servers"])),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=Path.cwd(),
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise NotAsTold(f"vigil {words[0]} ended with {process.returncode}: {said.decode()}")

    def _tell(self, what: str, how: str) -> None:
        self.screen.say(f"  [green]✔[/] {what}: {how}")


def _keys(account: str, at: int) -> list[Line]:
    return [
        _line(
            ACTIVITY, at + n, f"{account}-{at}-{n}", {"account": account, "kind": "api_key.created"}
        )
        for n in range(3)
    ]


def _line(topic: str, at: int, id_: str, said: dict[str, str]) -> Line:
    value = {"id": id_, "at": format_ms(at), **said}
    return order_of(topic, at), topic, said["account"], json.encode(value).decode()
