"""One trial: a simulation through the real agents in memory, held against its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from msgspec import json

from streams.agents.contract import Agent
from streams.engine.memory import MemoryDriver
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan
from streams.simulate.play import Simulation
from streams.simulate.score import Outcome, Score, Treatment


@dataclass(slots=True)
class Trial:
    """What became of one simulation.

    `benign` are the signals of harmless accounts on the plan's own days, those before being thin;
    `false` and `false_in_shadow` the detections on these accounts and days, by the pattern's id.
    """

    signals: int
    benign: int
    outcomes: list[Outcome]
    treatments: list[Treatment]
    false: Counter[str]
    false_in_shadow: Counter[str]
    dead_letters: int


def run(plan: Plan, agents: Sequence[Agent]) -> Trial:
    """Play a plan to agents with no state yet.

    Raises:
        PlanTooSmallError: the campaigns need more accounts or signals than the plan has.
    """
    simulation = Simulation(plan)
    score = Score([*simulation.truth, *simulation.lookalikes], since_ms=plan.begin_ms)
    benign = 0

    def records() -> Iterator[tuple[str, bytes, bytes, int]]:
        nonlocal benign
        begin, staged = plan.begin_ms, score.staged
        for chunk in simulation.chunks():
            for order, topic, key, value in chunk:
                at = ts_of(order)
                if at >= begin and key not in staged:
                    benign += 1
                yield topic, key.encode(), value.encode(), at

    dead_letters = 0
    driver = MemoryDriver(agents)
    for output in chain(driver.feed(records()), driver.advance(simulation.end_ms)):
        if output.topic == "detections":
            score.note(json.decode(output.value))
        elif output.topic == "enforcement":
            score.note_action(json.decode(output.value))
        elif output.topic == "dead-letters":
            dead_letters += 1
    return Trial(
        plan.signals,
        benign,
        score.outcomes,
        score.treatments,
        score.false,
        score.false_in_shadow,
        dead_letters,
    )
