"""Two rule sets over the same records, evaluating only once what is the same in both.

The first driver runs the old rule set whole. The second runs, of the new one, the patterns that
differ; what the new one finds with the others, the first has found already. That rests on patterns
not touching each other, and they do at one point: a signal whose id one pattern's window still
remembers is no news to any of them. This matters only for an id that comes again after 64 others;
where it happens, `Sides` says so, and both rule sets have to be run whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streams.agents.accounts import IDLE_MS, Accounts, accounts_agent
from streams.agents.contract import Agent, Decoder
from streams.engine.memory import MemoryDriver
from streams.patterns import Pattern, RuleSet
from streams.recording import Record
from streams.signals import Signal
from streams.signals.raw import RawRecord
from streams.workbench.backtest.finds import Finds


class NotExact(Exception):
    """What is the same in both rule sets can't be evaluated once here: run both whole."""


def same_patterns(old: RuleSet, new: RuleSet) -> frozenset[str]:
    """Ids of the patterns that find and do the same in both, whatever they are called."""
    before = {pattern.id: _does(pattern) for pattern in old.patterns}
    return frozenset(
        pattern.id for pattern in new.patterns if before.get(pattern.id) == _does(pattern)
    )


def _does(pattern: Pattern) -> tuple[str, str, str, int]:
    return pattern.version, pattern.mode, pattern.severity, pattern.block.rollout


class Sides:
    """Both rule sets, on fresh state. `whole` runs both entirely, which is exact whatever comes."""

    def __init__(self, old: RuleSet, new: RuleSet, *, whole: bool = False) -> None:
        self.schema = old.schema
        memory_ms = _memory_ms(new)
        self._same = frozenset[str]()
        if not whole and _memory_ms(old) == memory_ms:
            self._same = same_patterns(old, new)
        differing = new.without(self._same)
        decoded = _Decoded()
        agents = [decoded.first(accounts_agent(old, old.schema))]
        if len(differing):
            agents.append(decoded.second(accounts_agent(differing, new.schema, idle_ms=memory_ms)))
        self._decoded = decoded
        self._agents = agents
        self._drivers = [MemoryDriver([agent]) for agent in agents]
        self._finds = (Finds(old), Finds(new))

    def feed(self, records: Sequence[Record]) -> None:
        """Run some more records, in order, through both. Raises NotExact."""
        for driver, finds in zip(self._drivers, self._finds, strict=False):
            for output in driver.feed(records):
                finds.take(output)
        self._decoded.forget()
        if self._same and any(_remembered_by_a_window(agent) for agent in self._agents):
            raise NotExact

    def advance(self, to_ms: int) -> None:
        """Time passes: what waits for a moment up to `to_ms` is told."""
        for driver, finds in zip(self._drivers, self._finds, strict=False):
            for output in driver.advance(to_ms):
                finds.take(output)

    def finds(self) -> tuple[Finds, Finds]:
        """What the old and the new rule set found in all that was fed; to be asked once."""
        old, new = self._finds
        new.add(old, self._same)
        return old, new


def _memory_ms(ruleset: RuleSet) -> int:
    """How long an account is remembered, which hangs on the longest window."""
    return max([IDLE_MS, *(pattern.horizon for pattern in ruleset.patterns)])


def _remembered_by_a_window(agent: Agent) -> bool:
    assert isinstance(agent.handler, Accounts)
    return agent.handler.known_to_windows_only > 0


class _Decoded:
    """Lets the second driver take what the first has decoded, as long as the records live."""

    def __init__(self) -> None:
        self._signals: dict[int, Signal] = {}

    def first(self, agent: Agent) -> Agent:
        """The agent, keeping what it decodes."""
        return replace(agent, decoders={t: self._keep(d) for t, d in agent.decoders.items()})

    def second(self, agent: Agent) -> Agent:
        """The agent, decoding only what was not kept: records that are refused."""
        return replace(agent, decoders={t: self._kept(d) for t, d in agent.decoders.items()})

    def forget(self) -> None:
        """The records may go now."""
        self._signals.clear()

    def _keep(self, decode: Decoder) -> Decoder:
        signals = self._signals

        def keep(record: RawRecord) -> Signal:
            signal: Signal = decode(record)
            signals[id(record.value)] = signal
            return signal

        return keep

    def _kept(self, decode: Decoder) -> Decoder:
        signals = self._signals

        def kept(record: RawRecord) -> Signal:
            signal = signals.get(id(record.value))
            return decode(record) if signal is None else signal

        return kept
