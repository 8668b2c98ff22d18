"""Hides campaigns and look-alikes: who plays them, when, and what of it a pattern must see."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

from streams.signals.times import format_ms
from streams.simulate.lines import HITS, REVIEWS, ts_of
from streams.simulate.plan import Guest, Plan, Wanted
from streams.simulate.recorder import Recorder
from streams.simulate.recount import HIT, REVIEW, Act
from streams.simulate.rhythm import MINUTE_MS
from streams.simulate.scene import Scene
from streams.simulate.stage import Stage
from streams.simulate.truth import Hidden, Lookalike, shipped
from streams.simulate.world import Account, World

_SLACK_MS = 6 * 60 * MINUTE_MS
"""What takes longer than the plan's days begins within this time of the latest that will do."""

_WHAT = {HITS: HIT, REVIEWS: REVIEW}


class PlanTooSmallError(Exception):
    """A plan has too few accounts or signals for its campaigns. Says how many it takes."""


class Hiding:
    """Plays what a plan hides into a recorder that holds nothing else yet.

    Args:
        begin_ms: the recorder's begin, ms since the epoch.
        lead_minutes: thin days before the plan's own.
    """

    def __init__(
        self,
        plan: Plan,
        world: World,
        recorder: Recorder,
        source: random.Random,
        *,
        begin_ms: int,
        lead_minutes: int,
    ) -> None:
        self._plan = plan
        self._world = world
        self._recorder = recorder
        self._source = source
        self._begin_ms = begin_ms
        self._lead_ms = lead_minutes * MINUTE_MS
        self._end = recorder.minutes * MINUTE_MS
        self._strangers = count(world.size)

    def campaigns(self) -> list[Hidden]:
        """Hide the campaigns, in the order of the plan.

        Raises:
            PlanTooSmallError: they need more accounts than the plan has.
        """
        needed = sum(
            wanted.accounts * wanted.split
            for wanted in self._plan.wanted
            if not wanted.campaign.strangers
        )
        if needed > self._plan.accounts:
            raise PlanTooSmallError(
                f"the campaigns take {needed} accounts; ask for more than {self._plan.accounts} "
                "accounts or for fewer campaigns"
            )
        sampled = iter(self._source.sample(range(self._plan.accounts), needed))
        played = [
            self._perform(instance, wanted, sampled)
            for instance, wanted in enumerate(self._plan.wanted, start=1)
        ]
        acts = self._acts()
        return [self._told(*one, acts) for one in played]

    def lookalikes(self) -> list[Lookalike]:
        """Let the look-alikes live, in the order of the plan."""
        return [
            self._welcome(instance, guest)
            for instance, guest in enumerate(self._plan.guests, start=1)
        ]

    def _perform(
        self, instance: int, wanted: Wanted, sampled: Iterator[int]
    ) -> tuple[int, Wanted, list[Stage], Scene]:
        campaign = wanted.campaign
        scene = self._scene(f"{campaign.name} {instance}")
        stagger = int(campaign.stagger_ms / wanted.pace)
        begin = self._begin(wanted.takes_ms)
        stages = []
        for number in range(wanted.accounts):
            accounts = [self._player(wanted, scene, sampled) for _ in range(wanted.split)]
            stage = Stage(scene, accounts, number, hop=wanted.hop)
            before = self._recorder.made
            campaign.act(stage, begin + self._source.randrange(stagger), wanted.pace)
            made = self._recorder.made - before
            if wanted.pad and stage.started is not None:
                stage.lives(stage.started, stage.ended, int(wanted.pad * made))
            stages.append(stage)
        return instance, wanted, stages, scene

    def _player(self, wanted: Wanted, scene: Scene, sampled: Iterator[int]) -> Account:
        if wanted.campaign.strangers:
            return scene.stranger()
        return self._world.account(next(sampled))

    def _scene(self, name: str) -> Scene:
        return Scene(
            self._world, self._recorder, self._source, name=name, strangers=self._strangers
        )

    def _begin(self, takes: int) -> int:
        """When something that takes so long begins: within the full days, if it fits into them."""
        latest = max(0, self._end - takes)
        earliest = self._lead_ms if latest >= self._lead_ms else max(0, latest - _SLACK_MS)
        return self._source.randint(earliest, latest)

    def _told(
        self,
        instance: int,
        wanted: Wanted,
        stages: list[Stage],
        scene: Scene,
        acts: dict[str, list[Act]],
    ) -> Hidden:
        campaign = wanted.campaign
        # Split over more accounts than there were acts, or cut off by the end, some did nothing.
        accounts = tuple(account for account in _ids(stages) if account in acts)
        started = min(stage.started for stage in stages if stage.started is not None)
        ended = max(stage.ended for stage in stages)
        pattern = shipped().get(campaign.pattern)
        each = [acts[account] for account in accounts]
        if campaign.together:
            each = [sorted((act for some in each for act in some), key=_at)]
        met = bool(accounts) and all(campaign.met(some, self._end) for some in each)
        return Hidden(
            campaign=campaign.name,
            instance=instance,
            accounts=accounts,
            aside=tuple(scene.aside),
            patterns=(pattern,) if pattern else (),
            started_at=format_ms(self._begin_ms + min(started, self._end - 1)),
            ended_at=format_ms(self._begin_ms + min(ended, self._end - 1)),
            pace=wanted.pace,
            split=wanted.split,
            hop=wanted.hop,
            pad=wanted.pad,
            met=met,
            detectable=met and pattern is not None,
        )

    def _acts(self) -> dict[str, list[Act]]:
        """What was recorded, by account, in order of time."""
        found: defaultdict[str, list[Act]] = defaultdict(list)
        for order, topic, account, value in self._recorder.so_far():
            fields = msgspec.json.decode(value)
            what = _WHAT.get(topic) or fields["kind"]
            found[account].append(Act(ts_of(order) - self._begin_ms, what, account, fields))
        return {account: sorted(acts, key=_at) for account, acts in found.items()}

    def _welcome(self, instance: int, guest: Guest) -> Lookalike:
        persona = guest.persona
        scene = self._scene(f"{persona.name} {instance}")
        begin = self._begin(persona.lasts_ms)
        stages = persona.play(scene, guest.accounts, begin)
        return Lookalike(
            lookalike=persona.name,
            instance=instance,
            accounts=tuple(dict.fromkeys(_ids(stages))),
            aside=tuple(scene.aside),
            wrong=persona.wrong,
            started_at=format_ms(self._begin_ms + begin),
            ended_at=format_ms(self._begin_ms + min(begin + persona.lasts_ms, self._end - 1)),
        )


def _ids(stages: Sequence[Stage]) -> list[str]:
    return [account.id for stage in stages for account in stage.accounts]


def _at(act: Act) -> int:
    return act.at
