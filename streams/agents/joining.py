"""Accounts that join an episode about an entity after it was told.

An episode is told once, to those concerned then. But the sixth account of a farm is no less part of
it than the five that made it one: whoever matches while an episode lasts and was not in it is told
by itself. That asks for no memory: an account that was there before has another record in the
window.
"""

from __future__ import annotations

from streams.agents.arrival import Arrival
from streams.agents.chains import whole
from streams.agents.contract import State
from streams.agents.windows_state import WINDOW, Place, load_window, window_sub
from streams.patterns.pattern import Pattern
from streams.patterns.windows import Firing


def joined(
    state: State, arrival: Arrival, pattern: Pattern, stage: int, group: str
) -> tuple[str, Firing] | None:
    """What is to be told, and its group, where a signal brings an account into an episode.

    The signal went into the window of that stage and group and nothing fired.
    """
    signal, owner, tagged, *_ = arrival
    first_group = group if pattern.stages[0].grouped else ""
    first = state.get(WINDOW, owner, window_sub(pattern, 0, first_group))
    if first is None or not first.spans:
        return None
    spans, at = first.spans, signal.at
    if not any(spans[n] <= at <= spans[n + 1] for n in range(0, len(spans), 2)):
        return None
    entered = load_window(state, Place(owner, pattern, stage, group)) if stage else first
    account = f"@{signal.account}"
    if sum(one.endswith(account) for one in entered.ids) > 1:
        return None
    firing = pattern.stages[0].correlation.firing_at(first, at)
    if firing is None or tagged not in firing.evidence:
        return None
    return first_group, whole(state, owner, pattern, first_group, firing)
