"""Two rule sets over the same records, evaluating only once what is the same in both.

One agent runs the old rule set and, of the new one, the patterns that differ, as one rule set; which
side a find belongs to stands in its title. That rests on patterns not touching each other, and they
do at one point: a signal whose id one pattern's window still remembers is no news to any of them.
This matters only for an id that comes again after 64 others; where it happens, `Sides` says so, and
the two rule sets have to be run each by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from streams.agents.accounts import IDLE_MS, Accounts, accounts_agent
from streams.agents.contract import Agent
from streams.engine.dead_letters import TOPIC as DEAD_LETTERS
from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.patterns import Pattern, RuleSet
from streams.recording import Record
from streams.workbench.backtest.finds import Detection, Finds, read

_BOTH, _OLD, _NEW = "both", "old", "new"


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
    """Both rule sets, on fresh state. `apart` runs each by itself, exact whatever comes."""

    def __init__(self, old: RuleSet, new: RuleSet, *, apart: bool = False) -> None:
        self._dead_letters = 0
        self._finds = {_OLD: Finds(old), _NEW: Finds(new)}
        self._together = not apart and _memory_ms(old) == _memory_ms(new)
        sets = [_joined(old, new)] if self._together else [_marked(old, _OLD), _marked(new, _NEW)]
        self._agents = [accounts_agent(ruleset, ruleset.schema) for ruleset in sets]
        self._drivers = [MemoryDriver([agent]) for agent in self._agents]

    def feed(self, records: Sequence[Record]) -> None:
        """Run some more records, in order, through both. Raises NotExact."""
        for driver in self._drivers:
            self._take(driver.feed(records))
        if self._together and any(_remembered_by_a_window(agent) for agent in self._agents):
            raise NotExact

    def advance(self, to_ms: int) -> None:
        """Time passes: what waits for a moment up to `to_ms` is told."""
        for driver in self._drivers:
            self._take(driver.advance(to_ms))

    @property
    def refused(self) -> int:
        """Records that were dead-lettered, by one rule set as by the other."""
        return self._dead_letters // len(self._drivers)

    @property
    def finds(self) -> tuple[Finds, Finds]:
        """What the old and the new rule set found in all that was fed."""
        return self._finds[_OLD], self._finds[_NEW]

    def _take(self, outputs: Iterable[Output]) -> None:
        side = _BOTH
        for output in outputs:
            if output.topic == DEAD_LETTERS:
                self._dead_letters += 1
            told = read(output)
            if told is None:
                continue
            if isinstance(told, Detection):
                side = told.title  # and of the enforcement that comes next
            for name, finds in self._finds.items():
                if side in (name, _BOTH):
                    finds.take(told)


def _joined(old: RuleSet, new: RuleSet) -> RuleSet:
    """The old patterns and those of the new ones that differ, as one rule set."""
    same = same_patterns(old, new)
    patterns = [replace(one, title=_BOTH if one.id in same else _OLD) for one in old.patterns]
    # Windows are kept under `key`, which a pattern that only goes live has in common with itself.
    patterns += [
        replace(one, title=_NEW, key=f"{one.key}~") for one in new.patterns if one.id not in same
    ]
    return RuleSet(patterns, old.schema, old.hash)


def _marked(ruleset: RuleSet, side: str) -> RuleSet:
    patterns = [replace(one, title=side) for one in ruleset.patterns]
    return RuleSet(patterns, ruleset.schema, ruleset.hash)


def _memory_ms(ruleset: RuleSet) -> int:
    """How long an account is remembered, which hangs on the longest window."""
    return max([IDLE_MS, *(pattern.horizon for pattern in ruleset.patterns)])


def _remembered_by_a_window(agent: Agent) -> bool:
    assert isinstance(agent.handler, Accounts)
    return agent.handler.known_to_windows_only > 0
