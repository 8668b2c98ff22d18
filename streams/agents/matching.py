"""From a signal to what fires: the windows of one owner, an account or an entity.

Both agents that have windows do the same with a signal: ask the patterns its kind can match, take
it into their windows, and tell what fires. Nearly every pattern is one window (or none); those with
several, chained to each other, or with something to wait for, go through `chains` and `waiting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.agents.arrival import Arrival
from streams.agents.chains import Climber, climb, known
from streams.agents.contract import Out, State
from streams.agents.findings import Finding, Telling, subject_of
from streams.agents.joining import joined
from streams.agents.waiting import Waits
from streams.agents.windows_state import WINDOW, Place, note_group
from streams.patterns.absence import Waiting
from streams.patterns.episodes import Held, held_at, keep_newest
from streams.patterns.pattern import STOP, Pattern
from streams.patterns.plans import Found, Plan
from streams.patterns.ruleset import RuleSet
from streams.patterns.sources import source_bit
from streams.patterns.windows import Correlation, Entry, Firing, Window


class PatternError(Exception):
    """A pattern raised while it was asked about a signal; `pattern` is its id."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"pattern {pattern} raised")
        self.pattern = pattern


class Matching:
    """The windows of one agent under one rule set, and its way of telling what fires."""

    def __init__(self, ruleset: RuleSet, telling: Telling) -> None:
        self._hash = ruleset.hash
        self._telling = telling
        self._waits = Waits(ruleset, telling)

    def take_in(self, state: State, arrival: Arrival, plans: Sequence[Plan], out: Out) -> bool:
        """Ask the patterns, fill their windows, tell what fires.

        False, and nothing at all happens, if a window shows that the signal was here before.
        Raises `PatternError` for what a pattern raises.
        """
        signal, owner, tagged, newest, new, linked = arrival
        at = signal.at
        entering: list[tuple[Pattern, Correlation | None, str, str, Any, Window]] = []
        others: list[tuple[Pattern, Sequence[Found]]] = []
        for plan in plans:
            pattern = plan.pattern
            try:
                found = plan.find(signal)
            except Exception as error:
                raise PatternError(pattern.id) from error
            if not found or (linked and pattern.block.evidence > 1):
                continue
            if not pattern.simple:
                if not new and known(state, owner, tagged, pattern, found):
                    return False
                others.append((pattern, found))
                continue
            correlation = pattern.correlation
            if correlation is not None and newest - at > correlation.lateness:
                continue
            # As `load_window` and `put_window` do, without a `Place`: most of the time is spent here.
            for _, group, value in found:
                sub = f"{pattern.key}/{group}" if group else pattern.key
                window = state.get(WINDOW, owner, sub) if pattern.horizon else None
                if window is None:
                    window = Window()
                elif not new and tagged in window.ids:
                    return False
                entering.append((pattern, correlation, group, sub, value, window))
        now = state.now
        latest = now if now > newest else newest  # noqa: FURB136 - a call costs more
        for pattern, correlation, group, sub, value, window in entering:
            try:
                if correlation is None:
                    fired = _alone(pattern, window, at, tagged)
                else:
                    source = source_bit(signal) if correlation.independent else 0
                    fired = correlation.add(window, Entry(at, tagged, value, source), newest)
            except Exception as error:
                raise PatternError(pattern.id) from error
            if pattern.horizon:
                expires_at = latest + pattern.horizon
                state.put(WINDOW, owner, window, expires_at, sub)
                if group:
                    note_group(state, Place(owner, pattern, 0, group), at, expires_at)
            for firing in fired:
                subject = subject_of(signal, owner, pattern, firing.evidence)
                finding = Finding(pattern, self._hash, group, firing, subject)
                self._telling.tell(state, finding, out)
            if pattern.entity is not None and window.spans and not fired:
                self._join(state, arrival, pattern, 0, group, out)
        for pattern, found in others:
            try:
                self._take_in_chained(state, arrival, pattern, found, out)
            except Exception as error:
                raise PatternError(pattern.id) from error
        return True

    def due(self, state: State, owner: str, sub: str, waiting: Waiting, out: Out) -> None:
        """A wait's deadline has passed. Raises `PatternError`."""
        try:
            self._waits.due(state, owner, sub, waiting, out)
        except Exception as error:
            raise PatternError(self._waits.pattern_of(sub)) from error

    def _take_in_chained(
        self, state: State, arrival: Arrival, pattern: Pattern, found: Sequence[Found], out: Out
    ) -> None:
        signal, owner, tagged, newest, *_ = arrival
        climbers = []
        for stage, group, value in found:
            if stage == STOP:
                self._waits.stopped(state, arrival, pattern, group, out)
            else:
                entry = Entry(signal.at, tagged, value, source_bit(signal))
                climbers.append(Climber(stage, group, entry))
        fired = climb(state, owner, pattern, climbers, newest)
        if fired is None:
            return
        if pattern.entity is not None and pattern.absence is None and not fired:
            for stage, group, _ in climbers[:1]:
                self._join(state, arrival, pattern, stage, group, out)
        for group, firing in fired:
            if pattern.absence is not None:
                self._waits.satisfied(state, arrival, pattern, group, firing)
                continue
            subject = subject_of(signal, owner, pattern, firing.evidence)
            finding = Finding(pattern, self._hash, group, firing, subject)
            self._telling.tell(state, finding, out)

    def _join(  # noqa: PLR0917 - a signal, and the window it went into
        self, state: State, arrival: Arrival, pattern: Pattern, stage: int, group: str, out: Out
    ) -> None:
        """Tell an account that comes into an episode told before."""
        found = joined(state, arrival, pattern, stage, group)
        if found is not None:
            group, firing = found
            subject = subject_of(arrival.signal, arrival.owner, pattern, firing.evidence)
            subject = subject._replace(accounts=(arrival.signal.account,))
            finding = Finding(pattern, self._hash, group, firing, subject, joined=True)
            self._telling.tell(state, finding, out)


def _alone(pattern: Pattern, window: Window, at: int, tagged: str) -> Sequence[Firing]:
    """A signal of a rule without a window: only its episodes are kept."""
    held = held_at(window.spans, at, pattern.cooldown)
    keep_newest(window.spans)
    if held is Held.CONTINUES:
        return ()
    return (Firing(at, held is Held.OPENS, (tagged,), at, at, 1),)
