"""The shipped catalogue against the simulator, through the code that also runs under Kafka."""

from itertools import chain

import pytest
from msgspec import json

from streams.agents.accounts import accounts_agent
from streams.demo.score import Score
from streams.engine.memory import MemoryDriver
from streams.patterns import load_rules
from streams.signals import Schema
from streams.simulate.campaigns import CAMPAIGNS
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation

SCHEMA = Schema()
CATALOGUE = load_rules(["catalogue"], SCHEMA)


def played(plan):
    """The outputs of a simulation, and its score."""
    simulation = Simulation(plan)
    score = Score(simulation.truth)
    driver = MemoryDriver([accounts_agent(CATALOGUE, SCHEMA)])
    lines = chain.from_iterable(simulation.chunks())
    records = (
        (topic, key.encode(), value.encode(), ts_of(order)) for order, topic, key, value in lines
    )
    outputs = list(driver.feed(records))
    for output in outputs:
        if output.topic == "detections":
            score.note(json.decode(output.value))
    return outputs, score


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_shipped_pattern_finds_every_account_of_its_campaign(name, seed):
    outputs, score = played(Plan(signals=8_000, seed=seed, wanted=parse_campaigns(name)))
    (outcome,) = score.outcomes
    assert outcome.hidden.detectable
    assert outcome.complete, f"only {outcome.found} of {outcome.hidden.accounts}"
    assert outcome.took_ms > 0
    assert not [output for output in outputs if output.topic == "dead-letters"]


@pytest.mark.parametrize("name", ["refusal-ladder", "repeated-suspected-hits", "slow-drip"])
@pytest.mark.parametrize("pace", [0.01, 0.15, 0.4, 0.7, 3])
def test_the_truth_says_detectable_exactly_when_the_pattern_finds_every_account(name, pace):
    _, score = played(Plan(signals=6_000, wanted=parse_campaigns(f"{name}:pace={pace}")))
    (outcome,) = score.outcomes
    assert outcome.complete == outcome.hidden.detectable


def test_harmless_traffic_alone_is_mostly_left_in_peace():
    plan = Plan(signals=200_000)
    outputs, score = played(plan)
    # Honest false alarms cluster on few accounts; over seeds 0 to 9 it is 0 to 4 accounts.
    assert len(score.false_accounts) <= plan.accounts * 0.002
    assert {output.topic for output in outputs} <= {"detections", "enforcement"}
