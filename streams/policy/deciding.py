"""What an offence leads to: nothing, a proposal at a rung, or what is done at once.

In this order:

1. What is established about known material is acted on at once: zero tolerance (`established`).
2. Actions that protect, or are about content, pass as they were asked for.
3. Actions of the ladder are held off while the account is snoozed, where a data set was ingested,
   for a detection that was acted on before, and while the same pattern's proposal is held.
4. The rung is the higher of what the pattern asks for and what the strikes reach, up to the ceiling.
5. Within the cool-down only something stronger is done.
6. Where the person may be the victim, or a minor, something that protects is done instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.policy.case import (
    FINAL,
    STANDING,
    Action,
    Case,
    Status,
    Subject,
    strikes,
)
from streams.policy.ladders import LADDER, NO_END, PUNISHING, Choice, Policy, Rung, strength
from streams.policy.victims import note_sign, suspected_minor, taken_over
from streams.signals.times import a_year_after

CSAM = "csam"
LOCK = "credentials.lock"
PROTECT = "protect"
PRESERVE = "preserve"
_DATASET_ACTIONS = ("content.remove", "dataset.quarantine")

ENTITY_CEILING = "restrict"
"""The most that is done where only a shared device, payment, … speaks against an account."""
CAPPED_CEILING = "warn"
"""The most that is done where a calculation had to leave records out."""
REPORTS_CEILING = "warn"
"""The most that is done on the word of users alone: fresh accounts are cheap."""

ACCOUNT_SURFACES = frozenset({"input", "output", "upload", "message"})
"""Where the account itself put the content."""
DATASET_SURFACES = frozenset({"training_dataset", "finetune_upload"})
"""Where an account may have ingested a set without knowing what is in it."""


class Established(StrEnum):
    """What a hit establishes, whatever any pattern says."""

    NOTHING = "nothing"
    ACCOUNT = "account"  # known material, put there by this account
    DATASET = "dataset"  # known material in a set it ingested
    HELD = "held"  # what it holds is confirmed, whoever put it there


def established(category: str, source: str, verdict: str, surface: str | None) -> Established:
    """Zero tolerance, as DESIGN.md ('Govern') has it. It is no setting: the law has none."""
    if (category, source, verdict) != (CSAM, "hash_match", "confirmed"):
        return Established.NOTHING
    if surface in ACCOUNT_SURFACES:
        return Established.ACCOUNT
    return Established.DATASET if surface in DATASET_SURFACES else Established.NOTHING


class Offence(NamedTuple):
    """What a live pattern with an action found about one account.

    `asked` is the pattern's action, `act_at` when the act happened (of a hit its `act_at`, else
    `at`), `cause` the detection's. `capped` and `reports_only` (nobody but users speaks against it)
    limit what is done. `ruleset` is the hash of the files the pattern stands in. `surface` and `age_band` are those of the signal that brought it about,
    `reviewer` is who wrote that, if it was a review. `established` may be set for one offence of a
    signal only, or the same would be done twice.
    """

    pattern: str
    version: str
    harm: str
    severity: str
    asked: str
    detection: str
    act_at: int
    ruleset: str = ""
    cause: int = 0
    capped: bool = False
    reports_only: bool = False
    established: Established = Established.NOTHING
    surface: str | None = None
    age_band: str | None = None
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    reviewer: str | None = None

    @property
    def subject(self) -> Subject:
        """Whose strike it would be."""
        return Subject(self.harm, self.end_user)


class Why(StrEnum):
    """What a decision rests on. From `SNOOZED` on nothing is done."""

    ZERO_TOLERANCE = "zero_tolerance"
    DATASET = "dataset"  # known material in a set
    HELD = "held_material"  # what it holds is confirmed: it is removed, and that is all
    PASSED = "passed"  # not of the ladder: as the pattern asked
    ASKED = "asked"  # the rung the pattern asked for
    RAISED = "raised"  # a higher one, because of strikes
    LOWERED = "lowered"  # a lower one than asked for: the ladder's top, or a ceiling
    TAKEOVER = "takeover"  # protects a victim instead
    MINOR = "minor"  # protects a suspected minor instead
    SNOOZED = "snoozed"
    INGESTED = "ingested"  # on a surface for data sets: no offence of the account
    REPEATED = "repeated"  # the detection was acted on before
    PENDING = "pending"  # the same pattern's proposal is held for a person, and this is no stronger
    COOLING = "cooling"  # within the cool-down, and no stronger


class Step(NamedTuple):
    """One thing to do. `immediate` goes out at once, everything else to the governor as a proposal.

    `rung`, `counts`, `rests_on` and `lasts` (ms) are those of `Action`.
    """

    action: str
    immediate: bool = False
    rung: str = ""
    counts: bool = False
    rests_on: int = 0
    lasts: int = NO_END


class Decision(NamedTuple):
    """What is done, in this order, and why; `moment` is when it was decided (ms).

    `review`: a person is to look (needs_review). `report`: a draft for the authorities comes before
    all else. `strikes` stood. `after` is the rung done last to the same person for the same harm,
    "" if there was none: to measure how many repeat after which.
    """

    why: Why
    moment: int
    steps: tuple[Step, ...] = ()
    review: bool = False
    report: bool = False
    strikes: int = 0
    after: str = ""


def decide(policy: Policy, case: Case, offence: Offence, now: int) -> Decision:
    """What an offence leads to; changes nothing (`remember` does).

    The account's actions are read only where the ladder is asked.
    """
    moment = case.account.moment(now)
    if offence.established == Established.ACCOUNT:
        return _zero_tolerance(policy, case, offence, moment)
    if offence.established == Established.DATASET:
        steps = tuple(Step(action, immediate=True) for action in _DATASET_ACTIONS)
        return Decision(Why.DATASET, moment, steps, review=True, report=True)
    if offence.established == Established.HELD:
        if _is_removed(case, offence):
            return Decision(Why.REPEATED, moment)
        # Known child sexual abuse material is nobody's to keep: no budget holds its removal.
        step = Step(offence.asked, immediate=offence.harm == CSAM)
        return Decision(Why.HELD, moment, (step,))
    if offence.asked not in LADDER:
        lasts = _preserved(moment) if offence.asked == PRESERVE else NO_END
        return Decision(Why.PASSED, moment, (Step(offence.asked, lasts=lasts),))
    return _ladder(policy, case, offence, moment)


def _is_removed(case: Case, offence: Offence) -> bool:
    """Whether the same was removed already since it had to be: zero tolerance may have been first."""
    content, dataset = offence.content_ref, offence.dataset_ref
    return any(
        action.action == offence.asked
        and (action.content_ref == content if content else action.dataset_ref == dataset)
        and action.at >= offence.act_at
        and action.status not in FINAL
        for action in case.actions.values()
    )


def _zero_tolerance(policy: Policy, case: Case, offence: Offence, moment: int) -> Decision:
    # The hit itself is the cause, whichever pattern came across it.
    offence = offence._replace(cause=0)
    person, why = _to_the_person(policy, case, offence, Choice(Rung(0, "suspend"), 0))
    preserve = Step(PRESERVE, lasts=_preserved(moment))
    steps = (preserve, Step("content.remove"), person)
    return Decision(
        Why.ZERO_TOLERANCE,
        moment,
        tuple(step._replace(immediate=True) for step in steps),
        review=why is not None,
        report=True,
    )


def _preserved(moment: int) -> int:
    """For how long (ms): a year, as 18 U.S.C. 2258A(h) has it since the REPORT Act of 2024."""
    return a_year_after(moment) - moment


def _ladder(policy: Policy, case: Case, offence: Offence, moment: int) -> Decision:
    if moment < case.account.snoozed_until:
        return Decision(Why.SNOOZED, moment)
    if offence.surface in DATASET_SURFACES:
        return Decision(Why.INGESTED, moment, review=True)
    if any(offence.detection in action.detections for action in case.actions.values()):
        return Decision(Why.REPEATED, moment)
    ladder = policy.ladder(offence.harm)
    # What came of this burst itself doesn't raise it.
    burst = moment - ladder.cooldown
    struck = strikes(policy, case, offence.subject, moment, until=burst)
    choice = ladder.choose(offence.asked, struck, _ceiling(policy, offence))
    done = [
        action
        for action in case.actions.values()
        if action.rung and action.end_user == offence.end_user and action.status not in FINAL
    ]
    decision = Decision(
        _why(offence.asked, choice), moment, strikes=struck, after=_after(done, offence.harm)
    )
    # What has no verdict yet is not waited for: while workers catch up, that may take days of
    # the signals' time. Within the cool-down it counts as what it asks for.
    waiting = [a for a in done if a.status is Status.HELD and a.pattern == offence.pattern]
    if _no_stronger(choice.rung, waiting):
        return decision._replace(why=Why.PENDING)
    recent = [
        a
        for a in done
        if a.at > burst and a.status is not Status.HELD and policy.ladder(a.harm) is ladder
    ]
    if _no_stronger(choice.rung, recent):
        return decision._replace(why=Why.COOLING)
    step, spared = _to_the_person(policy, case, offence, choice)
    if spared is None:
        return decision._replace(steps=(step,))
    review = spared is Why.TAKEOVER or choice.rung.action in PUNISHING
    return decision._replace(why=spared, steps=(step,), review=review)


def _ceiling(policy: Policy, offence: Offence) -> str:
    ceilings = [policy.raised_to[offence.asked]]
    if offence.cause:
        ceilings.append(ENTITY_CEILING)
    if offence.capped:
        ceilings.append(CAPPED_CEILING)
    if offence.reports_only:
        ceilings.append(REPORTS_CEILING)
    return min(ceilings, key=strength)


def _to_the_person(
    policy: Policy, case: Case, offence: Offence, choice: Choice
) -> tuple[Step, Why | None]:
    """What is done for a rung, and why something else than the rung itself."""
    rung, account = choice.rung, case.account
    if rung.action in policy.takeover.turns and taken_over(policy, account, offence.act_at):
        return Step(LOCK, rung=rung.action), Why.TAKEOVER
    minor = suspected_minor(policy, account, offence.end_user, offence.age_band)
    if minor and rung.action not in policy.minors.protective:
        return Step(PROTECT, rung=rung.action), Why.MINOR
    step = Step(
        rung.action,
        rung=rung.action,
        # Guilt doesn't travel: what a shared device says is no strike. Nor is a word to a minor.
        counts=not offence.cause and not minor,
        rests_on=choice.rests_on,
        lasts=rung.lasts,
    )
    return step, None


def _why(asked: str, choice: Choice) -> Why:
    if choice.rests_on:
        return Why.RAISED
    return Why.LOWERED if strength(choice.rung.action) < strength(asked) else Why.ASKED


def _no_stronger(rung: Rung, actions: Sequence[Action]) -> bool:
    return any(strength(rung.action) <= strength(action.rung) for action in actions)


def _after(done: Sequence[Action], harm: str) -> str:
    stood = [a for a in done if a.harm == harm and a.status in STANDING]
    return max(stood, key=lambda action: action.at).action if stood else ""


def remember(
    policy: Policy, case: Case, offence: Offence, decision: Decision, ids: Sequence[str]
) -> list[Action]:
    """The records of a decision's steps, which have those ids, for the caller to store.

    Of a step whose id is known there is none: it is not to be emitted either. The account's record
    changes with it. What is immediate is granted at once.
    """
    new = [
        _record(offence, decision, step, id_)
        for step, id_ in zip(decision.steps, ids, strict=True)
        if id_ not in case.actions
    ]
    if new:
        case.account.clock = max(case.account.clock, decision.moment)
        if offence.asked == LOCK and offence.end_user is None:
            # The pattern itself is about a takeover.
            note_sign(policy, case.account, offence.act_at)
    return new


def _record(offence: Offence, decision: Decision, step: Step, id_: str) -> Action:
    return Action(
        id=id_,
        action=step.action,
        harm=offence.harm,
        pattern=offence.pattern,
        version=offence.version,
        severity=offence.severity,
        at=decision.moment,
        status=Status.GRANTED if step.immediate else Status.RESERVED,
        detections=(offence.detection,),
        rung=step.rung,
        counts=step.counts,
        strikes=decision.strikes,
        rests_on=step.rests_on,
        lasts=step.lasts,
        granted_at=decision.moment if step.immediate else 0,
        zero=step.immediate,
        end_user=offence.end_user,
        content_ref=offence.content_ref,
        dataset_ref=offence.dataset_ref,
        ruleset=offence.ruleset,
        hands=(offence.reviewer,) if offence.reviewer else (),
    )
