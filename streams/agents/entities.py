"""The entities agent: who shares what, decided from the signals that name one device, payment, ….

So far it reads `activity` and `moderation-hits` themselves, which only a driver with one partition
can give it (their key is the account), and so it runs the inline tests of entity patterns, and no
worker runs it yet. Windows and what they find are what they will be.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.agents.account_state import DIGEST_BYTES, RING_BYTES, digest, holds
from streams.agents.arrival import TAGS, Arrival
from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.matching import Matching
from streams.agents.windows_state import KINDS
from streams.patterns import RuleSet
from streams.patterns.dispatch import dispatch
from streams.patterns.pattern import DISPATCH_FIELD, ENTITIES
from streams.patterns.plans import ANY, Plan
from streams.signals import Schema

INPUTS = ("moderation-hits", "reviews", "activity")
IDLE_MS = 30 * 86_400_000


class EntityRecord(msgspec.Struct, array_like=True, gc=False):
    """One entity: the greatest event time seen (ms), and `digest`s of the last ids, oldest first."""

    newest: int
    ids: bytes = b""


ENTITY: Kind[EntityRecord] = Kind(b"E", EntityRecord)


class Entities:
    """The handler: for each entity a signal names, the patterns about entities of that type."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.use(ruleset)

    def use(self, ruleset: RuleSet) -> None:
        """Decide by this rule set from now on."""
        self._ruleset = ruleset
        fields = ruleset.schema.fields
        plans = ruleset.plans_of(ENTITIES)
        self._dispatch = {topic: dispatch(found, fields(topic)) for topic, found in plans.items()}
        self._matching = Matching(ruleset)
        longest = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        self._idle_ms = max(IDLE_MS, longest)

    def switch_off(self, pattern: str) -> None:
        """Stop asking a pattern, by id, until the next start; unknown ids change nothing."""
        self.use(self._ruleset.without((pattern,)))

    def __call__(self, state: State, signal: Any, out: Out) -> None:
        """Handle one signal. Raises `PatternError` for what a pattern raises."""
        field = DISPATCH_FIELD.get(signal.topic)
        find = self._dispatch[signal.topic].get(getattr(signal, field) if field else ANY)
        if find is None:
            return
        meetings: dict[str, list[Plan]] = {}
        for plan in find(signal):
            ref = getattr(signal, plan.owner)
            if ref is not None:
                meetings.setdefault(f"{plan.pattern.entity}:{ref}", []).append(plan)
        for owner, plans in meetings.items():
            self._meet(state, owner, signal, plans, out)

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

    def _meet(self, state: State, owner: str, signal: Any, plans: list[Plan], out: Out) -> None:
        record = state.get(ENTITY, owner) or EntityRecord(signal.at)
        tagged = f"{TAGS[signal.topic]}{signal.id}@{signal.account}"
        mark = digest(tagged.encode())
        if holds(record.ids, mark):
            return
        newest = max(record.newest, signal.at)
        arrival = Arrival(signal, owner, tagged, newest, len(record.ids) < RING_BYTES)
        if not self._matching.take_in(state, arrival, plans, out):
            return
        ids = record.ids
        record.ids = ids + mark if len(ids) < RING_BYTES else ids[DIGEST_BYTES:] + mark
        record.newest = newest
        state.put(ENTITY, owner, record, max(state.now, newest) + self._idle_ms)


def entities_agent(ruleset: RuleSet, schema: Schema) -> Agent:
    """The entities agent with a rule set and the schema that rule set was loaded with."""
    handler = Entities(ruleset)
    return Agent(
        name=ENTITIES,
        inputs=INPUTS,
        decoders={topic: schema.decoder(topic) for topic in INPUTS},
        handler=handler,
        kinds=(ENTITY, *KINDS),
        home=ENTITY,
        state_topic="entities-state",
        switch_off=handler.switch_off,
        use=handler.use,
        on_due=handler.on_due,
    )
