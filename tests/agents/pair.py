"""Accounts and entities together on the in-memory driver, fed with raw signals."""

from __future__ import annotations

from typing import Any

from streams.agents.accounts import accounts_agent
from streams.agents.entities import entities_agent
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet, load_rules
from tests.patterns.driving import SCHEMA, Play

CATALOGUE = load_rules(["catalogue"], SCHEMA)


class Pair(Play):
    """Both agents running; what they emit is kept by topic, decoded."""

    def __init__(self, ruleset: RuleSet = CATALOGUE) -> None:
        schema = ruleset.schema
        agents = [accounts_agent(ruleset, schema), entities_agent(ruleset, schema)]
        self.driver = MemoryDriver(agents)
        self.out = {}

    @property
    def entities(self) -> Any:
        """The entities agent's store."""
        return self.driver.processors[1].store

    @property
    def told(self) -> list[dict[str, Any]]:
        """The account-signals."""
        return self.out.get("account-signals", [])

    @property
    def met(self) -> list[dict[str, Any]]:
        """The entity-signals."""
        return self.out.get("entity-signals", [])

    def found(self, title: str) -> list[dict[str, Any]]:
        """The detections of a pattern, by its title."""
        return [detection for detection in self.detections if detection["title"] == title]
