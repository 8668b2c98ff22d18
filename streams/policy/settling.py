"""What becomes of what was decided: verdicts, reviews, retractions, and the commands of people.

An action goes reserved → (held →) granted → expired, and from anywhere to voided or undone, which
are final: nobody is punished again by a message that comes late. Every function here changes
records in place and says which; saying the same twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.policy.case import (
    FINAL,
    NEVER,
    PENDING,
    REMEMBERED_MS,
    STANDING,
    Action,
    Case,
    Status,
    strikes,
)
from streams.policy.ladders import Policy

UPHELD, OVERTURNED, APPEALED = "upheld", "overturned", "appealed"
"""Outcomes of a review that mean something here: a decision was right, wrong, or is contested."""
APPEAL_STAGE = "appeal"

MOST_NAMES = 32
"""Reviewers remembered per action; more change nothing."""


class VerdictKind(StrEnum):
    """What the governor says of a proposal; `EXPIRED` the account's own timer says."""

    GRANTED = "granted"
    HELD = "held"
    VOIDED = "voided"
    UNDONE = "undone"
    EXPIRED = "expired"


class Verdict(NamedTuple):
    """A verdict on the action with that id.

    `at` is when it was reached (ms): expiry counts from there. `reviewer` is who released, voided
    or undid it, None where no person did.
    """

    id: str
    kind: VerdictKind
    at: int
    reviewer: str | None = None


class Review(NamedTuple):
    """A review of a decision: the id of an action, or of the detection it came from."""

    decision: str
    stage: str
    outcome: str
    reviewer: str


class Effects(NamedTuple):
    """What follows; the ids are of actions, in the order they were decided.

    `changed` are to be stored again. `undo`: what was enforced is to be taken back. `review`: they
    leaned on what was undone, and a person is to look again. `outcome` is to be forwarded to the
    pattern, "" for none. `appeal`: the decision is contested, and a person is to look.
    """

    changed: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    outcome: str = ""
    appeal: bool = False


NOTHING = Effects()


def settle(policy: Policy, case: Case, verdict: Verdict, now: int) -> Effects:
    """What a verdict makes of an action; of one this account never had, nothing.

    Only `UNDONE` reads the account's other actions.
    """
    action = case.actions.get(verdict.id)
    if action is None:
        return NOTHING
    kind, status = verdict.kind, action.status
    if kind == VerdictKind.GRANTED:
        if status in FINAL:
            # It was taken back before the grant arrived: what was enforced has to be reversed.
            return Effects(undo=(action.id,))
        if status not in PENDING:
            # What is immediate was granted when it was decided; its time counts from here, too.
            ends = action.zero and action.lasts and status is Status.GRANTED
            if not ends or action.expires_at == verdict.at + action.lasts:
                return NOTHING
            action.expires_at = verdict.at + action.lasts
            return Effects(changed=(action.id,))
        action.status = Status.GRANTED
        action.granted_at = case.account.tick(now)
        action.expires_at = verdict.at + action.lasts if action.lasts else NEVER
        if verdict.reviewer:
            action.hands = _with(action.hands, verdict.reviewer)
        return Effects(changed=(action.id,))
    if kind == VerdictKind.UNDONE:
        return _undo(policy, case, [action], now)._replace(undo=())
    allowed, becomes = _MOVES[kind]
    if status not in allowed:
        return NOTHING
    case.account.tick(now)
    action.status = becomes
    return Effects(changed=(action.id,))


_MOVES = {
    VerdictKind.HELD: (frozenset({Status.RESERVED}), Status.HELD),
    VerdictKind.VOIDED: (PENDING, Status.VOIDED),
    VerdictKind.EXPIRED: (frozenset({Status.GRANTED}), Status.EXPIRED),
}


def retracted(policy: Policy, case: Case, detection: str, now: int) -> Effects:
    """A detection was taken back (`unless`), and so is all that was done because of it."""
    return _undo(policy, case, _from(case, detection), now)


