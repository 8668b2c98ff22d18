"""Patterns of several windows: correlations of correlations.

A record that satisfies an inner window is an occurrence in the window above it, with its own time
and id, whatever the inner one's cooldown would be. From the innermost stages to the first, each
signal so climbs as far as it gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.agents.contract import State
from streams.agents.windows_state import Place, load_window, put_window
from streams.patterns.pattern import STOP, Pattern, Stage
from streams.patterns.plans import Found
from streams.patterns.windows import Correlation, Entry, Firing, Satisfied


class Climber(NamedTuple):
    """What enters a stage's window, and which."""

    stage: int
    group: str
    entry: Entry


def known(state: State, owner: str, tagged: str, pattern: Pattern, found: Sequence[Found]) -> bool:
    """Whether one of the windows a signal would enter has it already."""
    return any(
        tagged in load_window(state, Place(owner, pattern, stage, group)).ids
        for stage, group, _ in found
        if stage != STOP and pattern.stages
    )


def climb(
    state: State, owner: str, pattern: Pattern, climbers: Sequence[Climber], newest: int
) -> list[tuple[str, Firing]]:
    """Take entries into their stages; (group, firing) of what comes out at the first one.

    For a pattern that waits (`absence`) that is every record that satisfies it, whatever the
    cooldown, and for a rule without a window the signal itself.
    """
    if not pattern.stages:
        return [(group, _alone(entry)) for _, group, entry in climbers]
    fired: list[tuple[str, Firing]] = []
    waiting = list(climbers)
    for number in reversed(range(len(pattern.stages))):
        stage = pattern.stages[number]
        correlation = stage.correlation
        here = [one for one in waiting if one.stage == number]
        if not here:
            continue
        for group, entries in _windows(here, correlation, newest):
            place = Place(owner, pattern, number, group)
            window = load_window(state, place)
            if stage.above is None and pattern.absence is None:
                fired += [(group, one) for one in correlation.add_all(window, entries, newest)]
            else:
                for satisfied in correlation.satisfied(window, entries, newest):
                    if stage.above is None:
                        fired.append((group, satisfied.firing))
                    else:
                        waiting.append(_occurrence(stage, stage.above, group, satisfied))
            put_window(state, place, window, entries[-1].at, newest)
    return fired


def _alone(entry: Entry) -> Firing:
    return Firing(entry.at, True, (entry.id,), entry.at, entry.at, 1)


def _occurrence(stage: Stage, above: int, group: str, satisfied: Satisfied) -> Climber:
    value = group if stage.counted else stage.bits
    entry = Entry(satisfied.firing.at, satisfied.id, value, satisfied.sources)
    return Climber(above, group if stage.passes else "", entry)


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
