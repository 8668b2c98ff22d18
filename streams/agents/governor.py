"""The governor: what Vigil dares to do in the name of a pattern.

Proposals come in from the accounts, keyed by pattern; each is granted or held, never dropped:

1. What was decided, or is held already, stays as it is.
2. What zero tolerance covers is granted. Nothing holds it, and it counts against nothing.
3. What comes from a version that is stopped is held: by a breaker (`governor_breaker`), or because
   a person undid it.
4. What is over a budget of its pattern is held (`governor_budgets`).
5. The rest is granted.

A person releases or voids what is held, undoes what was granted, and resumes what was stopped. None
of this looks at a rule set: recorded proposals and commands give the same verdicts again.
"""

from __future__ import annotations

from typing import Any

from streams.agents.account_state import IDS_REMEMBERED
from streams.agents.contract import Agent, Kind, Out, State
from streams.agents.governor_breaker import (
    NEWEST,
    UNDONE,
    Trip,
    imprecise,
    stop,
    surge,
    tell,
)
from streams.agents.governor_budgets import Budgets
from streams.agents.governor_state import (
    DECISION,
    GRANTED,
    HOLD,
    HOUR_MS,
    KEPT_MS,
    KINDS,
    OVERTURNED,
    PATTERN,
    QUALITY,
    REVIEWED,
    VERSION,
    PatternRecord,
    Quality,
    Reviewed,
    Undo,
    VersionRecord,
    decision_key,
    remember,
)
from streams.agents.governor_undo import STEP, Walk, undo_one, undo_version
from streams.agents.governor_verdicts import (
    Place,
    Word,
    decision_at,
    grant,
    hold,
    place_of,
    put_version,
    release,
    settle,
    version_of,
    void,
)
from streams.agents.proposals import decode_proposal
from streams.records import Proposal
from streams.signals import Schema

GOVERNOR = "governor"

INPUTS = ("pattern-commands", "proposals")
"""In tie order: of equal Kafka timestamps, what a person ordered comes first."""

REVIEWS_REMEMBERED = 8
"""Reviews of one decision of which a second record changes nothing."""


