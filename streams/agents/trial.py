"""The agent an inline test needs: the one that runs the pattern under test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streams.agents.accounts import accounts_agent
from streams.agents.contract import Agent, Out, State
from streams.agents.entities import dispatch_value, entities_agent
from streams.agents.entity_signals import Meeting
from streams.agents.meetings import TOLD, look, sought
from streams.patterns import RuleSet
from streams.patterns.pattern import ENTITIES


def agent_for(ruleset: RuleSet) -> Agent:
    """The agent of a rule set that is one pattern (`streams.patterns.run_tests` makes such)."""
    if any(pattern.agent == ENTITIES for pattern in ruleset.patterns):
        return _about_entities(ruleset)
    return accounts_agent(ruleset, ruleset.schema)


def _about_entities(ruleset: RuleSet) -> Agent:
    """The entities agent, fed with signals themselves, as if their accounts had told of them.

    An account tells of what a pattern looks for; that it met an entity makes nothing fire.
    """
    agent = entities_agent(ruleset, ruleset.schema)
    wanted = sought(ruleset)

    def handle(state: State, signal: Any, out: Out) -> None:
        found: dict[str, bool] = {}
        look(wanted[signal.topic].get(dispatch_value(signal), ()), signal, found)
        for entity in found:
            agent.handler(state, Meeting(entity, entity.partition(":")[0], signal), out)

    decoders = {topic: ruleset.schema.decoder(topic) for topic in TOLD}
    return replace(agent, inputs=TOLD, decoders=decoders, handler=handle)
