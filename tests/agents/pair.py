"""What agents say to each other, on the in-memory driver, fed with raw signals."""

from __future__ import annotations

from typing import Any

from streams.patterns import RuleSet, load_rules
from tests.patterns.driving import SCHEMA, Play

CATALOGUE = load_rules(["catalogue"], SCHEMA)


class Pair(Play):
    """All agents running, looked at for what accounts and entities tell each other."""

    def __init__(self, ruleset: RuleSet = CATALOGUE) -> None:
        super().__init__(ruleset)

    @property
    def entities(self) -> Any:
        """The entities agent's store."""
        return self.driver.processors[1].store

    @property
    def told(self) -> list[dict[str, Any]]:
        """The account-signals."""
        return [
            one
            for one in self.out.get("account-signals", [])
            if one["kind"] in ("entity", "content")
        ]

    @property
    def met(self) -> list[dict[str, Any]]:
        """The entity-signals."""
        return self.out.get("entity-signals", [])

    def found(self, title: str) -> list[dict[str, Any]]:
        """The detections of a pattern, by its title."""
        return [detection for detection in self.detections if detection["title"] == title]
