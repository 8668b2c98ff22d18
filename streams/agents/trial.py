"""The agent an inline test needs: the one that runs the pattern under test."""

from __future__ import annotations

from streams.agents.accounts import accounts_agent
from streams.agents.contract import Agent
from streams.agents.entities import entities_agent
from streams.patterns import RuleSet
from streams.patterns.pattern import ENTITIES


def agent_for(ruleset: RuleSet) -> Agent:
    """The agent of a rule set that is one pattern (`streams.patterns.run_tests` makes such)."""
    about_entities = any(pattern.agent == ENTITIES for pattern in ruleset.patterns)
    make = entities_agent if about_entities else accounts_agent
    return make(ruleset, ruleset.schema)
