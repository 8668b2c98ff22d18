"""The three agents as they are deployed and replayed: one rule set, one policy, one engine."""

from __future__ import annotations

from streams.agents.accounts import accounts_agent
from streams.agents.contract import Agent
from streams.agents.entities import entities_agent
from streams.agents.governor import governor_agent
from streams.patterns import RuleSet


def all_agents(ruleset: RuleSet) -> list[Agent]:
    """Accounts, entities and governor, with the schema the rule set was loaded with."""
    schema = ruleset.schema
    return [
        accounts_agent(ruleset, schema),
        entities_agent(ruleset, schema),
        governor_agent(schema),
    ]
