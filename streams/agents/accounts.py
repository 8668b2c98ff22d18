"""The accounts agent: everything about one person, decided from that account's signals alone.

For each signal:

1. If its id is remembered, nothing at all happens.
2. The patterns its kind can match are asked; where one matches, its window takes the signal in.
3. What fires goes to `detections`; a live pattern with an action also proposes it, directly to
   `enforcement` as long as there is no governor.
4. The account remembers the id and the newest event time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from streams.agents.account_state import (
    ACCOUNT,
    DIGEST_BYTES,
    GROUPS,
    GROUPS_AFTER_EVICTION,
    MAX_GROUPS,
    RING_BYTES,
    WINDOW,
    AccountRecord,
    Groups,
    digest,
    holds,
)
from streams.agents.contract import Agent, Out, State
from streams.agents.findings import Finding, emit
from streams.patterns import RuleSet
from streams.patterns.episodes import Held, held_at, keep_newest
from streams.patterns.pattern import ANY, Pattern, Plan
from streams.patterns.windows import Firing, Window
from streams.signals import Schema, Signal

INPUTS = ("moderation-hits", "reviews", "activity")
"""In tie order: of equal Kafka timestamps, what moderation found comes first."""

IDLE_MS = 30 * 86_400_000
"""An account is forgotten so long after its last signal, unless a rule remembers longer."""

_TAGS = {"activity": "a", "moderation-hits": "h", "reviews": "r"}
"""Ids are unique per topic: in windows the topic's letter stands before them."""


class PatternError(Exception):
    """A pattern raised while it was asked about a signal; `pattern` is its id."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"pattern {pattern} raised")
        self.pattern = pattern


class Accounts:
    """The handler. Its only memory of its own is which patterns are switched off."""

    def __init__(self, ruleset: RuleSet, *, idle_ms: int = IDLE_MS) -> None:
        self.known_to_windows_only = 0
        """Signals told twice that the last ids had forgotten, but a window had not."""
        longest = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        self._idle_ms = max(idle_ms, longest)
        self._use(ruleset)

    def _use(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self._activity = ruleset.plans["activity"]
        self._hits = ruleset.plans["moderation-hits"]
        self._reviews = ruleset.plans["reviews"].get(ANY, ())

    def switch_off(self, pattern: str) -> None:
        """Stop asking a pattern, by id, until the next start; unknown ids change nothing."""
        self._use(self._ruleset.without((pattern,)))

    def __call__(self, state: State, signal: Any, out: Out) -> None:
        """Handle one signal. Raises `PatternError` for what a pattern raises."""
        account, at, topic = signal.account, signal.at, signal.topic
        record = state.get(ACCOUNT, account)
        if record is None:
            record = AccountRecord(at)
        mark = digest(signal.id.encode())
        plans: Sequence[Plan]
        if topic == "activity":
            ring = record.activity
            plans = self._activity.get(signal.kind, ())
        elif topic == "moderation-hits":
            ring = record.hits
            plans = self._hits.get(signal.category, ())
        else:
            ring = record.reviews
            plans = self._reviews
        # 1.
        if mark in ring and holds(ring, mark):
            return
        newest = record.newest
        if at > newest:  # noqa: PLR1730 - every signal comes here, and a call costs more
            newest = at
        # 2. and 3.
        if plans and not self._match(state, signal, out, plans, newest):
            self.known_to_windows_only += 1
            return
        # 4.
        ring = ring + mark if len(ring) < RING_BYTES else ring[DIGEST_BYTES:] + mark
        if topic == "activity":
            record.activity = ring
        elif topic == "moderation-hits":
            record.hits = ring
        else:
            record.reviews = ring
        record.newest = newest
        now = state.now
        state.put(ACCOUNT, account, record, (now if now > newest else newest) + self._idle_ms)  # noqa: FURB136 - as above

    def _match(
        self, state: State, signal: Signal, out: Out, plans: Sequence[Plan], newest: int
    ) -> bool:
        """Take the signal into the windows it belongs to; False if one of them has it already."""
        account, at = signal.account, signal.at
        tagged = _TAGS[signal.topic] + signal.id
        entering: list[tuple[Pattern, str, str, Any, Window]] = []
        for plan in plans:
            pattern = plan.pattern
            try:
                found = list(plan.find(signal))
            except Exception as error:
                raise PatternError(pattern.id) from error
            for group, value in found:
                correlation = pattern.correlation
                if correlation is not None and newest - at > correlation.lateness:
                    continue
                sub = f"{pattern.key}/{group}" if group else pattern.key
                window = state.get(WINDOW, account, sub) if pattern.horizon else None
                if window is None:
                    window = Window()
                elif tagged in window.ids:
                    return False
                entering.append((pattern, group, sub, value, window))
        for pattern, group, sub, value, window in entering:
            try:
                fired = _enter(pattern, window, at, (tagged, value), newest)
            except Exception as error:
                raise PatternError(pattern.id) from error
            if pattern.horizon:
                expires_at = max(state.now, newest) + pattern.horizon
                state.put(WINDOW, account, window, expires_at, sub)
                if group:
                    _note_group(state, (account, pattern.key), group, at, expires_at)
            for firing in fired:
                emit(out, Finding(pattern, self._ruleset.hash, signal, group, firing))
        return True


def _enter(
    pattern: Pattern, window: Window, at: int, entry: tuple[str, Any], newest: int
) -> Iterable[Firing]:
    tagged, value = entry
    correlation = pattern.correlation
    if correlation is not None:
        return correlation.add(window, at, tagged, value, newest)
    held = held_at(window.spans, at, pattern.cooldown)
    keep_newest(window.spans)
    if held is Held.CONTINUES:
        return ()
    return (Firing(at, held is Held.OPENS, (tagged,), at, at, 1),)


def _note_group(state: State, owner: tuple[str, str], group: str, at: int, expires_at: int) -> None:
    """Keep count of a pattern's groups, and drop the quietest when there are too many."""
    account, key = owner
    groups = state.get(GROUPS, account, key)
    if groups is None:
        groups = Groups({})
    newest = groups.newest
    newest[group] = max(at, newest.get(group, at))
    if len(newest) > MAX_GROUPS:
        quietest = sorted(newest, key=lambda name: (newest[name], name))
        for name in quietest[: len(newest) - GROUPS_AFTER_EVICTION]:
            del newest[name]
            state.delete(WINDOW, account, f"{key}/{name}")
    state.put(GROUPS, account, groups, expires_at, key)


def accounts_agent(ruleset: RuleSet, schema: Schema, *, idle_ms: int = IDLE_MS) -> Agent:
    """The accounts agent with a rule set and the schema that rule set was loaded with.

    `idle_ms` is how long an account is remembered after its last signal (by Kafka timestamp).
    """
    handler = Accounts(ruleset, idle_ms=idle_ms)
    return Agent(
        name="accounts",
        inputs=INPUTS,
        decoders={topic: schema.decoder(topic) for topic in INPUTS},
        handler=handler,
        kinds=(ACCOUNT, WINDOW, GROUPS),
        home=ACCOUNT,
        state_topic="accounts-state",
        switch_off=handler.switch_off,
    )