class Governor:
    """The handler."""

    def __init__(self, undo_step: int, newest: int) -> None:
        self._undo_step = undo_step
        self._newest = newest

    def __call__(self, state: State, signal: Any, out: Out) -> None:
        """Handle a proposal, or a person's command."""
        if not isinstance(signal, Proposal):
            self._command(state, signal, out)
        elif signal.kind == "propose":
            self._propose(state, signal, out)
        elif signal.kind == "outcome":
            self._outcome(state, signal, out)
        else:
            self._forget(state, signal)

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self, state: State, kind: Kind[Any], key: str, sub: str, record: Any, out: Out
    ) -> None:
        """Nobody decided what is held in all the time, or an undo goes on; see `Agent.on_due`."""
        if kind is HOLD:
            void(state, record, Word(state.now), out)
        else:
            undo_version(state, Walk(key, sub), record, self._undo_step, out)

    # Proposals

    def _propose(self, state: State, proposal: Proposal, out: Out) -> None:
        place, now = place_of(proposal), state.now
        # 1.
        if state.get(HOLD, place.pattern, place.id) or decision_at(state, place):
            return
        pattern = _pattern(state, place.pattern)
        # 2.
        if proposal.zero:
            grant(state, proposal, Word(now), out)
            return
        budgets = Budgets(state, place.pattern)
        budgets.propose()
        version = _version(state, place)
        if not version.stopped:
            trip = surge(proposal.breaker, budgets, pattern, version, now)
            if trip is not None:
                stop(state, place, version, trip)
                tell(state, place, proposal, trip, out)
        # 3. and 4.
        by = version.why if version.stopped else budgets.spent(proposal)
        if by:
            hold(state, proposal, by, out)
            return
        # 5.
        budgets.grant()
        grant(state, proposal, Word(now), out)

    def _outcome(self, state: State, said: Proposal, out: Out) -> None:
        """A review of a decision: what it says of the pattern, and whether the action stands."""
        assert said.decision is not None
        _pattern(state, said.pattern)
        place = Place(said.pattern, said.version, said.decision)
        decision = decision_at(state, place)
        key, upheld = decision_key(*place), said.outcome == "upheld"
        if not upheld:
            state.delete(HOLD, place.pattern, place.id)
            if decision is not None and decision.status == GRANTED:
                settle(state, place, decision, OVERTURNED)
        if decision is not None and said.reviewer and decision.reviewer == said.reviewer:
            return  # whoever released it is no judge of the pattern that proposed it
        before = state.get(REVIEWED, key, place.id)
        ids = remember(before.ids if before else b"", said.id, REVIEWS_REMEMBERED)
        if ids is None:
            return
        expires_at = state.now + KEPT_MS
        state.put(REVIEWED, key, Reviewed(upheld, ids), expires_at, place.id)
        quality = state.get(QUALITY, place.pattern, place.version) or Quality()
        if before is not None:
            _count(quality, before.upheld, -1)
        _count(quality, upheld, 1)
        quality.newest.pop(place.id, None)
        quality.newest[place.id] = upheld
        if len(quality.newest) > self._newest:
            del quality.newest[next(iter(quality.newest))]
        state.put(QUALITY, place.pattern, quality, expires_at, place.version)
        version = _version(state, place)
        trip = imprecise(said.breaker, quality)
        if trip is not None and not version.stopped:
            stop(state, place, version, trip)
            tell(state, place, said, trip, out)

    @staticmethod
    def _forget(state: State, said: Proposal) -> None:
        """Its account takes it back, or is erased: what is kept of one decision goes."""
        assert said.decision is not None
        place = Place(said.pattern, said.version, said.decision)
        decision = decision_at(state, place)
        if decision is not None and decision.status == GRANTED:
            settle(state, place, decision, OVERTURNED)
        key = decision_key(*place)
        state.delete(DECISION, key, place.id)
        state.delete(REVIEWED, key, place.id)
        state.delete(HOLD, place.pattern, place.id)

    # Commands

    def _command(self, state: State, command: Any, out: Out) -> None:
        pattern = _pattern(state, command.pattern)
        commands = remember(pattern.commands, command.id, IDS_REMEMBERED)
        if commands is None:
            return
        pattern.commands = commands
        state.put(PATTERN, command.pattern, pattern, state.now + KEPT_MS)
        word = Word(state.now, command.reviewer)
        if command.kind == "undo":
            self._undo(state, command, word, out)
        elif command.kind == "resume":
            self._resume(state, command)
        else:
            held = state.get(HOLD, command.pattern, command.target)
            if held is not None:
                settle_hold = release if command.kind == "release" else void
                settle_hold(state, held, word, out)

    def _undo(self, state: State, command: Any, word: Word, out: Out) -> None:
        """Undo a version, which from now on is granted nothing either, or one action."""
        version = state.get(VERSION, command.pattern, command.target)
        if version is None:
            undo_one(state, command.pattern, command.target, word, out)
            return
        stopped = Trip(UNDONE, version.standing, 0)
        stop(state, Place(command.pattern, command.target, ""), version, stopped)
        order = Undo(command.target, version.granted, word.at, command.reviewer)
        undo_version(state, Walk(command.pattern, command.id), order, self._undo_step, out)

    @staticmethod
    def _resume(state: State, command: Any) -> None:
        """Grant again. What stopped the version doesn't stop it again: it has to happen anew."""
        version = state.get(VERSION, command.pattern, command.target)
        if version is None or not version.stopped:
            return
        version.stopped, version.why = 0, ""
        version.accepted = max(version.accepted, state.now // HOUR_MS)
        put_version(state, command.pattern, command.target, version)
        quality = state.get(QUALITY, command.pattern, command.target)
        if quality is not None:
            quality.newest = {}
            state.put(QUALITY, command.pattern, quality, state.now + KEPT_MS, command.target)


def _pattern(state: State, id_: str) -> PatternRecord:
    """What is known of a pattern, which is known from now on."""
    pattern = state.get(PATTERN, id_) or PatternRecord(state.now)
    pattern.since = min(pattern.since, state.now)
    state.put(PATTERN, id_, pattern, state.now + KEPT_MS)
    return pattern


def _version(state: State, place: Place) -> VersionRecord:
    """What is known of a version, which is known from now on."""
    version = version_of(state, place.pattern, place.version)
    put_version(state, place.pattern, place.version, version)
    return version


def _count(quality: Quality, upheld: bool, by: int) -> None:  # noqa: FBT001 - what was said
    if upheld:
        quality.upheld += by
    else:
        quality.overturned += by


def governor_agent(schema: Schema, *, undo_step: int = STEP, newest: int = NEWEST) -> Agent:
    """The governor agent.

    An undo of a version takes `undo_step` actions back in one go; precision is that of its `newest`
    reviewed decisions.
    """
    handler = Governor(undo_step, newest)
    return Agent(
        name=GOVERNOR,
        inputs=INPUTS,
        decoders={
            "pattern-commands": schema.decoder("pattern-commands"),
            "proposals": decode_proposal,
        },
        handler=handler,
        kinds=KINDS,
        home=PATTERN,
        state_topic="governor-state",
        on_due=handler.on_due,
    )
