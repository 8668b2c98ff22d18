"""Harmless traffic: whose session begins when, following the day's rhythm and who is how busy."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate

from streams.simulate.recorder import Recorder
from streams.simulate.rhythm import MINUTE_MS, ZONES, activity_at
from streams.simulate.sessions import Sessions
from streams.simulate.world import World

_THIN = 0.02
"""Traffic in the lead, as a share of a full day's."""


def play(
    world: World, recorder: Recorder, *, seed: int, begin: int, lead_minutes: int, signals: int
) -> Iterator[int]:
    """Record `signals` harmless records (a few more at most); yield each minute when complete.

    `begin` is the recorder's, ms since the epoch; in its first `lead_minutes` traffic is thin. A
    session begun in one minute reaches into later ones, never into earlier ones: so a minute is
    complete once its sessions have begun.
    """
    source = random.Random(f"benign {seed}")
    sessions = Sessions(world, recorder, source)
    draw = source.random
    first = begin // MINUTE_MS
    hidden = recorder.made
    awake: list[list[float]] = []
    for minute in range(recorder.minutes):
        share = _THIN if minute < lead_minutes else 1.0
        awake.append(
            list(
                accumulate(
                    share * busy[-1] * activity_at(first + minute, zone) if busy else 0.0
                    for zone, busy in zip(ZONES, world.cumulative, strict=True)
                )
            )
        )
    due = list(accumulate(zones[-1] for zones in awake))
    for minute, zones in enumerate(awake):
        # In the last minute due / due[-1] is exactly 1.0, so the whole number is reached.
        goal = hidden + int(signals * (due[minute] / due[-1]))
        while recorder.made < goal:
            zone = bisect(zones, draw() * zones[-1])
            busy = world.cumulative[zone]
            number = world.members[zone][bisect(busy, draw() * busy[-1])]
            sessions.play(world.account(number), minute * MINUTE_MS + int(draw() * MINUTE_MS))
        yield minute
