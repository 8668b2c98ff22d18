"""State records of windows, the same for every agent that has them.

- ``W`` owner + pattern key (+ ``.`` stage) (+ ``/`` group): one window with its episodes. Goes once
  its contents can't matter to any signal that is not over a lateness more delayed than those before.
- ``G`` owner + pattern key (+ ``.`` stage): the groups of a window that groups by one more field.
- ``U`` owner + pattern key (+ ``/`` group): what waits to be told unless something follows.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streams.agents.contract import Kind, State
from streams.patterns.absence import Waiting
from streams.patterns.pattern import Pattern
from streams.patterns.windows import Window

MAX_GROUPS = 1024
"""Groups of one pattern in one account; those that were quiet longest go first."""
GROUPS_AFTER_EVICTION = 960


class Groups(msgspec.Struct, array_like=True, gc=False):
    """The groups of one pattern that have a window: group → newest event time in it (ms)."""

    newest: dict[str, int]


def _due(waiting: Waiting) -> int:
    return waiting.due


WINDOW: Kind[Window] = Kind(b"W", Window)
GROUPS: Kind[Groups] = Kind(b"G", Groups)
WAITING: Kind[Waiting] = Kind(b"U", Waiting, due=_due)

KINDS = (WINDOW, GROUPS, WAITING)


class Place(NamedTuple):
    """Where a window is: whose, of which pattern and stage, for which group ("" for none)."""

    owner: str
    pattern: Pattern
    stage: int
    group: str

    @property
    def key(self) -> str:
        """The name of the stage's windows within the owner."""
        return f"{self.pattern.key}.{self.stage}" if self.stage else self.pattern.key

    @property
    def sub(self) -> str:
        """The sub-key of this one."""
        _, pattern, stage, group = self
        if not stage and not group:  # nearly all
            return pattern.key
        return f"{self.key}/{group}" if group else self.key


def load_window(state: State, place: Place) -> Window:
    """A window as it stands, or an empty one."""
    if not place.pattern.horizon:
        return Window()
    return state.get(WINDOW, place.owner, place.sub) or Window()


def put_window(state: State, place: Place, window: Window, at: int, newest: int) -> None:
    """Store a window a record of time `at` went into; `newest` is the owner's newest (ms)."""
    stages = place.pattern.stages
    horizon = stages[place.stage].correlation.horizon if stages else place.pattern.horizon
    expires_at = max(state.now, newest) + horizon
    state.put(WINDOW, place.owner, window, expires_at, place.sub)
    if place.group:
        note_group(state, place, at, expires_at)


def note_group(state: State, place: Place, at: int, expires_at: int) -> None:
    """Keep count of a window's groups, and drop the quietest when there are too many."""
    owner, key, group = place.owner, place.key, place.group
    groups = state.get(GROUPS, owner, key)
    if groups is None:
        groups = Groups({})
    newest = groups.newest
    newest[group] = max(at, newest.get(group, at))
    if len(newest) > MAX_GROUPS:
        quietest = sorted(newest, key=lambda name: (newest[name], name))
        for name in quietest[: len(newest) - GROUPS_AFTER_EVICTION]:
            del newest[name]
            state.delete(WINDOW, owner, f"{key}/{name}")
            state.delete(WAITING, owner, f"{key}/{name}")
    state.put(GROUPS, owner, groups, expires_at, key)
