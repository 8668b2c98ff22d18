"""Coop (roostorg): its action and appeal callbacks, and the report a platform sends to it.

Told apart by their fields: ``action`` (a decision was made, by a rule or in the review console),
``appealDecision`` (``ACCEPT`` or ``REJECT``), ``reportedItem`` (the body of
``POST /api/v1/report``). Format: roostorg/coop at 1c1f54d, `docs/api/actions.md`, `report.md`.
The `Coop-Signature` of a callback is checked by whoever receives it; only he has the raw request.

A callback has neither a time nor an id: it happened when it came, and its id follows from its bytes,
so that Coop's retries change nothing. What a person decided is confirmed, what a rule decided is
suspected. ``decisionReason``, ``actorNote``, ``custom``, ``reason``, names and item data stay
outside; the moderator's e-mail address only tells that there was one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, moment, reader
from streams.adapters.making import Given, Made, hits, made
from streams.signals import Reason, Refused
from streams.signals.times import format_ms

_OUTCOMES = {"ACCEPT": "overturned", "REJECT": "upheld"}
_OTHER = "policy_other"


class _Item(msgspec.Struct, rename="camel"):
    id: str
    type_id: str


class _Policy(msgspec.Struct):
    id: str
    name: str = ""


class _Callback(msgspec.Struct, rename="camel"):
    item: _Item
    policies: tuple[_Policy, ...]
    actor_email: str | None = None
    creator: _Item | None = None


class _Appeal(msgspec.Struct, rename="camel"):
    appeal_id: str
    appealed_by: _Item
    appeal_decision: str


class _Reported(msgspec.Struct, rename="camel"):
    id: str
    type_id: str
    data: dict[str, Any] = {}


class _Reason(msgspec.Struct, rename="camel"):
    policy_id: str | None = None
    csam: bool | None = None


class _Report(msgspec.Struct, rename="camel"):
    reporter: _Item
    reported_at: str
    reported_item: _Reported
    reported_for_reason: _Reason | None = None


class _Shape(msgspec.Struct, rename="camel"):
    action: msgspec.Raw = msgspec.Raw()
    appeal_decision: msgspec.Raw = msgspec.Raw()
    reported_item: msgspec.Raw = msgspec.Raw()


_shape: Any = reader(_Shape)
_callback: Any = reader(_Callback)
_appeal: Any = reader(_Appeal)
_report: Any = reader(_Report)


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return hits of a decision or a report, the review of an appeal."""
    shape: _Shape = _shape(foreign.value)
    if shape.appeal_decision:
        return [_review(_appeal(foreign.value), foreign, given)]
    if shape.reported_item:
        return _reported(_report(foreign.value), foreign, given)
    if shape.action:
        return _decided(_callback(foreign.value), foreign, given)
    raise missing("action")


def _decided(callback: _Callback, foreign: Foreign, given: Given) -> list[Made]:
    item = callback.item
    is_account = item.type_id in given.words.account_types
    who = item if is_account else callback.creator
    if who is None:
        raise missing("creator")
    by_person = callback.actor_email is not None
    return hits(
        given,
        source_id=("coop", given.ids.of_body(foreign.value)),
        account=given.ids.ref("account", who.id),
        at=format_ms(foreign.at_ms),
        categories=[
            given.words.category(policy.id, policy.name) or _OTHER for policy in callback.policies
        ],
        source="human" if by_person else "classifier",
        verdict="confirmed" if by_person else "suspected",
        content_ref=None if is_account else given.ids.ref("content_ref", item.id),
        detector="coop",
    )


def _review(appeal: _Appeal, foreign: Foreign, given: Given) -> Made:
    outcome = _OUTCOMES.get(appeal.appeal_decision)
    if outcome is None:
        raise Refused(Reason.UNDECLARED_VALUE, ["appealDecision"])
    return made(
        "reviews",
        id=given.ids.event("coop", given.ids.of_body(foreign.value)),
        account=given.ids.ref("account", appeal.appealed_by.id),
        at=format_ms(foreign.at_ms),
        decision=given.ids.ref("decision", appeal.appeal_id),
        stage="appeal",
        outcome=outcome,
        reviewer="coop",  # its callback names nobody
    )


def _reported(report: _Report, foreign: Foreign, given: Given) -> list[Made]:
    item, reason = report.reported_item, report.reported_for_reason or _Reason()
    is_account = item.type_id in given.words.account_types
    author = item.id if is_account else item.data.get(given.words.fields.get("account", ""))
    if not isinstance(author, str | int):
        raise missing("account")
    category = given.words.category(reason.policy_id or "") or _OTHER
    return hits(
        given,
        source_id=("coop", given.ids.of_body(foreign.value)),
        account=given.ids.ref("account", author),
        at=moment(report.reported_at, "reportedAt"),
        categories=["csam" if reason.csam else category],
        source="user_report",
        verdict="suspected",
        content_ref=None if is_account else given.ids.ref("content_ref", item.id),
        reporter=given.ids.ref("reporter", report.reporter.id),
    )
