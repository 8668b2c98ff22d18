"""Patterns of several windows: correlations of correlations.

A record that satisfies an inner window is an occurrence in the window above it, with its own time
and id, whatever the inner one's cooldown would be. From the innermost stages to the first, each
signal so climbs as far as it gets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from streams.agents.contract import State
from streams.agents.windows_state import (
    GROUPS,
    WINDOW,
    Place,
    load_window,
    note_group,
    window_sub,
)
from streams.patterns.pattern import STOP, Pattern, Stage
from streams.patterns.plans import Found
from streams.patterns.windows import MOST_EVIDENCE, Correlation, Entry, Firing, Satisfied, Window


class Climber(NamedTuple):
    """What enters a stage's window, and which."""

    stage: int
    group: str
    entry: Entry


def known(state: State, owner: str, tagged: str, pattern: Pattern, found: Sequence[Found]) -> bool:
    """Whether one of the windows a signal would enter has it already."""
    if not pattern.stages:
        return False
    for stage, group, _ in found:
        if stage != STOP:
            window = state.get(WINDOW, owner, window_sub(pattern, stage, group))
            if window is not None and tagged in window.ids:
                return True
    return False


def climb(
    state: State, owner: str, pattern: Pattern, climbers: Sequence[Climber], newest: int
) -> list[tuple[str, Firing]] | None:
    """Take entries into their stages; (group, firing) of what comes out at the first one.

    None if nothing got as far as that, as is usual.

    For a pattern that waits (`absence`) that is every record that satisfies it, whatever the
    cooldown, and for a rule without a window the signal itself. Where the pattern is about an
    entity, evidence is all that is behind a firing: it says which accounts are concerned.
    """
    if not pattern.stages:
        return [(group, _alone(entry)) for _, group, entry in climbers]
    fired: list[tuple[str, Firing]] | None = None
    waiting = climbers
    latest = max(state.now, newest)
    while waiting:  # those above a stage stand before it
        here, waiting = _innermost(waiting)
        number = here[0].stage
        stage = pattern.stages[number]
        correlation = stage.correlation
        above: list[Climber] = []
        if not number:
            fired = []
        for group, entries in _windows(here, correlation, newest):
            sub = window_sub(pattern, number, group)
            window = state.get(WINDOW, owner, sub) or Window()
            if fired is None:
                found = correlation.satisfied(window, entries, newest)
                above += [_occurrence(stage, group, one) for one in found]
            else:
                fired += [(group, one) for one in _told(pattern, window, entries, newest)]
            expires_at = latest + correlation.horizon
            state.put(WINDOW, owner, window, expires_at, sub)
            if group:
                note_group(state, Place(owner, pattern, number, group), entries[-1].at, expires_at)
        waiting = [*waiting, *above] if waiting else above
    if fired and pattern.entity is not None:
        return [(group, whole(state, owner, pattern, group, firing)) for group, firing in fired]
    return fired


def whole(state: State, owner: str, pattern: Pattern, group: str, firing: Firing) -> Firing:
    """The firing with what satisfied the windows below the first, as far as those still know."""
    if len(pattern.stages) == 1:
        return firing
    first = load_window(state, Place(owner, pattern, 0, group))
    times = dict(zip(first.ids, first.ats, strict=True))
    found = {(times.get(tagged, firing.at), tagged) for tagged in firing.evidence}
    for below in range(1, len(pattern.stages)):
        if pattern.stages[below].above == 0:
            found |= _behind(state, owner, pattern, below, group, firing.evidence)
    whole = sorted(found)[-MOST_EVIDENCE:]
    return replace(
        firing, evidence=tuple(tagged for _, tagged in whole), start=whole[0][0], end=whole[-1][0]
    )


def _behind(  # noqa: PLR0917 - a place, and what is asked of it
    state: State,
    owner: str,
    pattern: Pattern,
    number: int,
    group: str,
    satisfying: Sequence[str],
) -> set[tuple[int, str]]:
    """The records behind those that satisfied a stage's windows, as (time, tagged id)."""
    correlation = pattern.stages[number].correlation
    found: set[tuple[int, str]] = set()
    for place in _places(state, owner, pattern, number, group):
        window = load_window(state, place)
        ats, ids = window.ats, window.ids
        for index in [ids.index(tagged) for tagged in satisfying if tagged in ids]:
            low = bisect_right(ats, ats[index] - correlation.timespan)
            high = bisect_right(ats, ats[index])
            if not correlation.holds(window, low, high):
                continue
            chosen = correlation.evidence(window, low, high)
            found.update((ats[one], ids[one]) for one in chosen)
            for below in range(number + 1, len(pattern.stages)):
                if pattern.stages[below].above == number:
                    behind = [ids[one] for one in chosen]
                    found |= _behind(state, owner, pattern, below, place.group, behind)
    return found


def _places(state: State, owner: str, pattern: Pattern, number: int, group: str) -> Iterator[Place]:
    """The windows of a stage that lead to a group of the stage above it."""
    stage = pattern.stages[number]
    if stage.passes or not stage.grouped:
        yield Place(owner, pattern, number, group if stage.grouped else "")
        return
    groups = state.get(GROUPS, owner, Place(owner, pattern, number, "").key)
    for name in sorted(groups.newest) if groups is not None else ():
        yield Place(owner, pattern, number, name)


def _innermost(waiting: Sequence[Climber]) -> tuple[Sequence[Climber], Sequence[Climber]]:
    """Those that wait before the innermost stage, and the others."""
    if len(waiting) == 1:  # nearly always
        return waiting, ()
    number = max(one.stage for one in waiting)
    here = [one for one in waiting if one.stage == number]
    return here, [one for one in waiting if one.stage != number]


def _told(
    pattern: Pattern, window: Window, entries: Sequence[Entry], newest: int
) -> Sequence[Firing]:
    correlation = pattern.stages[0].correlation
    if pattern.absence is not None:
        return correlation.satisfying(window, entries, newest)
    if len(entries) == 1:
        return correlation.add(window, entries[0], newest)
    return correlation.add_all(window, entries, newest)


def _alone(entry: Entry) -> Firing:
    return Firing(entry.at, True, (entry.id,), entry.at, entry.at, 1)


def _occurrence(stage: Stage, group: str, satisfied: Satisfied) -> Climber:
    assert stage.above is not None
    value = group if stage.counted else stage.bits
    entry = Entry(satisfied.at, satisfied.id, value, satisfied.sources)
    return Climber(stage.above, group if stage.passes else "", entry)


def _windows(
    climbers: Sequence[Climber], correlation: Correlation, newest: int
) -> list[tuple[str, list[Entry]]]:
    """What enters each group's window, by event time; a record once. Too late ones don't."""
    if len(climbers) == 1:  # the usual case, without dictionaries
        ((_, group, entry),) = climbers
        return [] if newest - entry.at > correlation.lateness else [(group, [entry])]
    found: dict[str, dict[tuple[int, str], Entry]] = {}
    for _, group, entry in climbers:
        at, tagged, value, source = entry
        if newest - at > correlation.lateness:
            continue
        entries = found.setdefault(group, {})
        other = entries.get((at, tagged))
        if other is not None:
            value = other.value | value if correlation.unites else other.value
            source |= other.source
        entries[at, tagged] = Entry(at, tagged, value, source)
    return [
        (group, sorted(found[group].values(), key=lambda entry: (entry.at, entry.id)))
        for group in sorted(found)
    ]
