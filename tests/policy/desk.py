"""One account's case on a desk: offences come in, verdicts and reviews too, and time passes."""

from __future__ import annotations

import itertools

from streams.policy import (
    AccountCase,
    Action,
    Case,
    Decision,
    Effects,
    Established,
    Offence,
    Policy,
    Review,
    Status,
    Subject,
    Verdict,
    VerdictKind,
    decide,
    load,
    remember,
    retracted,
    reviewed,
    settle,
    strikes,
)

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_790_000_000_000
ZERO = {"established": Established.ACCOUNT, "harm": "csam"}
"""Fields of an offence that is known material."""


class Desk:
    """The functions of `streams.policy` with what an agent would do around them."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or load()
        self.case = Case(AccountCase(), {})
        self.now = START
        self._numbers = itertools.count(1)

    def later(self, ms: int) -> Desk:
        self.now += ms
        return self

    def offence(self, asked: str = "warn", harm: str = "spam", **fields: object) -> Offence:
        given = {
            "pattern": f"p-{asked}",
            "version": "v1",
            "severity": "medium",
            "detection": f"d{next(self._numbers)}",
            "act_at": self.now,
            **fields,
        }
        return Offence(harm=harm, asked=asked, **given)

    def decide(self, asked: str = "warn", harm: str = "spam", **fields: object) -> Decision:
        """Decide about an offence, and remember what comes of it."""
        return self.take(self.offence(asked, harm, **fields))

    def take(self, offence: Offence) -> Decision:
        decision = decide(self.policy, self.case, offence, self.now)
        self.remember(offence, decision)
        return decision

    def remember(self, offence: Offence, decision: Decision) -> list[Action]:
        ids = [f"{offence.detection}-{step.action}" for step in decision.steps]
        new = remember(self.policy, self.case, offence, decision, ids)
        self.case.actions.update({action.id: action for action in new})
        return new

    def act(self, asked: str = "warn", harm: str = "spam", **fields: object) -> Action:
        """The same, granted at once; the action on the person."""
        self.decide(asked, harm, **fields)
        action = list(self.case.actions.values())[-1]
        if action.status is Status.RESERVED:
            self.grant(action)
        return action

    def settle(self, action: Action, kind: VerdictKind, reviewer: str | None = None) -> Effects:
        verdict = Verdict(action.id, kind, self.now, reviewer)
        return settle(self.policy, self.case, verdict, self.now)

    def grant(self, action: Action, reviewer: str | None = None) -> Effects:
        return self.settle(action, VerdictKind.GRANTED, reviewer)

    def review(self, decision: str, outcome: str, reviewer: str = "r1", stage: str = "first"):
        said = Review(decision, stage, outcome, reviewer)
        return reviewed(self.policy, self.case, said, self.now)

    def retract(self, detection: str) -> Effects:
        return retracted(self.policy, self.case, detection, self.now)

    def strikes(self, harm: str = "spam", end_user: str | None = None) -> int:
        moment = self.case.account.moment(self.now)
        return strikes(self.policy, self.case, Subject(harm, end_user), moment)


def did(decision: Decision) -> list[str]:
    """What is done, in order."""
    return [step.action for step in decision.steps]
