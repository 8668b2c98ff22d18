"""Plays a plan: hides its campaigns in harmless traffic and puts all of it into one order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from streams.signals.times import format_ms
from streams.simulate import benign
from streams.simulate.lines import Line
from streams.simulate.plan import Plan, Wanted
from streams.simulate.recorder import Recorder
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage
from streams.simulate.truth import Hidden, shipped
from streams.simulate.world import World

_MOST_LEAD_DAYS = 60
_STAGGER_MS = 40 * MINUTE_MS
"""The accounts of one campaign begin within this time of each other."""


class PlanTooSmallError(Exception):
    """A plan has too few accounts or signals for its campaigns. Says how many it takes."""


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
        self._world = World(plan.seed, plan.accounts)
        self._source = random.Random(f"campaigns {plan.seed}")
        self._recorder = Recorder(self.begin_ms, self._lead_minutes + plan.minutes, self._source)
        self.truth = self._hide()
        """What is hidden, in the order of the plan."""
        if self._recorder.made > plan.signals:
            raise PlanTooSmallError(
                f"the campaigns alone make {self._recorder.made} signals; "
                f"ask for more than {plan.signals} signals or for fewer campaigns"
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

    def _hide(self) -> list[Hidden]:
        needed = sum(wanted.accounts for wanted in self.plan.wanted)
        if needed > self.plan.accounts:
            raise PlanTooSmallError(
                f"the campaigns take {needed} accounts; ask for more than {self.plan.accounts} "
                "accounts or for fewer campaigns"
            )
        numbers = iter(self._source.sample(range(self.plan.accounts), needed))
        return [
            self._perform(instance, wanted, [next(numbers) for _ in range(wanted.accounts)])
            for instance, wanted in enumerate(self.plan.wanted, start=1)
        ]

    def _perform(self, instance: int, wanted: Wanted, numbers: list[int]) -> Hidden:
        campaign = wanted.campaign
        span = self._recorder.minutes * MINUTE_MS
        takes = int(campaign.lasts_ms / wanted.pace) + _STAGGER_MS
        latest = max(0, span - takes)
        # One that takes longer than the plan's days reaches into them; others lie within.
        begin = self._source.randint(min(self._lead_minutes * MINUTE_MS, latest), latest)
        stages = []
        for number in numbers:
            stage = Stage(self._world.account(number), self._recorder, self._source)
            campaign.act(stage, begin + self._source.randrange(_STAGGER_MS), wanted.pace)
            stages.append(stage)
        started = min(stage.started for stage in stages if stage.started is not None)
        ended = max(act.at for stage in stages for act in stage.acts)
        return Hidden(
            campaign=campaign.name,
            instance=instance,
            accounts=tuple(stage.account.id for stage in stages),
            patterns=(shipped()[campaign.pattern],),
            started_at=format_ms(self.begin_ms + started),
            ended_at=format_ms(self.begin_ms + ended),
            pace=wanted.pace,
            detectable=all(campaign.met(stage.acts) for stage in stages),
        )


def _lead_days(plan: Plan) -> int:
    """How many thin days must come before the plan's own, for its slowest campaign to fit."""
    span = plan.minutes * MINUTE_MS
    longest = max((wanted.campaign.lasts_ms / wanted.pace for wanted in plan.wanted), default=0)
    missing = longest + _STAGGER_MS - span
    if missing <= 0:
        return 0
    return min(_MOST_LEAD_DAYS, 1 + int(missing / DAY_MS))
