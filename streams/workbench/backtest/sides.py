"""Two rule sets over the same records, evaluating only once what is the same in both.

The old rule set runs whole, and beside it, of the new one, the patterns that differ; what the new
one finds with the others, the old one has found already. Both are one agent to the driver, so that
a record is decoded once: the second handler's state has kinds of its own, and its outputs have
another topic.

That rests on patterns not touching each other, and they do at one point: a signal whose id one
pattern's window still remembers is no news to any of them. This matters only for an id that comes
again after 64 others; where it happens, `Sides` says so, and both rule sets have to be run whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from streams.agents.accounts import IDLE_MS, Accounts, accounts_agent
from streams.agents.contract import Agent, Kind, Out, State
from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.patterns import Pattern, RuleSet
from streams.recording import Record
from streams.workbench.backtest.finds import Finds

S = TypeVar("S", bound=msgspec.Struct)

_SECOND = "second/"
"""Stands before the topics of what the second handler emits."""


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
        self._agents = [accounts_agent(old, old.schema)]
        if len(differing):
            self._agents.append(accounts_agent(differing, new.schema, idle_ms=memory_ms))
        self._driver = MemoryDriver([_joined(*self._agents)])
        self._old, self._new = Finds(old), Finds(new)

    def feed(self, records: Sequence[Record]) -> None:
        """Run some more records, in order, through both. Raises NotExact."""
        self._take(self._driver.feed(records))
        if self._same and any(_remembered_by_a_window(agent) for agent in self._agents):
            raise NotExact

    def advance(self, to_ms: int) -> None:
        """Time passes: what waits for a moment up to `to_ms` is told."""
        self._take(self._driver.advance(to_ms))

    def finds(self) -> tuple[Finds, Finds]:
        """What the old and the new rule set found in all that was fed; to be asked once."""
        self._new.add(self._old, self._same)
        return self._old, self._new

    def _take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if output.topic.startswith(_SECOND):
                self._new.take(output._replace(topic=output.topic.removeprefix(_SECOND)))
            else:
                self._old.take(output)


def _memory_ms(ruleset: RuleSet) -> int:
    """How long an account is remembered, which hangs on the longest window."""
    return max([IDLE_MS, *(pattern.horizon for pattern in ruleset.patterns)])


def _remembered_by_a_window(agent: Agent) -> bool:
    assert isinstance(agent.handler, Accounts)
    return agent.handler.known_to_windows_only > 0


def _joined(first: Agent, second: Agent | None = None) -> Agent:
    """Both as one agent that reads what the first reads."""
    if second is None:
        return first
    own = {kind.tag: replace(kind, tag=kind.tag.lower()) for kind in second.kinds}
    theirs = {own[kind.tag].tag: kind for kind in second.kinds}
    ours, others = first.handler, second.handler
    ours_due, others_due = first.on_due, second.on_due
    assert ours_due is not None
    assert others_due is not None
    view, beside = _SecondState(own), _SecondOut()

    def handler(state: State, signal: Any, out: Out) -> None:
        ours(state, signal, out)
        view.state, view.now, beside.out = state, state.now, out
        others(view, signal, beside)

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        state: State, kind: Kind[Any], key: str, sub: str, record: Any, out: Out
    ) -> None:
        meant = theirs.get(kind.tag)
        if meant is None:
            ours_due(state, kind, key, sub, record, out)
            return
        view.state, view.now, beside.out = state, state.now, out
        others_due(view, meant, key, sub, record, beside)

    return replace(first, handler=handler, kinds=(*first.kinds, *own.values()), on_due=on_due)


class _SecondState:
    """The state as the second handler sees it: its own kinds under other tags."""

    __slots__ = ("_kinds", "now", "state")

    state: State

    def __init__(self, kinds: dict[bytes, Kind[Any]]) -> None:
        self._kinds = kinds
        self.now = 0

    def get(self, kind: Kind[S], key: str, sub: str = "") -> S | None:
        return self.state.get(self._kinds[kind.tag], key, sub)

    def put(self, kind: Kind[S], key: str, value: S, expires_at: int, sub: str = "") -> None:
        self.state.put(self._kinds[kind.tag], key, value, expires_at, sub)

    def delete(self, kind: Kind[S], key: str, sub: str = "") -> None:
        self.state.delete(self._kinds[kind.tag], key, sub)

    def scan(self, kind: Kind[S], key: str) -> Iterator[tuple[str, S]]:
        return self.state.scan(self._kinds[kind.tag], key)


class _SecondOut:
    """Where the second handler's outputs go: to topics of their own."""

    __slots__ = ("out",)

    out: Out

    def emit(self, topic: str, key: str, value: msgspec.Struct, *, urgent: bool = False) -> None:
        self.out.emit(_SECOND + topic, key, value, urgent=urgent)
