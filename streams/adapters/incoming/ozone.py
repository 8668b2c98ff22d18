"""Bluesky Ozone: moderation events (`tools.ozone.moderation.defs#modEventView`).

Read are: reports (a hit of the reporter, or an appeal), takedowns (a person's verdict), labels put
on by a service (suspected), accounts that went away. All else says nothing here: comments, e-mails,
tags, mutes, acknowledgements, and what takes something back, for a hit can't be taken back.
Format: bluesky-social/atproto, `lexicons/tools/ozone/moderation/defs.json` and
`report/defs.json`, `com/atproto/moderation/defs.json`.

DIDs and AT-URIs name persons and posts in public, so each is replaced by a pseudonym, whatever its
shape. A takedown is `confirmed` by a `human` unless the dictionary's `programs` name its `createdBy`.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, moment, reader
from streams.adapters.making import Given, Made, hits, made
from streams.signals import Reason, Refused

REASONS = MappingProxyType(
    {
        "reasonSpam": "spam",
        "reasonMisleadingSpam": "spam",
        "reasonScam": "fraud",
        "reasonMisleadingScam": "fraud",
        "reasonSelfHarm": "self_harm",
        "reasonViolenceSelfHarm": "self_harm",
        "reasonGraphic": "violence",
        "reasonThreat": "violence",
        "reasonViolenceThreats": "violence",
        "reasonViolenceGraphicContent": "violence",
        "reasonViolenceGlorification": "violence",
        "reasonViolenceOther": "violence",
        "reasonTerrorViolentExtremist": "terrorism",
        "reasonViolenceExtremistContent": "terrorism",
        "reasonIntolerance": "hate",
        "reasonHarassmentHateSpeech": "hate",
        "reasonSexualNCII": "ncii",
        "reasonSexualDeepfake": "ncii",
        "reasonSexualAbuse": "ncii",
        "reasonSexualSextortion": "sextortion",
        "reasonChildSafety": "csem",
        "reasonChildSafetyCSAM": "csam",
        "reasonChildSafetyGroom": "grooming",
        "reasonChildSafetyEndangerment": "csem",
        "reasonChildSafetyPromotion": "csem",
        "reasonChildSafetyOther": "csem",
    }
)
"""What a report is for, by the last part of its type; `policy_other` for all others."""

_APPEAL = "reasonAppeal"
_GONE = frozenset({"deleted", "tombstoned"})
_OTHER = "policy_other"
_BY_PROGRAM = ("classifier", "suspected")
_AUTHORITY = re.compile(r"at://(did:[^/]+)(?:/|\Z)")


class _Subject(msgspec.Struct):
    did: str | None = None
    uri: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    type: str = msgspec.field(name="$type")
    report_type: str = ""
    policies: tuple[str, ...] = ()
    create_label_vals: tuple[str, ...] = ()
    active: bool = True
    status: str = ""


class _View(msgspec.Struct, rename="camel"):
    id: int
    event: _Event
    subject: _Subject
    created_by: str
    created_at: str


_read: Any = reader(_View)


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return what a moderation event says of the account of its subject."""
    view: _View = _read(foreign.value)
    event = view.event
    match event.type.rpartition("#")[2]:
        case "modEventReport":
            reason = event.report_type.rpartition("#")[2]
            if reason == _APPEAL:
                return [_activity(view, given, "appeal.filed")]
            category = given.words.category(event.report_type, reason, given=REASONS) or _OTHER
            reporter = given.ids.made("reporter", view.created_by)
            return _hits(view, given, {category}, ("user_report", "suspected"), reporter)
        case "modEventTakedown":
            categories = {given.words.category(word) or _OTHER for word in event.policies}
            person = view.created_by not in given.words.programs
            return _hits(
                view,
                given,
                categories or {_OTHER},
                ("human", "confirmed") if person else _BY_PROGRAM,
            )
        case "modEventLabel":
            named = map(given.words.category, event.create_label_vals)
            return _hits(view, given, {one for one in named if one}, _BY_PROGRAM)
        case "accountEvent" if not event.active and event.status in _GONE:
            return [_activity(view, given, "account.closed")]
        case _:
            return []


def account_of(did: str | None, uri: str | None, name: str) -> str:
    """The DID a subject belongs to; `name` is the field to name where there is none."""
    if did is not None:
        return did
    if uri is None:
        raise missing(name)
    found = re.fullmatch(r"did:.+", uri) or _AUTHORITY.match(uri)
    if found is None:
        raise Refused(Reason.MALFORMED_ID, [name])
    return found[found.re.groups]


def _account(view: _View, given: Given) -> str:
    return given.ids.made("account", account_of(view.subject.did, view.subject.uri, "subject"))


def _hits(
    view: _View,
    given: Given,
    categories: set[str],
    said_by: tuple[str, str],
    reporter: str | None = None,
) -> list[Made]:
    source, verdict = said_by
    uri = view.subject.uri
    return hits(
        given,
        source_id=("ozone", view.id),
        account=_account(view, given),
        at=moment(view.created_at, "createdAt"),
        categories=categories,
        source=source,
        verdict=verdict,
        content_ref=None if uri is None else given.ids.made("content_ref", uri),
        detector="ozone",
        reporter=reporter,
    )


def _activity(view: _View, given: Given, kind: str) -> Made:
    return made(
        "activity",
        id=given.ids.event("ozone", view.id),
        account=_account(view, given),
        kind=kind,
        at=moment(view.created_at, "createdAt"),
    )
