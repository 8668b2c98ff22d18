"""The accounts agent: everything about one person, decided from that account's signals alone.

For each signal:

1. If its id is remembered, nothing at all happens.
2. The patterns its kind can match are asked; where one matches, its window takes the signal in.
3. What fires goes to `detections`; a live pattern with an action also proposes it, directly to
   `enforcement` as long as there is no governor.
4. The account remembers the id and the newest event time.
"""

from __future__ import annotations

from typing import Any

from streams.agents.account_state import (
    ACCOUNT,
    DIGEST_BYTES,
    RING_BYTES,
    AccountRecord,
    digest,
    holds,
)
from streams.agents.arrival import TAGS, Arrival
from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.matching import Matching
from streams.agents.windows_state import KINDS
from streams.patterns import RuleSet
from streams.patterns.dispatch import Dispatch, dispatch
from streams.patterns.pattern import ACCOUNTS
from streams.patterns.plans import ANY
from streams.signals import Schema

INPUTS = ("moderation-hits", "reviews", "activity")
"""In tie order: of equal Kafka timestamps, what moderation found comes first."""

IDLE_MS = 30 * 86_400_000
"""An account is forgotten so long after its last signal, unless a rule remembers longer."""


class Accounts:
    """The handler. Its only memory of its own is which patterns are switched off."""

    def __init__(self, ruleset: RuleSet, *, idle_ms: int = IDLE_MS) -> None:
        self.known_to_windows_only = 0
        """Signals told twice that the last ids had forgotten, but a window had not."""
        self._least_idle_ms = idle_ms
        self.use(ruleset)

    def use(self, ruleset: RuleSet) -> None:
        """Decide by this rule set from now on, with every pattern of it switched on."""
        longest = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        self._idle_ms = max(self._least_idle_ms, longest)
        self._ruleset = ruleset
        fields = ruleset.schema.fields
        found = {topic: dispatch(plans, fields(topic)) for topic, plans in ruleset.plans.items()}
        self._activity = found["activity"]
        self._hits = found["moderation-hits"]
        self._reviews = found["reviews"].get(ANY)
        self._matching = Matching(ruleset)

    def switch_off(self, pattern: str) -> None:
        """Stop asking a pattern, by id, until `use` or the next start; unknown ids change nothing."""
        self.use(self._ruleset.without((pattern,)))

    def __call__(self, state: State, signal: Any, out: Out) -> None:
        """Handle one signal. Raises `PatternError` for what a pattern raises."""
        account, at, topic = signal.account, signal.at, signal.topic
        record = state.get(ACCOUNT, account)
        if record is None:
            record = AccountRecord(at)
        mark = digest(signal.id.encode())
        find: Dispatch | None
        if topic == "activity":
            ring = record.activity
            find = self._activity.get(signal.kind)
        elif topic == "moderation-hits":
            ring = record.hits
            find = self._hits.get(signal.category)
        else:
            ring = record.reviews
            find = self._reviews
        # 1.
        if mark in ring and holds(ring, mark):
            return
        newest = record.newest
        if at > newest:  # noqa: PLR1730 - every signal comes here, and a call costs more
            newest = at
        # 2. and 3.
        if find is not None and (plans := find(signal)):
            arrival = Arrival(
                signal, account, TAGS[topic] + signal.id, newest, len(ring) < RING_BYTES
            )
            if not self._matching.take_in(state, arrival, plans, out):
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

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self,
        state: State,
        kind: Kind[Any],  # noqa: ARG002 - only waits are ever due
        key: str,
        sub: str,
        record: Any,
        out: Out,
    ) -> None:
        """A wait's deadline has passed; see `Agent.on_due`. Raises `PatternError`."""
        self._matching.due(state, key, sub, record, out)


def accounts_agent(ruleset: RuleSet, schema: Schema, *, idle_ms: int = IDLE_MS) -> Agent:
    """The accounts agent with a rule set and the schema that rule set was loaded with.

    `idle_ms` is how long an account is remembered after its last signal (by Kafka timestamp).
    """
    handler = Accounts(ruleset, idle_ms=idle_ms)
    return Agent(
        name=ACCOUNTS,
        inputs=INPUTS,
        decoders={topic: schema.decoder(topic) for topic in INPUTS},
        handler=handler,
        kinds=(ACCOUNT, *KINDS),
        home=ACCOUNT,
        state_topic="accounts-state",
        switch_off=handler.switch_off,
        on_due=handler.on_due,
        use=handler.use,
    )
