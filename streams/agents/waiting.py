"""Patterns with an `unless`: what fired is held back until its deadline, then told or dropped.

The engine's timer calls when a deadline has passed; see `streams.patterns.absence` for the rule.
"""

from __future__ import annotations

from streams.agents.arrival import Arrival, accounts_of
from streams.agents.contract import Out, State
from streams.agents.findings import Finding, Said, Subject, Telling, said_by
from streams.agents.windows_state import WAITING, Place, note_group
from streams.patterns.absence import Absence, Candidate, Told, Waiting
from streams.patterns.episodes import Held
from streams.patterns.pattern import Pattern
from streams.patterns.ruleset import RuleSet
from streams.patterns.windows import Firing


class Waits:
    """The waits of one agent's patterns under one rule set."""

    def __init__(self, ruleset: RuleSet, telling: Telling) -> None:
        self._hash = ruleset.hash
        self._telling = telling
        self._patterns = {p.key: p for p in ruleset.patterns if p.absence is not None}

    def pattern_of(self, sub: str) -> str:
        """The id of the pattern a wait's sub-key belongs to, or nothing."""
        pattern = self._patterns.get(sub.partition("/")[0])
        return pattern.id if pattern else ""

    def stopped(
        self, state: State, arrival: Arrival, pattern: Pattern, group: str, out: Out
    ) -> None:
        """A signal is one that must not follow; what it comes too late for is taken back."""
        absence = _absence(pattern)
        signal, owner, _, newest, *_ = arrival
        if newest - signal.at > absence.lateness:
            return
        place = Place(owner, pattern, 0, group)
        waiting = state.get(WAITING, owner, place.sub) or Waiting()
        for told in absence.stop(waiting, signal.at):
            if told.detection:
                finding = self._finding(place, told.candidate, opens=True)
                self._telling.retract(state, finding, told.detection, told.enforcement, out)
        _put(state, place, waiting, newest)

    def satisfied(
        self, state: State, arrival: Arrival, pattern: Pattern, group: str, firing: Firing
    ) -> None:
        """A signal satisfied the pattern: it is told when its deadline has passed."""
        signal, owner, _, newest, *_ = arrival
        if newest - firing.at > _absence(pattern).lateness:
            return
        place = Place(owner, pattern, 0, group)
        waiting = state.get(WAITING, owner, place.sub) or Waiting()
        _absence(pattern).candidate(waiting, _candidate(firing, said_by(signal)))
        _put(state, place, waiting, newest)

    def due(self, state: State, owner: str, sub: str, waiting: Waiting, out: Out) -> None:
        """A deadline has passed. A wait of a pattern that is no longer there is dropped."""
        key, _, group = sub.partition("/")
        pattern = self._patterns.get(key)
        if pattern is None:
            state.delete(WAITING, owner, sub)
            return
        place = Place(owner, pattern, 0, group)
        absence = _absence(pattern)
        for candidate, held in absence.ripe(waiting, state.now):
            ids = ("", "")
            if held is not Held.CONTINUES:
                opens = held is Held.OPENS
                ids = self._telling.tell(state, self._finding(place, candidate, opens=opens), out)
            absence.tell(waiting, Told(candidate, *ids))
        _put(state, place, waiting, 0)

    def _finding(self, place: Place, candidate: Candidate, *, opens: bool) -> Finding:
        owner, pattern, _, group = place
        firing = Firing(
            candidate.at + _absence(pattern).within,
            opens,
            candidate.evidence,
            candidate.start,
            candidate.end,
            candidate.measured,
            candidate.capped,
        )
        accounts, entity = accounts_of(pattern, owner, candidate.evidence)
        said = Said(*(getattr(candidate, name) for name in Said._fields))
        subject = Subject(owner, accounts, entity, said)
        return Finding(pattern, self._hash, group, firing, subject)


def _absence(pattern: Pattern) -> Absence:
    assert pattern.absence is not None
    return pattern.absence


def _put(state: State, place: Place, waiting: Waiting, newest: int) -> None:
    absence = _absence(place.pattern)
    absence.forget(waiting, newest)
    # A wait is due at the latest one `within` after its newest candidate.
    expires_at = max(state.now, newest, waiting.due) + absence.horizon
    state.put(WAITING, place.owner, waiting, expires_at, place.sub)
    if place.group:
        note_group(state, place, newest, expires_at)


def _candidate(firing: Firing, said: Said) -> Candidate:
    return Candidate(
        firing.at,
        firing.evidence,
        firing.start,
        firing.end,
        firing.measured,
        firing.capped,
        *said,
    )
