"""Any sequence of offences, verdicts, reviews, retractions and time against the obvious model."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.policy import (
    AccountCase,
    Case,
    Established,
    Offence,
    Policy,
    Review,
    Status,
    Subject,
    Verdict,
    VerdictKind,
    Why,
    decide,
    notice,
    remember,
    retracted,
    reviewed,
    settle,
    snooze,
    strikes,
)
from tests.policy.desk import START
from tests.policy.happenings import (
    EVENTS,
    HARMS,
    SIGN,
    USERS,
    WINDOW,
    Age,
    Judge,
    Offend,
    Retract,
    Say,
    Sign,
    Snooze,
    policies,
)
from tests.policy.reference import ORDER, Done, Reference

# ------------------------------------------------------------------ both together


class Both:
    """The product and the model, told the same; whatever they disagree about is asserted here."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.case = Case(AccountCase(), {})
        self.model = Reference(policy)
        self.now = START
        self.hands: dict[str, set[str]] = {}
        self.judges: dict[str, set[str]] = {}
        self.outcomes: dict[str, str] = {}
        self.enforced: set[str] = set()  # a grant was told
        self.reversed: set[str] = set()  # and taken back, by us or by the governor

    def run(self, events: list[tuple[int, Any]]) -> Both:
        for step, event in events:
            self.now += step
            getattr(self, type(event).__name__.lower())(event)
            self.agree()
        return self

    def agree(self) -> None:
        moment = self.case.account.moment(self.now)
        for one in self.model.done:
            assert self.case.actions[one.id].status == one.status()
            if one.status() in ("voided", "undone") and one.id in self.enforced:
                assert one.id in self.reversed
        for harm in HARMS:
            for user in USERS:
                expected = self.model.strikes(harm, user, moment)
                assert strikes(self.policy, self.case, Subject(harm, user), moment) == expected

    def chosen(self, which: int) -> Done | None:
        """From the newest back; None stands for an id nobody knows."""
        done = self.model.done
        return done[-1 - which] if 0 <= which < len(done) else None

    def stored(self) -> bytes:
        return msgspec.msgpack.encode(list(self.case.actions.values()))

    # -------------------------------------------------- events

    def offend(self, event: Offend) -> None:
        last = self.model.done[-1] if event.again and self.model.done else None
        offence = Offence(
            pattern=event.pattern,
            version="v1",
            harm=event.harm,
            severity="high",
            asked=event.asked,
            detection=last.detection if last else f"d{len(self.model.done)}",
            act_at=self.now + event.act,
            end_user=event.user,
            **event.limits,
        )
        moment = self.case.account.moment(self.now)
        before = self.stored(), msgspec.msgpack.encode(self.case.account)
        decision = decide(self.policy, self.case, offence, self.now)
        assert decision == decide(self.policy, self.case, offence, self.now)
        assert (self.stored(), msgspec.msgpack.encode(self.case.account)) == before
        expected = self.model.expected(offence, moment)
        done = [(step.action, step.lasts) for step in decision.steps]
        assert (decision.why, done, decision.review) == expected
        self.promises(offence, decision)
        ids = [f"{offence.detection}/{step.action}" for step in decision.steps]
        new = remember(self.policy, self.case, offence, decision, ids)
        self.case.actions.update({action.id: action for action in new})
        again = remember(self.policy, self.case, offence, decision, ids)
        assert again == []
        if new and event.asked == "credentials.lock" and event.user is None:
            self.model.signs.append(offence.act_at)
        steps = dict(zip(ids, decision.steps, strict=True))
        for action in new:
            step = steps[action.id]
            counts = step.action in ORDER and not event.limits.get("cause")
            if decision.why is Why.ZERO_TOLERANCE:
                counts = step.action == "suspend"
            young = event.limits.get("age_band") == "teen" or (
                self.model.minor and event.user is None
            )
            needs = 0
            if decision.why is Why.RAISED:
                needs = self.model.rung(offence, moment)[1]
            one = Done(
                id=action.id,
                harm=event.harm,
                user=event.user,
                pattern=event.pattern,
                detection=offence.detection,
                rung=step.rung,
                counts=counts and not young,
                needs=needs,
                moment=decision.moment,
            )
            assert action.counts == one.counts
            assert action.rests_on == needs
            if step.immediate:
                one.said.append((decision.moment, "granted"))
                self.enforced.add(one.id)
            self.model.done.append(one)
            self.hands[one.id] = {offence.reviewer} - {None}
            self.judges[one.id] = set()
        if event.granted and new and new[-1].status is Status.RESERVED:
            self.say(Say(0, "granted"))

    def promises(self, offence, decision) -> None:
        """What holds whatever the model says."""
        ladder = self.policy.ladder(offence.harm)
        zero = offence.established != Established.NOTHING
        for step in decision.steps:
            assert step.immediate == zero
            if step.action in ORDER and not zero:
                assert (step.action, step.lasts) in [(r.action, r.lasts) for r in ladder.rungs]
                if offence.cause:
                    assert step.action != "suspend"
                if offence.capped or offence.reports_only:
                    assert step.action in ORDER[:2]
        if zero:
            assert decision.report
            assert len(decision.steps) >= 2
        near = any(abs(offence.act_at - at) <= WINDOW for at in self.model.signs)
        actions = [step.action for step in decision.steps]
        if near:
            assert "suspend" not in actions
        if "credentials.lock" in actions and offence.asked != "credentials.lock":
            assert decision.review

    def say(self, event: Say) -> None:
        one = self.chosen(event.which)
        before = self.stored()
        verdict = Verdict(one.id if one else "unknown", event.kind, self.now, None)
        moment = self.case.account.moment(self.now)
        effects = settle(self.policy, self.case, verdict, self.now)
        if one is None:
            assert not any(effects)
            assert self.stored() == before
            return
        was = one.status()
        if event.kind == "granted" and was in ("reserved", "held", "voided", "undone"):
            self.enforced.add(one.id)
            if was in ("voided", "undone"):
                assert effects.undo == (one.id,)
        else:
            assert effects.undo == ()
        self.reversed.update(effects.undo)
        one.said.append((moment, event.kind))
        if event.kind == "undone":
            self.reversed.add(one.id)  # the governor tells that itself
            self.leaned(effects, {one.id}, moment)
        else:
            assert effects.review == ()
        self.repeat(lambda: settle(self.policy, self.case, verdict, self.now))

    def leaned(self, effects, undone: set[str], moment: int) -> None:
        assert set(effects.review) == set(self.model.leaning(undone, moment))

    def repeat(self, what) -> None:
        """Saying the same again changes nothing."""
        before = self.stored()
        again = what()
        assert self.stored() == before
        assert (again.changed, again.review, again.outcome) == ((), (), "")

    def judge(self, event: Judge) -> None:
        one = self.chosen(event.which)
        decision = "unknown" if one is None else one.detection if event.detection else one.id
        said = Review(decision, event.stage, event.outcome, event.reviewer)
        moment = self.case.account.moment(self.now)
        about = [o for o in self.model.done if decision in (o.id, o.detection)]
        before = self.stored()
        effects = reviewed(self.policy, self.case, said, self.now)
        partial = any(event.reviewer in self.hands[o.id] for o in about) or (
            event.stage == "appeal"
            and event.outcome != "appealed"
            and any(event.reviewer in self.judges[o.id] for o in about)
        )
        if not about or partial or event.outcome == "unsure":
            assert not any(effects)
            assert self.stored() == before
            return
        if event.outcome == "appealed":
            open_ = [o for o in about if o.status() not in ("voided", "undone")]
            assert effects.appeal == bool(open_)
            for o in open_:
                self.hands[o.id].add(event.reviewer)
        else:
            open_ = [o for o in about if self.outcomes.get(o.id) != "overturned"]
            new = [o for o in open_ if self.outcomes.get(o.id) != event.outcome]
            assert effects.outcome == (event.outcome if new else "")
            for o in open_:
                self.outcomes[o.id] = event.outcome
                if event.stage != "appeal":
                    self.judges[o.id].add(event.reviewer)
            if event.outcome == "overturned":
                self.taken_back(effects, new, moment)
        self.repeat(lambda: reviewed(self.policy, self.case, said, self.now))

    def taken_back(self, effects, about: list[Done], moment: int) -> None:
        standing = {o.id for o in about if o.status() in ("granted", "expired")}
        assert set(effects.undo) == standing
        self.reversed |= standing
        open_ = [o for o in about if o.status() not in ("voided", "undone")]
        for o in open_:
            o.said.append((moment, "undone"))
        self.leaned(effects, {o.id for o in open_}, moment)

    def retract(self, event: Retract) -> None:
        one = self.chosen(event.which)
        detection = one.detection if one else "unknown"
        moment = self.case.account.moment(self.now)
        effects = retracted(self.policy, self.case, detection, self.now)
        about = [o for o in self.model.done if o.detection == detection]
        self.taken_back(effects, about, moment)
        self.repeat(lambda: retracted(self.policy, self.case, detection, self.now))

    def sign(self, event: Sign) -> None:
        notice(self.policy, self.case.account, SIGN, self.now - event.ago)
        self.model.signs.append(self.now - event.ago)

    def age(self, event: Age) -> None:
        at = max(self.now, self.case.account.age_at)
        notice(self.policy, self.case.account, "account.age_signal", at, event.band)
        if event.band != "unknown":
            self.model.minor = event.band == "minor"

    def snooze(self, event: Snooze) -> None:
        snooze(self.case, self.now + event.until, self.now)
        self.model.snoozed = self.now + event.until


