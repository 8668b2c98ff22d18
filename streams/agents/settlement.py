"""What becomes of an account's actions: verdicts, reviews, retractions, expiry, and commands.

`streams.policy` says what follows; here it becomes records: what was enforced is taken back, a
person is asked to look, and the governor hears what it has to know of a pattern's decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal, NamedTuple

from streams.agents.attention import priority_of
from streams.agents.case_state import ACTION, CASE, case_of, put_case
from streams.agents.contract import NEVER, Out, State
from streams.policy import (
    AccountCase,
    Action,
    Case,
    Effects,
    Policy,
    Review,
    Verdict,
    VerdictKind,
    erase,
    retracted,
    reviewed,
    settle,
    snooze,
)
from streams.records import Enforcement, Proposal, ReviewItem, output_id, undo_id
from streams.signals.times import format_ms


class Settlement(NamedTuple):
    """How one account's actions are settled under one policy, and where the records go."""

    state: State
    policy: Policy
    account: str
    out: Out

    def verdict(self, said: Any) -> None:
        """The governor granted, held, voided or undid what was proposed."""
        case = self._case
        verdict = Verdict(said.proposal, VerdictKind(said.kind), said.at, said.reviewer)
        effects = settle(self.policy, case, verdict, self.state.now)
        self._carry_out(case, effects, said.reviewer)
        for action in _of(case, effects.undo):
            # Taken back before the grant arrived; the governor counts it among what stands.
            self._tell_the_pattern(action, "forget", said.id)

    def review(self, review: Any) -> None:
        """A person reviewed, or appealed against, what was decided."""
        case = self._case
        about = Review(review.decision, review.stage, review.outcome, review.reviewer)
        effects = reviewed(self.policy, case, about, self.state.now)
        self._carry_out(case, effects, review.reviewer)
        changed = _of(case, effects.changed)
        if effects.outcome:
            for action in changed:
                self._tell_the_pattern(
                    action, "outcome", review.id, effects.outcome, review.reviewer
                )
        if effects.appeal:
            for action in changed:
                self._ask("appeal", action, review.id)

    def retract(self, detection: str) -> None:
        """A detection was taken back, and so is what was done because of it."""
        case = self._case
        effects = retracted(self.policy, case, detection, self.state.now)
        self._carry_out(case, effects, None)
        for action in _of(case, effects.changed):
            self._tell_the_pattern(action, "forget", detection)

    def expire(self, action: Action) -> None:
        """An action's time is over."""
        verdict = Verdict(action.id, VerdictKind.EXPIRED, action.expires_at)
        case = self._case
        self._end(action, action.expires_at)
        effects = settle(self.policy, case, verdict, self.state.now)
        self._carry_out(case, effects, None)
        if not effects.changed:  # forgotten in the meantime: nothing came for so long
            self.state.delete(ACTION, self.account, action.id)

    def snooze(self, until: int) -> None:
        """Hold actions of the ladder off until then (ms)."""
        case = self._case
        snooze(case, until, self.state.now)
        put_case(self.state, self.account, case)

    def erase(self, kept: Collection[str], until: int) -> None:
        """Forget the case as of then (ms): what was to end later ends now, the governor forgets too.

        Actions that are `kept` stay as they are. As long as there are any from before then, the
        account's record says that this is to be done again.
        """
        case = self._case
        old = {one.id for one in case.actions.values() if one.at <= until}
        gone, waits = old.difference(kept), bool(old.intersection(kept))
        for action in _of(case, [name for name in erase(case) if name in gone]):
            self._end(action, self.state.now)
        for action in [one for one in case.actions.values() if one.id in gone]:
            self._tell_the_pattern(action, "forget", "erase")
            self.state.delete(ACTION, self.account, action.id)
        account = case.account
        if account.erase_until == until:  # the rest of it; what was noted since then stays
            account.erase_until = until if waits else NEVER
            put_case(self.state, self.account, case)
        elif waits:
            put_case(
                self.state, self.account, Case(AccountCase(account.clock, erase_until=until), {})
            )
        else:
            self.state.delete(CASE, self.account)

    @property
    def _case(self) -> Case:
        return case_of(self.state, self.account)

    def _carry_out(self, case: Case, effects: Effects, reviewer: str | None) -> None:
        if effects.changed:
            put_case(self.state, self.account, case, _of(case, effects.changed))
        for action in _of(case, effects.undo):
            self._undo(action, reviewer)
        for action in _of(case, effects.review):
            self._ask("needs_review", action, ",".join(effects.changed))

    def _undo(self, action: Action, reviewer: str | None) -> None:
        record = self._enforcement(
            action,
            id=undo_id(action.pattern, action.version, self.account, action.id),
            action="undo",
            at=self.state.now,
            automated="fully" if reviewer is None else "not",
            reviewer=reviewer,
        )
        self.out.emit("enforcement", self.account, record)

    def _end(self, action: Action, at: int) -> None:
        record = self._enforcement(
            action,
            id=self._id("enforcement/expire", action, ""),
            action="expire",
            at=at,
            automated="fully",
        )
        self.out.emit("enforcement", self.account, record)

    def _enforcement(self, about: Action, *, at: int, **said: Any) -> Enforcement:
        return Enforcement(
            account=self.account,
            harm=about.harm,
            severity=about.severity,
            detections=about.detections,
            pattern=about.pattern,
            version=about.version,
            ruleset=about.ruleset,
            at=format_ms(at),
            end_user=about.end_user,
            content_ref=about.content_ref,
            dataset_ref=about.dataset_ref,
            undoes=about.id,
            strikes=about.strikes,
            **said,
        )

    def _ask(self, reason: Literal["needs_review", "appeal"], about: Action, because: str) -> None:
        item = ReviewItem(
            id=self._id(f"review/{reason}", about, because),
            account=self.account,
            reason=reason,
            proposal=about.id,
            detections=about.detections,
            pattern=about.pattern,
            priority=priority_of(about.severity),
            due_at=format_ms(self.state.now + self.policy.due(about.harm)),
            end_user=about.end_user,
            content_ref=about.content_ref,
            dataset_ref=about.dataset_ref,
            version=about.version,
            action=about.action,
        )
        self.out.emit("review-queue", self.account, item)

    def _tell_the_pattern(
        self,
        action: Action,
        kind: Literal["outcome", "forget"],
        because: str,
        outcome: Any = None,
        reviewer: str | None = None,
    ) -> None:
        told = Proposal(
            id=self._id(f"proposal/{kind}", action, because),
            account=self.account,
            at=format_ms(self.state.now),
            kind=kind,
            pattern=action.pattern,
            version=action.version,
            action=action.action,
            harm=action.harm,
            severity=action.severity,
            detections=action.detections,
            decision=action.id,
            outcome=outcome,
            reviewer=reviewer,
            breaker=self.policy.breaker,
        )
        self.out.emit("proposals", action.pattern, told)

    def _id(self, kind: str, action: Action, because: str) -> str:
        evidence = (action.id, because)
        return output_id(
            kind, action.pattern, action.version, (self.account,), self.account, evidence
        )


def _of(case: Case, ids: Iterable[str]) -> list[Action]:
    return [case.actions[id_] for id_ in ids]
