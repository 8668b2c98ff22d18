"""Forgetting an account on request: what the accounts agent has of it becomes tombstones.

What is still in Kafka's other topics goes with their retention; docs/privacy.md says how long.
"""

from __future__ import annotations

from streams.agents.account_state import ACCOUNT
from streams.agents.contract import State
from streams.agents.reporters import REPORTERS
from streams.agents.windows_state import GROUPS, WAITING, WINDOW
from streams.patterns import RuleSet


def erase(state: State, account: str, ruleset: RuleSet) -> None:
    """Delete the account's record and its windows. Its case is `Settlement.erase`'s.

    Windows are found by the patterns in force, for a scan would have to list every account's. Those
    of patterns that are no more are asked by nobody, and go when they expire.
    """
    for pattern in ruleset.patterns:
        for key in pattern.stage_keys:
            groups = state.get(GROUPS, account, key)
            for sub in (key, *(f"{key}/{group}" for group in (groups.newest if groups else ()))):
                state.delete(WINDOW, account, sub)
                state.delete(WAITING, account, sub)
            state.delete(GROUPS, account, key)
    state.delete(REPORTERS, account)
    state.delete(ACCOUNT, account)
