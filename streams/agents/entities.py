"""The entities agent: who shares what, decided from the signals that name one device, payment, ….

For each entity-signal:

1. If it was here before, nothing at all happens.
2. Who is met there is noted (`crowds`), or who holds it (`holding`). A confirmed hit on content or
   on a data set is told to all who hold it, and from then on to each that turns up with it.
3. The patterns about such entities are asked, in windows as the accounts agent has them; what fires
   is told to the accounts concerned (`entity_findings`).

What it tells goes to accounts and never comes back: entity-signals are about input only.
"""

from __future__ import annotations

from typing import Any

from streams.agents.account_state import DIGEST_BYTES, RING_BYTES, digest, holds
from streams.agents.arrival import Arrival, tag_of
from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.crowds import meet
from streams.agents.entity_findings import Shared
from streams.agents.entity_signals import Meeting, entity_signal_decoder
from streams.agents.entity_state import ENTITY, KINDS, REMOVAL, Confirmed, EntityRecord
from streams.agents.holding import CONFIRMED_MS, confirm, go_on, hold, tell
from streams.agents.matching import Matching
from streams.agents.meetings import CONTENT, NOBODYS, NOT_HELD, SIGNALS
from streams.agents.windows_state import KINDS as WINDOW_KINDS
from streams.patterns import RuleSet
from streams.patterns.dispatch import Dispatch, dispatch
from streams.patterns.pattern import DISPATCH_FIELD, ENTITIES
from streams.patterns.plans import ANY, Plan
from streams.signals import Schema

IDLE_MS = 30 * 86_400_000
"""An entity is forgotten so long after its last signal, unless a rule remembers longer."""

Finders = dict[tuple[str, str], dict[str, Dispatch]]
"""How plans are found, by type of entity and topic, and by value of the topic's dispatch field."""


class Entities:
    """The handler, called with `Meeting`s. Its only memory is which patterns are switched off."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.use(ruleset)

    def use(self, ruleset: RuleSet) -> None:
        """Decide by this rule set from now on, with every pattern of it switched on."""
        longest = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        self._idle_ms = max(IDLE_MS, longest)
        self._ruleset = ruleset
        self._finders = _finders(ruleset)
        self._matching = Matching(ruleset, Shared())

    def switch_off(self, pattern: str) -> None:
        """Stop asking a pattern, by id, until `use` or the next start; unknown ids change nothing."""
        self.use(self._ruleset.without((pattern,)))

    def __call__(self, state: State, meeting: Meeting, out: Out) -> None:
        """Handle one meeting. Raises `PatternError` for what a pattern raises."""
        entity, kind, signal = meeting.entity, meeting.type, meeting.signal
        topic, at = signal.topic, signal.at
        record = state.get(ENTITY, entity)
        if record is None:
            record = EntityRecord(at)
        tagged = f"{tag_of(signal)}{signal.id}@{signal.account}"
        mark = digest(tagged)
        ids = record.ids
        # 1.
        if mark in ids and holds(ids, mark):
            return
        record.ids = ids + mark if len(ids) < RING_BYTES else ids[DIGEST_BYTES:] + mark
        newest = record.newest
        if at > newest:
            record.newest = newest = at
        # 2.
        if kind in CONTENT:
            _note_holder(state, entity, record, signal, tagged, out)
        elif kind not in NOBODYS and topic != "reviews":
            record.members = meet(record.members, signal.account, at // 1000, young=meeting.young)
        kept_ms = self._idle_ms if record.confirmed is None else CONFIRMED_MS
        now = state.now
        state.put(ENTITY, entity, record, (now if now > newest else newest) + kept_ms)  # noqa: FURB136 - as in `accounts`
        # 3.
        finders = self._finders.get((kind, topic))
        if finders is None:
            return
        find = finders.get(dispatch_value(signal))
        if find is not None and (plans := find(signal)):
            arrival = Arrival(signal, entity, tagged, newest, len(ids) < RING_BYTES)
            self._matching.take_in(state, arrival, plans, out)

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self, state: State, kind: Kind[Any], key: str, sub: str, record: Any, out: Out
    ) -> None:
        """A wait's deadline has passed, or the telling of holders goes on; see `Agent.on_due`.

        Raises `PatternError`.
        """
        if kind is not REMOVAL:
            self._matching.due(state, key, sub, record, out)
            return
        entity = state.get(ENTITY, key)
        if entity is None:
            state.delete(REMOVAL, key)
        else:
            go_on(state, key, entity, record, out)


def entities_agent(ruleset: RuleSet, schema: Schema) -> Agent:
    """The entities agent with a rule set and the schema that rule set was loaded with."""
    handler = Entities(ruleset)
    return Agent(
        name=ENTITIES,
        inputs=(SIGNALS,),
        decoders={SIGNALS: entity_signal_decoder(schema)},
        handler=handler,
        kinds=(*KINDS, *WINDOW_KINDS),
        home=ENTITY,
        state_topic="entities-state",
        switch_off=handler.switch_off,
        use=handler.use,
        on_due=handler.on_due,
    )


def _note_holder(  # noqa: PLR0917 - the parts of one meeting
    state: State, entity: str, record: EntityRecord, signal: Any, tagged: str, out: Out
) -> None:
    """Note who holds it, and tell whom it concerns that it is confirmed."""
    topic = signal.topic
    if topic == "reviews" or (topic == "activity" and signal.kind in NOT_HELD):
        return
    hold(state, entity, record, signal.account, signal.at // 1000)
    if record.confirmed is not None:
        tell(state, entity, record.confirmed, signal.account, out, (tagged, signal.at))
    elif topic == "moderation-hits" and signal.verdict == "confirmed":
        hit = Confirmed(tagged, signal.at, signal.category)
        confirm(state, entity, record, hit, out)


def dispatch_value(signal: Any) -> str:
    """What leads a signal to its plans: the value of its topic's dispatch field."""
    field = DISPATCH_FIELD.get(signal.topic)
    value: str = getattr(signal, field) if field else ANY
    return value


def _finders(ruleset: RuleSet) -> Finders:
    fields = ruleset.schema.fields
    found: dict[tuple[str, str], dict[str, list[Plan]]] = {}
    for topic, by_value in ruleset.plans_of(ENTITIES).items():
        for value, plans in by_value.items():
            for plan in plans:
                of_type = found.setdefault((str(plan.pattern.entity), topic), {})
                of_type.setdefault(value, []).append(plan)
    return {
        (entity, topic): dispatch(plans, fields(topic)) for (entity, topic), plans in found.items()
    }
