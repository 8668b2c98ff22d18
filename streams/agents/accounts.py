"""The accounts agent: everything about one person, decided from that account's signals alone.

For each signal:

1. If its id is remembered, nothing at all happens.
2. What it says about whose account this is is noted (`streams.policy.victims`).
3. The patterns its kind can match are asked; where one matches, its window takes the signal in.
   What fires goes to `detections`; of a live pattern with an action the policy decides what to do,
   and that goes to the governor (`account_findings`, `offences`). Known material needs no pattern.
4. A review, a verdict of the governor, or what an entity is found to be changes the account's case.
5. The entities agent hears of it where an entity is met anew or looked for (`meetings`).
6. The account remembers the id and the newest event time.

Commands of people come on a topic of their own: a snooze, that everything is to be forgotten, or
what becomes of a report to the authorities.
"""

from __future__ import annotations

from typing import Any

from streams.agents import known_material, reporters
from streams.agents.account_findings import Proposing
from streams.agents.account_state import (
    ACCOUNT,
    DIGEST_BYTES,
    RING_BYTES,
    AccountRecord,
    digest,
    holds,
)
from streams.agents.arrival import REPORT, TAGS, Arrival
from streams.agents.case_state import ACTION, case_of, put_case
from streams.agents.case_state import KINDS as CASE_KINDS
from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.entity_offences import on_entity
from streams.agents.erasure import erase, resume
from streams.agents.matching import Matching
from streams.agents.meetings import Meetings
from streams.agents.reports import INCIDENT, Reports
from streams.agents.settlement import Settlement
from streams.agents.windows_state import KINDS
from streams.patterns import RuleSet
from streams.patterns.dispatch import Dispatch, dispatch
from streams.patterns.pattern import ACCOUNTS
from streams.patterns.plans import ANY
from streams.policy import Established, established, notice
from streams.signals import Schema

INPUTS = ("moderation-hits", "reviews", "account-commands", "account-signals", "activity")
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
        self._policy = ruleset.policy
        self._signs = ruleset.policy.takeover.signs
        fields = ruleset.schema.fields
        found = {topic: dispatch(plans, fields(topic)) for topic, plans in ruleset.plans.items()}
        self._activity = found["activity"]
        self._hits = found["moderation-hits"]
        self._reviews = found["reviews"].get(ANY)
        self._signals = found["account-signals"]
        self._matching = Matching(ruleset, Proposing(ruleset.policy))
        self._meetings = Meetings(ruleset)
        self._meet = self._meetings.activity

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
        tag = TAGS.get(topic)
        if topic == "activity":
            ring = record.activity
            find = self._activity.get(signal.kind)
        elif topic == "moderation-hits":
            ring = record.hits
            find = self._hits.get(signal.category)
        elif topic == "reviews":
            ring = record.reviews
            find = self._reviews
        elif topic == "account-signals":
            ring = record.signals
            find = self._signals.get(signal.kind)
        else:
            self._command(state, record, mark, signal, out)
            return
        # 1.
        if mark in ring and holds(ring, mark):
            return
        newest = record.newest
        if at > newest:  # noqa: PLR1730 - every signal comes here, and a call costs more
            newest = at
        # 2.
        if topic == "activity" and (signal.kind in self._signs or signal.age_band is not None):
            self._notice(state, signal)
        # 3.
        if find is not None and (plans := find(signal)):
            linked = False
            if topic == "moderation-hits" and signal.source == "user_report":
                tag, linked = REPORT, reporters.is_linked(state, signal)
            new = len(ring) < RING_BYTES
            arrival = Arrival(signal, account, f"{tag}{signal.id}", newest, new, linked)
            if not self._matching.take_in(state, arrival, plans, out):
                self.known_to_windows_only += 1
                return
        # 4. to 6.
        ring = ring + mark if len(ring) < RING_BYTES else ring[DIGEST_BYTES:] + mark
        if topic == "activity":
            record.activity = ring
            self._meet(record, signal, out)
            if signal.kind == reporters.FILED:
                reporters.tell(record, signal, out)
        elif topic == "moderation-hits":
            record.hits = ring
            self._look_for_known_material(state, signal, out)
            self._meetings.hit(record, signal, out)
        elif topic == "reviews":
            record.reviews = ring
            Settlement(state, self._policy, account, out).review(signal)
            Reports(state, self._ruleset, account, out).on_review(signal)
            self._meetings.review(record, signal, out)
        else:
            record.signals = ring
            self._told(state, signal, out)
        record.newest = newest
        now = state.now
        state.put(ACCOUNT, account, record, (now if now > newest else newest) + self._idle_ms)  # noqa: FURB136 - as above

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self, state: State, kind: Kind[Any], key: str, sub: str, record: Any, out: Out
    ) -> None:
        """A wait's deadline has passed, an action's time is over, or a report is to be looked at.

        See `Agent.on_due`.

        Raises `PatternError`.
        """
        if kind is ACTION:
            Settlement(state, self._policy, key, out).expire(record)
            resume(state, key, self._ruleset, out)
        elif kind is INCIDENT:
            Reports(state, self._ruleset, key, out).remind(record)
            resume(state, key, self._ruleset, out)
        else:
            self._matching.due(state, key, sub, record, out)

    def _notice(self, state: State, signal: Any) -> None:
        if signal.end_user is not None:
            return  # it says nothing about whose the account is
        case = case_of(state, signal.account)
        if notice(self._policy, case.account, signal.kind, signal.at, signal.age_band):
            put_case(state, signal.account, case)

    def _look_for_known_material(self, state: State, hit: Any, out: Out) -> None:
        what = established(hit.category, hit.source, hit.verdict, hit.surface)
        if what is not Established.NOTHING:
            known_material.on_hit(state, self._ruleset, hit, what, out)

    def _told(self, state: State, told: Any, out: Out) -> None:
        """The governor's verdict, or what an entity the account met is found to be."""
        if told.kind == "content":
            known_material.on_holding(state, self._ruleset, told, out)
        elif told.kind == "reporter":
            reporters.note(state, told)
        elif told.kind == "entity":
            on_entity(state, self._ruleset, told, out)
        else:
            Settlement(state, self._policy, told.account, out).verdict(told)

    def _command(
        self, state: State, record: AccountRecord, mark: bytes, command: Any, out: Out
    ) -> None:
        ring, account = record.commands, command.account
        if mark in ring and holds(ring, mark):
            return
        reports = Reports(state, self._ruleset, account, out)
        if command.kind == "erase":
            erase(state, account, self._ruleset, out)
            record = AccountRecord(command.at)  # of whom only the command is known
        elif command.kind == "snooze":
            Settlement(state, self._policy, account, out).snooze(command.until)
        elif command.kind == "confirm":
            reports.confirm(command)
        else:
            reports.retract(command)
            resume(state, account, self._ruleset, out)
        record.commands = (ring + mark)[-RING_BYTES:]
        state.put(ACCOUNT, account, record, max(state.now, record.newest) + self._idle_ms)


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
        kinds=(ACCOUNT, reporters.REPORTERS, INCIDENT, *KINDS, *CASE_KINDS),
        home=ACCOUNT,
        state_topic="accounts-state",
        switch_off=handler.switch_off,
        on_due=handler.on_due,
        use=handler.use,
    )
