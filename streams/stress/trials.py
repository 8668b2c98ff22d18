"""Many trials on all cores: the seeds know nothing of each other."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from streams.agents.team import all_agents
from streams.patterns import RuleSet, load_rules
from streams.patterns.loader import CATALOGUE
from streams.signals import Schema
from streams.simulate.plan import Guest, Plan, Wanted, parse_campaigns, parse_lookalikes
from streams.stress.trial import Trial, run
from streams.stress.variations import EVASIONS, by_length, variations

_SIGNALS_PER_ACCOUNT_AND_DAY = 40
_ROOM = 2
"""So many times more accounts than play in campaigns, at least."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stress:
    """What to try: `seeds` seeds from the first one on, `signals` signals in each trial, over so many days.

    `campaigns` and `lookalikes` are lists as `vigil simulate` takes them, and plain text, because a
    request goes to other processes; `rules` are paths as `load_rules` takes them, to be
    read with the schema file `schema`.
    """

    campaigns: str = "all"
    evasions: tuple[str, ...] = EVASIONS
    lookalikes: str = "all"
    rules: tuple[str, ...] = (CATALOGUE,)
    schema: Path | None = None
    seeds: int = 10
    first_seed: int = 1
    signals: int = 200_000
    days: float = 1.0

    def ruleset(self) -> RuleSet:
        """The rules, loaded once in each process.

        Raises:
            RuleErrors, SchemaError: a file has a mistake.
        """
        return _loaded(self.rules, self.schema)

    def plans(self) -> list[Plan]:
        """The trials: per seed one of what fits into the days, and one of what takes longer.

        Apart, because days of thin traffic come before what takes longer. Look-alikes are in the
        first, which is there in any case.

        Raises:
            UnknownCampaignError: one of the lists can't be read.
        """
        guests = parse_lookalikes(self.lookalikes)
        wanted = variations(parse_campaigns(self.campaigns), self.evasions)
        short, long = by_length(wanted, self.days)
        kinds: list[tuple[list[Wanted], tuple[Guest, ...]]] = [(short, guests)]
        if long:
            kinds.append((long, ()))
        return [
            Plan(
                accounts=max(
                    round(self.signals / self.days / _SIGNALS_PER_ACCOUNT_AND_DAY),
                    _ROOM * sum(one.accounts * one.split for one in hidden),
                    1,
                ),
                signals=self.signals,
                seed=seed,
                days=self.days,
                wanted=tuple(hidden),
                guests=present,
            )
            for seed in range(self.first_seed, self.first_seed + self.seeds)
            for hidden, present in kinds
        ]


def try_all(stress: Stress, jobs: int, advance: Callable[[], None]) -> list[Trial]:
    """Run every trial, `jobs` at a time; `advance` is called after each.

    The order is that of `Stress.plans`, however long each takes.

    Raises:
        RuleErrors, SchemaError: a file has a mistake.
        UnknownCampaignError: one of the lists can't be read.
        PlanTooSmallError: the campaigns need more signals than a trial has.
    """
    numbers = range(len(stress.plans()))
    stress.ruleset()  # a mistake in the rules is told here, once
    if jobs == 1:
        return list(_watched((_play(stress, number) for number in numbers), advance))
    # Spawned: the parent has threads (a progress bar), and a fork would copy their locks.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _leave_interrupts) as pool:
        futures = [pool.submit(_play, stress, number) for number in numbers]
        try:
            for _ in _watched(as_completed(futures), advance):
                pass
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _watched(many: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    for one in many:
        yield one
        advance()


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the parent's part is to end the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def _loaded(rules: tuple[str, ...], schema: Path | None) -> RuleSet:
    return load_rules(rules, Schema.load(schema))


def _play(stress: Stress, number: int) -> Trial:
    ruleset = stress.ruleset()
    return run(stress.plans()[number], all_agents(ruleset))
