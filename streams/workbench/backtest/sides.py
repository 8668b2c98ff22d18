"""Whom two rule sets find anything about, evaluating only once what is the same in both.

One accounts agent runs the old rule set and, of the new one, the patterns that differ, as one rule
set. Each account is by itself there, so that any share of the accounts can be looked at alone; what
is decided hangs on all of them, and comes after (`decided`).

That rests on patterns not touching each other, and they do at one point: a signal whose id one
pattern's window still remembers is no news to any of them. This matters only for an id that comes
again after 64 others; where it happens, `Sides` says so, and the two rule sets have to be run each
by itself. So they have to where patterns about entities differ: what accounts tell of the entities
they meet hangs on those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streams.agents.accounts import IDLE_MS, Accounts, accounts_agent
from streams.agents.contract import Agent
from streams.agents.meetings import SIGNALS
from streams.engine.dead_letters import TOPIC as DEAD_LETTERS
from streams.engine.memory import NOT_HEARD, MemoryDriver
from streams.patterns import Pattern, RuleSet
from streams.recording import Record


class NotExact(Exception):
    """What is the same in both rule sets can't be evaluated once here: run each by itself."""


def same_patterns(old: RuleSet, new: RuleSet) -> frozenset[str]:
    """Ids of the patterns that find and do the same in both, whatever they are called."""
    before = {pattern.id: _does(pattern) for pattern in old.patterns}
    return frozenset(
        pattern.id for pattern in new.patterns if before.get(pattern.id) == _does(pattern)
    )


def _does(pattern: Pattern) -> tuple[str, str, str, int]:
    return pattern.version, pattern.mode, pattern.severity, pattern.block.rollout


class Sides:
    """Both rule sets, on fresh state. `apart` runs each by itself, exact whatever comes.

    `accounts` are the keys of those that anything was found about, by either.
    """

    def __init__(self, old: RuleSet, new: RuleSet, *, apart: bool = False) -> None:
        self.together = not apart and _can_be_joined(old, new)
        self.schema = old.schema
        self.accounts: set[bytes] = set()
        self._dead_letters = 0
        sets = [_joined(old, new)] if self.together else [old, new]
        self._agents = [accounts_agent(ruleset, ruleset.schema) for ruleset in sets]
        self._drivers = [MemoryDriver([agent], within_ms=NOT_HEARD) for agent in self._agents]

    def feed(self, records: Sequence[Record]) -> list[list[Record]]:
        """Run some more records, in order, through both. Raises NotExact.

        Returns what the accounts tell of entities: of each rule set, of both at once if `together`.
        """
        told = [self._take(driver, records) for driver in self._drivers]
        if self.together and any(_remembered_by_a_window(agent) for agent in self._agents):
            raise NotExact
        return told

    def advance(self, to_ms: int) -> None:
        """Time passes: what waits for a moment up to `to_ms` is told."""
        for driver in self._drivers:
            self.accounts |= {one.key for one in driver.advance(to_ms) if one.topic == "detections"}

    @property
    def refused(self) -> int:
        """Records that were dead-lettered, by one rule set as by the other."""
        return self._dead_letters // len(self._drivers)

    def _take(self, driver: MemoryDriver, records: Sequence[Record]) -> list[Record]:
        told: list[Record] = []
        for output in driver.feed(records):
            topic = output.topic
            if topic == SIGNALS:
                told.append((topic, output.key, output.value, output.ts))
            elif topic == "detections":
                self.accounts.add(output.key)
            elif topic == DEAD_LETTERS:
                self._dead_letters += 1
        return told


def _can_be_joined(old: RuleSet, new: RuleSet) -> bool:
    about_entities = {one.id for one in (*old.patterns, *new.patterns) if one.entity is not None}
    return _memory_ms(old) == _memory_ms(new) and about_entities <= same_patterns(old, new)


def _joined(old: RuleSet, new: RuleSet) -> RuleSet:
    """The old patterns and those of the new ones that differ, as one rule set."""
    same = same_patterns(old, new)
    # Windows are kept under `key`, which a pattern that only goes live has in common with itself.
    added = [replace(one, key=f"{one.key}~") for one in new.patterns if one.id not in same]
    return RuleSet([*old.patterns, *added], old.schema, old.hash)


def _memory_ms(ruleset: RuleSet) -> int:
    """How long an account is remembered, which hangs on the longest window."""
    return max([IDLE_MS, *(pattern.horizon for pattern in ruleset.patterns)])


def _remembered_by_a_window(agent: Agent) -> bool:
    assert isinstance(agent.handler, Accounts)
    return agent.handler.known_to_windows_only > 0
