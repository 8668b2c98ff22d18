"""From what was found about an account to what is proposed (`streams.policy` decides).

An offence comes from one of the account's own patterns, from an entity it shares with others, or
from known material (`known_material`). What comes of it goes to the governor as proposals: also
what is immediate, which the governor grants whatever holds everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from streams.agents.attention import priority_of
from streams.agents.case_state import case_of, put_case
from streams.agents.contract import Out, State
from streams.policy import Decision, Offence, Policy, Step, decide, remember
from streams.records import Proposal, ReviewItem, output_id
from streams.signals.times import format_ms

URGENT = frozenset({"critical"})
"""Severities that don't wait for the checkpoint's timer."""


class Cause(NamedTuple):
    """What an offence of an account follows from.

    `budget` is what the pattern names for an hour, None where it names none; `name` gives the id of
    what comes of it, from the kind of output. `report` makes the draft, where there is to be one.
    """

    account: str
    offence: Offence
    budget: int | None
    name: Callable[[str], str]
    report: Callable[[], None] | None = None


def pursue(state: State, policy: Policy, cause: Cause, out: Out) -> str:
    """Decide, remember it, and propose what there is to do; the id of the last proposal, or ""."""
    account, offence = cause.account, cause.offence
    case = case_of(state, account)
    decision = decide(policy, case, offence, state.now)
    ids = [cause.name(f"enforcement/{step.action}") for step in decision.steps]
    actions = remember(policy, case, offence, decision, ids)
    if actions:
        put_case(state, account, case, actions)
    if decision.report and cause.report is not None:
        cause.report()
    new = {action.id for action in actions}
    last = ""
    for step, id_ in zip(decision.steps, ids, strict=True):
        if id_ in new:
            last = id_
            proposal = _proposal(policy, cause, decision, step, id_)
            urgent = step.immediate or offence.severity in URGENT
            out.emit("proposals", offence.pattern, proposal, urgent=urgent)
    if decision.review and (new or not decision.steps):
        out.emit("review-queue", account, _to_look_at(policy, cause, decision, last))
    return last


def _proposal(policy: Policy, cause: Cause, decision: Decision, step: Step, id_: str) -> Proposal:
    offence = cause.offence
    budget = policy.budget(step.action, cause.budget)
    return Proposal(
        id=id_,
        account=cause.account,
        at=format_ms(decision.moment),
        kind="propose",
        pattern=offence.pattern,
        version=offence.version,
        ruleset=offence.ruleset,
        action=step.action,
        harm=offence.harm,
        severity=offence.severity,
        detections=(offence.detection,),
        strikes=decision.strikes,
        expires_after_s=step.lasts // 1000 or None,
        end_user=offence.end_user,
        content_ref=offence.content_ref,
        dataset_ref=offence.dataset_ref,
        budget_hour=budget.hour,
        budget_day=budget.day,
        zero=step.immediate,
        breaker=policy.breaker,
        review_within_s=policy.due(offence.harm) // 1000,
        why=decision.why.value,
        policy=policy.hash,
        after=decision.after or None,
    )


def _to_look_at(policy: Policy, cause: Cause, decision: Decision, proposal: str) -> ReviewItem:
    """A person is to look: at what was proposed last, or, where that is nothing, at the detection."""
    offence = cause.offence
    return ReviewItem(
        id=cause.name("review/needs_review"),
        account=cause.account,
        reason="needs_review",
        proposal=proposal or offence.detection,
        detections=(offence.detection,),
        pattern=offence.pattern,
        priority=priority_of(offence.severity),
        due_at=format_ms(decision.moment + policy.due(offence.harm)),
        end_user=offence.end_user,
        content_ref=offence.content_ref,
        dataset_ref=offence.dataset_ref,
        version=offence.version,
        action=decision.steps[-1].action if decision.steps else None,
    )


def name_by_detection(offence: Offence, account: str) -> Callable[[str], str]:
    """Ids of what comes of an offence that another agent, or no pattern, found."""

    def name(kind: str) -> str:
        evidence = (offence.detection,)
        return output_id(kind, offence.pattern, offence.version, (account,), account, evidence)

    return name