def reviewed(policy: Policy, case: Case, review: Review, now: int) -> Effects:
    """What a review does.

    It counts only for a decision of this account, and not from somebody who had a hand in it: who
    proposed or released it, who appealed, and, of an appeal, who judged it first. What was
    overturned stays so, whatever anybody says later.
    """
    action = case.actions.get(review.decision)
    about = [action] if action is not None else _from(case, review.decision)
    if not about or any(_has_a_hand(one, review) for one in about):
        return NOTHING
    if review.outcome == APPEALED:
        return _appealed(about, review.reviewer)
    if review.outcome not in (UPHELD, OVERTURNED):
        return NOTHING
    open_ = [one for one in about if one.outcome != OVERTURNED]
    new = [one for one in open_ if one.outcome != review.outcome]
    changed = {one.id for one in open_ if _judged(one, review)}
    effects = _undo(policy, case, new, now) if review.outcome == OVERTURNED else NOTHING
    return effects._replace(
        changed=_ids(case, {*changed, *effects.changed}),
        outcome=review.outcome if new else "",
    )


def snooze(case: Case, until: int, now: int) -> None:
    """Hold actions of the ladder off until then (ms), at most 400 days; a past moment ends it."""
    case.account.snoozed_until = min(until, now + REMEMBERED_MS)


def erase(case: Case) -> tuple[str, ...]:
    """The actions whose end is to be told now, because nobody will know of it later.

    Everything about the account is then to be deleted. Verdicts and reviews that come afterwards
    find nothing, and change nothing.
    """
    return _ids(case, {name for name, one in case.actions.items() if one.due != NEVER})


def _undo(policy: Policy, case: Case, about: Sequence[Action], now: int) -> Effects:
    """Take actions back, and find what leaned on them: what stood on strikes that now are gone."""
    about = [one for one in about if one.status not in FINAL]
    if not about:
        return NOTHING
    lost = {one.subject for one in about if one.counts and one.status in STANDING}
    raised = [one for one in case.actions.values() if one.rests_on and one.subject in lost]
    carried = [one for one in raised if _carried(policy, case, one)]
    undone = _names(one for one in about if one.status in STANDING)
    case.account.tick(now)
    for one in about:
        one.status = Status.UNDONE
    leaned = [one for one in carried if one.status not in FINAL and not _carried(policy, case, one)]
    return Effects(
        changed=_ids(case, _names(about)),
        undo=_ids(case, undone),
        review=_ids(case, _names(leaned)),
    )


def _carried(policy: Policy, case: Case, action: Action) -> bool:
    """Whether the strikes an action rested on stand, of those that were known then."""
    until = action.at - policy.ladder(action.harm).cooldown
    return strikes(policy, case, action.subject, action.at, until) >= action.rests_on


def _appealed(about: Sequence[Action], reviewer: str) -> Effects:
    contested = [one for one in about if one.status not in FINAL and len(one.hands) < MOST_NAMES]
    for one in contested:
        one.hands = _with(one.hands, reviewer)
    return Effects(changed=tuple(one.id for one in contested), appeal=bool(contested))


def _judged(action: Action, review: Review) -> bool:
    """Note an outcome, and who found it first; whether that changed anything."""
    judges = action.judges
    if review.stage != APPEAL_STAGE:
        judges = _with(judges, review.reviewer)
    if (action.outcome, action.judges) == (review.outcome, judges):
        return False
    action.outcome, action.judges = review.outcome, judges
    return True


def _has_a_hand(action: Action, review: Review) -> bool:
    if review.reviewer in action.hands:
        return True
    appeal = review.stage == APPEAL_STAGE and review.outcome != APPEALED
    return appeal and review.reviewer in action.judges


def _from(case: Case, detection: str) -> list[Action]:
    return [one for one in case.actions.values() if detection in one.detections]


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names or len(names) >= MOST_NAMES else (*names, name)


def _names(actions: Iterable[Action]) -> set[str]:
    return {one.id for one in actions}


def _ids(case: Case, names: Collection[str]) -> tuple[str, ...]:
    """Ids in the order the actions were decided."""
    return tuple(sorted(names, key=lambda name: (case.actions[name].at, name)))
