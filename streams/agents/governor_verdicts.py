"""The verdicts on one action: the records that tell of them, and what is remembered.

Every verdict goes to the account it is about as well (`account-signals`), which reserved the rung.

What was decided about a proposal asks for a checkpoint at once: it has been through one already.
Proposals are few, and in a flood each transaction holds what came while the one before was committed.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from streams.agents.attention import priority_of
from streams.agents.contract import Out, State
from streams.agents.governor_state import (
    DECISION,
    GRANTED,
    HOLD,
    KEPT_MS,
    UNDONE,
    VERSION,
    VOIDED,
    Decision,
    Hold,
    VersionRecord,
    decision_key,
)
from streams.records import AccountSignal, Enforcement, Proposal, ReviewItem, output_id, undo_id
from streams.signals.times import format_ms


class Place(NamedTuple):
    """Which action: of a pattern's version, by the id of its proposal."""

    pattern: str
    version: str
    id: str


class Word(NamedTuple):
    """On whose word something is done, and when (ms). `reviewer` is None for Vigil itself."""

    at: int
    reviewer: str | None = None


def place_of(proposal: Proposal) -> Place:
    """Where what becomes of a proposal is kept."""
    return Place(proposal.pattern, proposal.version, proposal.id)


def decision_at(state: State, place: Place) -> Decision | None:
    """The decision, None if there is none or it is forgotten."""
    return state.get(DECISION, decision_key(*place), place.id)


def version_of(state: State, pattern: str, version: str) -> VersionRecord:
    """What is known of a version; a new record if nothing is."""
    return state.get(VERSION, pattern, version) or VersionRecord()


def put_version(state: State, pattern: str, version: str, record: VersionRecord) -> None:
    """Remember what is known of a version."""
    state.put(VERSION, pattern, record, state.now + KEPT_MS, version)


def grant(state: State, proposal: Proposal, word: Word, out: Out) -> None:
    """The action is to be done: on Vigil's own word, or on that of whoever released it."""
    place = place_of(proposal)
    expires_at = None
    if proposal.expires_after_s is not None:
        expires_at = format_ms(word.at + 1000 * proposal.expires_after_s)
    enforcement = _enforcement(
        place,
        proposal,
        word,
        id=proposal.id,
        action=proposal.action,
        expires_at=expires_at,
        automated=proposal.automated if word.reviewer is None else "partially",
        why=proposal.why,
        policy=proposal.policy,
    )
    out.emit("enforcement", proposal.account, enforcement, urgent=True)
    record = version_of(state, place.pattern, place.version)
    record.granted += 1
    record.standing += 1
    put_version(state, place.pattern, place.version, record)
    _decide(state, proposal, GRANTED, record.granted, word)
    _tell(out, "granted", place, proposal, word)


def hold(state: State, proposal: Proposal, by: str, out: Out) -> None:
    """The action waits for a person, as a review item with a deadline."""
    now, place = state.now, place_of(proposal)
    held = Hold(proposal, now, by, now + KEPT_MS)
    state.put(HOLD, place.pattern, held, held.waits_until, place.id)
    item = review_item(place, proposal, "held", now)
    item.held_by = by
    out.emit("review-queue", proposal.account, item, urgent=True)
    _tell(out, "held", place, proposal, Word(now))


def release(state: State, held: Hold, word: Word, out: Out) -> None:
    """A person has a held action done."""
    state.delete(HOLD, held.proposal.pattern, held.proposal.id)
    grant(state, held.proposal, word, out)


def void(state: State, held: Hold, word: Word, out: Out) -> None:
    """A held action is dropped: by a person, or because none came in all the time."""
    place = place_of(held.proposal)
    state.delete(HOLD, place.pattern, place.id)
    _decide(state, held.proposal, VOIDED, 0, word)
    _tell(out, "voided", place, held.proposal, word)


def undo(state: State, place: Place, decision: Decision, word: Word, out: Out) -> None:
    """A standing action is reversed."""
    enforcement = _enforcement(
        place,
        decision,
        word,
        id=undo_id(place.pattern, place.version, decision.account, place.id),
        action="undo",
        undoes=place.id,
        automated="not",
    )
    out.emit("enforcement", decision.account, enforcement)
    settle(state, place, decision, UNDONE)
    _tell(out, "undone", place, decision, word)


def settle(state: State, place: Place, decision: Decision, status: int) -> None:
    """A standing action stands no longer."""
    decision.status = status
    state.put(DECISION, decision_key(*place), decision, state.now + KEPT_MS, place.id)
    record = version_of(state, place.pattern, place.version)
    record.standing -= 1
    put_version(state, place.pattern, place.version, record)


def due_of(held: Hold) -> tuple[int, int]:
    """The priority of a held action, 1 first, and by when a person should have looked (ms)."""
    return priority_of(held.proposal.severity), held.at + 1000 * held.proposal.review_within_s


def review_item(
    place: Place,
    about: Proposal | Decision,
    reason: Literal["held", "needs_review", "breaker"],
    now: int,
) -> ReviewItem:
    """An item about an action; `now` is ms."""
    return ReviewItem(
        id=_id(f"review/{reason}", place, about.account),
        account=about.account,
        reason=reason,
        proposal=place.id,
        detections=about.detections,
        pattern=place.pattern,
        priority=priority_of(about.severity),
        due_at=format_ms(now + 1000 * about.review_within_s),
        end_user=about.end_user,
        content_ref=about.content_ref,
        dataset_ref=about.dataset_ref,
        version=place.version,
        action=about.action or None,
    )


def _decide(state: State, proposal: Proposal, status: int, number: int, word: Word) -> None:
    place = place_of(proposal)
    decision = Decision(
        account=proposal.account,
        status=status,
        number=number,
        action=proposal.action,
        harm=proposal.harm,
        severity=proposal.severity,
        detections=proposal.detections,
        ruleset=proposal.ruleset,
        strikes=proposal.strikes,
        zero=proposal.zero,
        end_user=proposal.end_user,
        content_ref=proposal.content_ref,
        dataset_ref=proposal.dataset_ref,
        reviewer=word.reviewer,
        review_within_s=proposal.review_within_s,
    )
    state.put(DECISION, decision_key(*place), decision, state.now + KEPT_MS, place.id)


def _enforcement(place: Place, about: Proposal | Decision, word: Word, **said: Any) -> Enforcement:
    return Enforcement(
        account=about.account,
        harm=about.harm,
        severity=about.severity,
        detections=about.detections,
        pattern=place.pattern,
        version=place.version,
        ruleset=about.ruleset,
        at=format_ms(word.at),
        end_user=about.end_user,
        content_ref=about.content_ref,
        dataset_ref=about.dataset_ref,
        strikes=about.strikes,
        reviewer=word.reviewer,
        **said,
    )


def _tell(
    out: Out,
    kind: Literal["granted", "held", "voided", "undone"],
    place: Place,
    about: Proposal | Decision,
    word: Word,
) -> None:
    signal = AccountSignal(
        id=_id(f"account-signal/{kind}", place, about.account),
        account=about.account,
        at=format_ms(word.at),
        kind=kind,
        action=about.action,
        harm=about.harm,
        severity=about.severity,
        pattern=place.pattern,
        version=place.version,
        proposal=place.id,
        decision=None if kind in ("held", "voided") else place.id,
        content_ref=about.content_ref,
        dataset_ref=about.dataset_ref,
        reviewer=word.reviewer,
        end_user=about.end_user,
    )
    out.emit("account-signals", about.account, signal)


def _id(kind: str, place: Place, account: str) -> str:
    return output_id(kind, place.pattern, place.version, (account,), account, (place.id,))
