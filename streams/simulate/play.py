"""Plays a plan: hides its campaigns in harmless traffic and puts all of it into one order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from streams.simulate import benign
from streams.simulate.hiding import Hiding, PlanTooSmallError
from streams.simulate.lines import Line
from streams.simulate.plan import Plan
from streams.simulate.recorder import Recorder
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.world import World

MOST_LEAD_DAYS = 60
"""What takes longer is cut off at the simulation's end."""


class Simulation:
    """A plan, ready to be played once.

    Raises:
        PlanTooSmallError: the campaigns need more accounts or signals than the plan has.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        lead_days = _lead_days(plan)
        self._lead_minutes = lead_days * DAY_MS // MINUTE_MS
        self.begin_ms = plan.begin_ms - lead_days * DAY_MS
        """Earliest possible timestamp: thin days come first if a campaign takes longer."""
        self.end_ms = plan.begin_ms + plan.minutes * MINUTE_MS
        """No record is as late as this."""
        self._world = World(plan.seed, plan.accounts)
        source = random.Random(f"campaigns {plan.seed}")
        self._recorder = Recorder(self.begin_ms, self._lead_minutes + plan.minutes, source)
        hiding = Hiding(
            plan,
            self._world,
            self._recorder,
            source,
            begin_ms=self.begin_ms,
            lead_minutes=self._lead_minutes,
        )
        self.truth = hiding.campaigns()
        """What is hidden, in the order of the plan."""
        self.lookalikes = hiding.lookalikes()
        """Who looks bad and isn't, in the order of the plan."""
        self.staged = self._recorder.made
        """How many signals are made for the campaigns and look-alikes."""
        if self.staged > plan.signals:
            raise PlanTooSmallError(
                f"the campaigns and look-alikes alone make {self.staged} signals; "
                f"ask for more than {plan.signals} signals or for fewer of them"
            )

    def chunks(self) -> Iterator[list[Line]]:
        """Yield `plan.signals` records in all, minute by minute, ascending by order."""
        left = self.plan.signals
        complete = benign.play(
            self._world,
            self._recorder,
            seed=self.plan.seed,
            begin=self.begin_ms,
            lead_minutes=self._lead_minutes,
            signals=left - self._recorder.made,
        )
        for minute in complete:
            chunk = sorted(self._recorder.take(minute))[:left]
            left -= len(chunk)  # the last session may overshoot by a few
            if chunk:
                yield chunk


def _lead_days(plan: Plan) -> int:
    """How many thin days must come before the plan's own, for its slowest campaign to fit."""
    span = plan.minutes * MINUTE_MS
    takes = [wanted.takes_ms for wanted in plan.wanted]
    takes += [guest.persona.lasts_ms for guest in plan.guests]
    missing = max(takes, default=0) - span
    if missing <= 0:
        return 0
    return min(MOST_LEAD_DAYS, 1 + int(missing / DAY_MS))