@given(policies(), EVENTS)
@settings(max_examples=600, deadline=None)
def test_whatever_happens_the_case_is_what_the_obvious_model_says(policy, events):
    Both(policy).run(events)


@given(policies(), EVENTS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_undoing_everything_in_any_order_leaves_no_strike_and_nothing_in_force(
    policy, events, order
):
    both = Both(policy).run(events)
    actions = list(both.case.actions.values())
    order.shuffle(actions)
    for action in actions:
        settle(policy, both.case, Verdict(action.id, VerdictKind.UNDONE, both.now), both.now)
    moment = both.case.account.moment(both.now)
    for harm in HARMS:
        for user in USERS:
            assert strikes(policy, both.case, Subject(harm, user), moment) == 0
    assert {action.status for action in actions} <= {Status.UNDONE, Status.VOIDED}
    assert all(action.due == 0 for action in actions)


@given(policies(), EVENTS)
@settings(max_examples=200, deadline=None)
def test_taking_one_action_back_never_adds_a_strike(policy, events):
    both = Both(policy).run(events)
    moment = both.case.account.moment(both.now)
    for action in list(both.case.actions.values()):
        before = {s: strikes(policy, both.case, s, moment + 9) for s in _subjects()}
        settle(policy, both.case, Verdict(action.id, VerdictKind.UNDONE, both.now), both.now)
        for subject, count in before.items():
            now = strikes(policy, both.case, subject, moment + 9)
            assert count - 1 <= now <= count


def _subjects():
    return [Subject(harm, user) for harm in HARMS for user in USERS]
