"""What is found about an entity that an account shares with others, as its own ladder takes it.

That is never more than a restriction, and no strike (`streams.policy`): guilt doesn't travel.
"""

from __future__ import annotations

from typing import Any

from streams.agents.contract import Out, State
from streams.agents.offences import Cause, name_by_detection, pursue
from streams.agents.settlement import Settlement
from streams.patterns import RuleSet
from streams.policy import Offence

UNDO = "undo"


def on_entity(state: State, ruleset: RuleSet, told: Any, out: Out) -> None:
    """Act on an account-signal of kind `entity`, or take back what one before it brought about."""
    account, policy = told.account, ruleset.policy
    if told.action is None:
        return
    if told.action == UNDO:
        Settlement(state, policy, account, out).retract(told.detection)
        return
    offence = Offence(
        pattern=told.pattern,
        version=told.version,
        harm=told.harm,
        severity=told.severity,
        asked=told.action,
        detection=told.detection,
        act_at=told.at,
        ruleset=ruleset.hash,
        cause=1,
        content_ref=told.content_ref,
        dataset_ref=told.dataset_ref,
    )
    budget = next((p.block.budget for p in ruleset.patterns if p.id == told.pattern), None)
    cause = Cause(account, offence, budget, name_by_detection(offence, account))
    pursue(state, policy, cause, out)
