"""What the accounts agent remembers of what was done to a person (`streams.policy.case`).

- ``C`` account: snooze, signs of a takeover, suspected age. Kept for 400 days after its last change.
- ``X`` account + id of the action: one action, from the proposal on. Due when it expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from streams.agents.contract import Kind, State
from streams.policy import REMEMBERED_MS, AccountCase, Action, Case


def _due(action: Action) -> int:
    return action.due


CASE: Kind[AccountCase] = Kind(b"C", AccountCase)
ACTION: Kind[Action] = Kind(b"X", Action, due=_due, scanned=True)

KINDS = (CASE, ACTION)


class Actions(Mapping[str, Action]):
    """An account's actions by id. Asked for one, it reads one; asked for all, it reads them once."""

    def __init__(self, state: State, account: str) -> None:
        self._state = state
        self._account = account
        self._all: dict[str, Action] | None = None

    def __getitem__(self, id_: str) -> Action:
        """The action with that id. Raises `KeyError`."""
        found = self._state.get(ACTION, self._account, id_)
        if found is None:
            raise KeyError(id_)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> dict[str, Action]:
        if self._all is None:
            self._all = dict(self._state.scan(ACTION, self._account))
        return self._all


def case_of(state: State, account: str) -> Case:
    """What is remembered of an account."""
    return Case(state.get(CASE, account) or AccountCase(), Actions(state, account))


def put_case(state: State, account: str, case: Case, changed: Iterable[Action] = ()) -> None:
    """Store the account's record, and those of actions that changed."""
    state.put(CASE, account, case.account, state.now + REMEMBERED_MS)
    for action in changed:
        state.put(ACTION, account, action, max(action.forget_at, state.now), action.id)
