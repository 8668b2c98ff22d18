"""What was done because of a detection: on which rung, why, on whose word, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from streams.policy import LADDER, Policy, Why
from streams.records import Enforcement, Proposal, ReviewItem
from streams.signals.times import parse_ms
from streams.workbench.explain.records import ENDS, Records
from streams.workbench.words import counted, duration

VIGIL = "Vigil"

WHY: Mapping[str, str] = MappingProxyType(
    {
        Why.ASKED: "the rung the pattern asks for",
        Why.RAISED: "a higher rung than the pattern asks for, because of {strikes}",
        Why.LOWERED: (
            "a lower rung than the pattern asks for: the ladder ends below it, or evidence of this "
            "kind is good for no more"
        ),
        Why.PASSED: "not an action of the ladder: as the pattern asks",
        Why.ZERO_TOLERANCE: "zero tolerance: the account put known material there; no rung is asked",
        Why.DATASET: "zero tolerance: known material in a set the account ingested, no offence of its",
        Why.HELD: "content the account holds is confirmed, whoever put it there: removed, no more",
        Why.TAKEOVER: "the account shows signs of a takeover: what protects it, in place of a rung",
        Why.MINOR: "the account may be a minor's: what protects them, in place of a rung",
    }
)
"""Why something was done, in words (docs/policy.md, 'Why something was done, or wasn't')."""

HELD: Mapping[str, str] = MappingProxyType(
    {
        "budget_hour": "the pattern's budget for the hour was spent",
        "budget_day": "the pattern's budget for the day was spent",
        "surge": "the pattern proposed far more than it usually does",
        "precision": "reviewers overturned too much of what the pattern did",
        "undone": "this version of the pattern was undone",
    }
)
"""What held an action, in words."""


_ON_A_RUNG = frozenset({Why.ASKED, Why.RAISED, Why.LOWERED})


class Step(NamedTuple):
    """Something that became of an action (`at` in ms): what, on whose word, in which record."""

    at: int
    what: str
    by: str
    id: str


class Action(msgspec.Struct, kw_only=True):
    """One action. `why` says it in words, `rung` where it stands on the ladder, as far as known.

    `state` is what it was when the recording ended. `policy` is the hash of the policy that decided.
    """

    id: str
    action: str
    state: str
    why: str
    rung: str
    strikes: int | None
    policy: str | None
    expires_at: int | None
    end_user: str | None
    steps: list[Step]


def actions(
    detections: set[str],
    records: Records,
    reviews: Iterable[Any],
    policy: Policy,
    newest: int,
) -> list[Action]:
    """The actions that rest on one of the detections, by time; `newest` is until when is known."""
    spoken = [review for review in reviews if review.topic == "reviews"]
    of_detection = [review for review in spoken if review.decision in detections]
    found = []
    for id_ in _ids(detections, records):
        about = (*of_detection, *(review for review in spoken if review.decision == id_))
        found.append(_action(id_, records, about, policy, newest))
    return sorted(found, key=lambda action: action.steps[0].at if action.steps else 0)


def _ids(detections: set[str], records: Records) -> list[str]:
    """Ids of what was proposed or done, each once, in the order it was said."""
    said: list[tuple[str, Sequence[str]]] = [
        (one.id, one.detections) for one in records.proposals.values()
    ]
    said += [
        (one.id, one.detections) for one in records.enforcement.values() if one.action not in ENDS
    ]
    said += [
        (item.proposal, item.detections)
        for _, item in records.items.values()
        if item.reason == "held"
    ]
    ids = [id_ for id_, rests_on in said if detections.intersection(rests_on)]
    return list(dict.fromkeys(ids))


def _action(
    id_: str, records: Records, reviews: Sequence[Any], policy: Policy, newest: int
) -> Action:
    proposal, enforced = records.proposals.get(id_), records.enforcement.get(id_)
    items = [(ts, item) for ts, item in records.items.values() if item.proposal == id_]
    said = enforced or proposal or items[0][1]
    why = getattr(said, "why", None) or (proposal.why if proposal else None)
    strikes = getattr(said, "strikes", None)
    steps = sorted(_steps(id_, records, items, reviews), key=lambda step: step.at)
    expires_at = parse_ms(enforced.expires_at) if enforced and enforced.expires_at else None
    by_policy = getattr(said, "policy", None)
    on_a_rung = why in _ON_A_RUNG and by_policy == policy.hash
    return Action(
        id=id_,
        action=str(said.action),
        state=_state(steps, expires_at, newest),
        why=WHY.get(why or "", "").format(strikes=counted(strikes or 0, "strike")),
        rung=_rung(enforced or proposal, proposal, policy) if on_a_rung else "",
        strikes=strikes,
        policy=by_policy,
        expires_at=expires_at,
        end_user=said.end_user,
        steps=steps,
    )


def _steps(
    id_: str,
    records: Records,
    items: Iterable[tuple[int, ReviewItem]],
    reviews: Iterable[Any],
) -> Iterator[Step]:
    proposal, enforced = records.proposals.get(id_), records.enforcement.get(id_)
    if proposal is not None:
        yield Step(parse_ms(proposal.at), "proposed", VIGIL, proposal.id)
    for ts, item in items:
        yield Step(ts, _asked(item), VIGIL, item.id)
    if enforced is not None:
        released = enforced.reviewer is not None
        what = "released" if released else "granted"
        yield Step(parse_ms(enforced.at), what, enforced.reviewer or VIGIL, enforced.id)
    for one in records.signals.values():
        if one.kind == "voided" and one.proposal == id_:
            what = "voided" if one.reviewer else "voided: nobody released it in all the time"
            yield Step(parse_ms(one.at), what, one.reviewer or VIGIL, one.id)
    for review in reviews:
        yield Step(review.at, f"{review.outcome} ({review.stage})", review.reviewer, review.id)
    for end in records.enforcement.values():
        if end.undoes == id_:
            what = "its time is over" if end.action == "expire" else "undone"
            yield Step(parse_ms(end.at), what, end.reviewer or VIGIL, end.id)


def _asked(item: ReviewItem) -> str:
    if item.reason == "held":
        return f"held for a person: {HELD.get(item.held_by or '', 'by the governor')}"
    if item.reason == "breaker":
        return f"stopped the pattern: {HELD.get(item.held_by or '', 'by the governor')}"
    return {"appeal": "appeal queued", "needs_review": "a person is asked to look"}.get(
        item.reason, item.reason.replace("_", " ")
    )


def _state(steps: Sequence[Step], expires_at: int | None, newest: int) -> str:
    told = {step.what.partition(":")[0]: step for step in steps}
    for what, state in (("undone", "undone"), ("its time is over", "over"), ("voided", "voided")):
        if what in told:
            return f"{state}, by {told[what].by}" if what != "its time is over" else state
    if "granted" in told or "released" in told:
        return "over" if expires_at is not None and expires_at <= newest else "stands"
    return "held" if "held for a person" in told else "proposed, no verdict is recorded"


def _rung(said: Enforcement | Proposal | None, proposal: Proposal | None, policy: Policy) -> str:
    """Where an action stands on its ladder, by what it is and how long it lasts."""
    if said is None or said.action not in LADDER:
        return ""
    if proposal is not None:
        lasts = (proposal.expires_after_s or 0) * 1000
    else:
        assert isinstance(said, Enforcement)
        lasts = parse_ms(said.expires_at) - parse_ms(said.at) if said.expires_at else 0
    ladder = policy.ladder(said.harm)
    for number, rung in enumerate(ladder.rungs, 1):
        if (rung.action, rung.lasts) == (said.action, lasts):
            at = f"from {counted(rung.strikes, 'strike')} on" if rung.strikes else "without strikes"
            time = f" for {duration(rung.lasts)}" if rung.lasts else ""
            return (
                f"{number} of {len(ladder.rungs)} of the ladder '{ladder.name}': {rung.action}"
                f"{time}, {at}"
            )
    return ""
