"""Forgetting an account on request: what the accounts agent has of it becomes tombstones.

What the law wants preserved stays until its time is over: reports that were not retracted, with the
actions their hits led to, and every `preserve` that stands. The account's record then says that the
rest is to go, and each time something ends it is looked again whether it can. What came after the
request is not touched by that.

What is still in Kafka's other topics goes with their retention; docs/privacy.md says how long.
"""

from __future__ import annotations

from streams.agents.account_state import ACCOUNT
from streams.agents.case_state import ACTION, CASE
from streams.agents.contract import Out, State
from streams.agents.reporters import REPORTERS
from streams.agents.reports import INCIDENT, Reports
from streams.agents.settlement import Settlement
from streams.agents.windows_state import GROUPS, WAITING, WINDOW
from streams.patterns import RuleSet
from streams.policy import PRESERVE, Status


def erase(state: State, account: str, ruleset: RuleSet, out: Out) -> None:
    """Delete the account's record, its windows, and of its case what need not be preserved.

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
    case = state.get(CASE, account)
    until = state.now if case is None else max(state.now, case.clock)
    _erase_the_case(state, account, ruleset, until, out)


def resume(state: State, account: str, ruleset: RuleSet, out: Out) -> None:
    """Something ended: if the account was to be erased, look whether more of it can go."""
    case = state.get(CASE, account)
    if case is not None and case.erase_until:
        _erase_the_case(state, account, ruleset, case.erase_until, out)


def _erase_the_case(state: State, account: str, ruleset: RuleSet, until: int, out: Out) -> None:
    kept: set[str] = set()
    for incident in Reports(state, ruleset, account, out).all():
        if incident.preserved:
            kept.update(incident.detections)
        elif incident.opened <= until:
            state.delete(INCIDENT, account, incident.id)
    actions = [
        action.id
        for _, action in state.scan(ACTION, account)
        if kept.intersection(action.detections)
        or (action.action == PRESERVE and action.status is Status.GRANTED)
    ]
    Settlement(state, ruleset.policy, account, out).erase(actions, until)
