"""Statements of reasons (DSA Art. 17 and 24(5)), each from one enforcement record alone.

A statement is due where something was restricted because of what somebody put there or did:
`restrict`, `suspend`, `content.remove`, `dataset.quarantine`. Not for a message or a warning, which
restrict nothing; nor for `credentials.lock`, `protect` and `preserve`, which protect somebody.

Its words are in this module, its references are ids of ours: no account, end user or content is
named, for the database is public.
"""

from __future__ import annotations

from typing import Any

from streams.policy import Why
from streams.records import Enforcement
from streams.reporting.statement_rules import AUTOMATED, ILLEGAL, INCOMPATIBLE

STATED = ("restrict", "suspend", "content.remove", "dataset.quarantine")
"""Actions that need a statement of reasons."""

_OF_ILLEGAL = frozenset({Why.ZERO_TOLERANCE, Why.DATASET, Why.HELD})
"""Where the content itself is established as illegal; of all else we say what our terms say."""

_CHILDREN = "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
_MATERIAL = "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL"
_ENTICEMENT = "KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS"

_OTHER = ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "KEYWORD_OTHER", "a rule of the service")
_HARMS = {
    "csam": (_CHILDREN, _MATERIAL, "child sexual abuse material"),
    "csem": (_CHILDREN, _MATERIAL, "child sexual exploitation material"),
    "sexualisation_of_minor": (_CHILDREN, _MATERIAL, "sexualisation of minors"),
    "grooming": (_CHILDREN, _ENTICEMENT, "grooming of minors"),
    "sextortion": (_CHILDREN, _ENTICEMENT, "sexual extortion"),
    "solicitation": (_CHILDREN, _ENTICEMENT, "sexual solicitation of minors"),
    "ncii": (
        "STATEMENT_CATEGORY_CYBER_VIOLENCE",
        "KEYWORD_NON_CONSENSUAL_IMAGE_SHARING",
        "intimate material without consent",
    ),
    "violence": ("STATEMENT_CATEGORY_VIOLENCE", "KEYWORD_OTHER", "violence"),
    "self_harm": ("STATEMENT_CATEGORY_SELF_HARM", "KEYWORD_OTHER", "self-harm"),
    "hate": (
        "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
        "KEYWORD_HATE_SPEECH",
        "incitement to hatred",
    ),
    "terrorism": (
        "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY",
        "KEYWORD_TERRORIST_CONTENT",
        "terrorist content",
    ),
    "fraud": ("STATEMENT_CATEGORY_SCAMS_AND_FRAUD", "KEYWORD_OTHER", "fraud"),
    "spam": ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "KEYWORD_OTHER", "spam"),
}
"""Harm → the database's category and keyword, and our word for it."""

_REASONS = {
    Why.ZERO_TOLERANCE: "Content was an exact match with a vetted list of known material.",
    Why.DATASET: "A data set held content that is an exact match with a vetted list of known material.",
    Why.HELD: "Content that was confirmed before was held by this account as well.",
    Why.PASSED: "A detection rule found conduct for which this measure is provided.",
    Why.ASKED: "A detection rule found conduct for which this measure is the first step.",
    Why.RAISED: "A detection rule found repeated conduct: earlier measures had not ended it.",
    Why.LOWERED: "A detection rule found conduct; its evidence allowed no stronger measure.",
}
_NO_REASON = "A person ordered this measure."


def statement_of(record: Enforcement) -> dict[str, Any] | None:
    """The statement for an enforcement, None if it needs none; `puid` is the decision's id."""
    if record.action not in STATED:
        return None
    why = Why(record.why) if record.why else None
    category, keyword, harm = _HARMS.get(record.harm, _OTHER)
    day = record.at[:10]
    dataset = record.action == "dataset.quarantine"
    return {
        **_decision(record),
        **_ground(why, harm),
        "content_type": ["CONTENT_TYPE_OTHER"],
        "content_type_other": "Training data set"
        if dataset
        else "Not recorded: the decision rests on metadata",
        "category": category,
        "category_specification": [keyword],
        "content_date": day,
        "application_date": day,
        "decision_facts": _facts(record, why, harm),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": AUTOMATED[record.automated],
        "puid": record.id,
    }


def _decision(record: Enforcement) -> dict[str, Any]:
    ends = record.expires_at[:10] if record.expires_at else None
    match record.action:
        case "content.remove":
            return {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"]}
        case "dataset.quarantine":
            return {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"]}
        case "suspend":
            end = {"end_date_account_restriction": ends} if ends else {}
            return {"decision_account": "DECISION_ACCOUNT_SUSPENDED", **end}
        case _:
            end = {"end_date_service_restriction": ends} if ends else {}
            return {"decision_provision": "DECISION_PROVISION_PARTIAL_SUSPENSION", **end}


def _ground(why: Why | None, harm: str) -> dict[str, str]:
    if why in _OF_ILLEGAL:
        return {
            "decision_ground": ILLEGAL,
            "illegal_content_legal_ground": f"Criminal law on {harm}",
            "illegal_content_explanation": "It is known material: established as illegal before by"
            " those who keep the list it was compared with.",
        }
    return {
        "decision_ground": INCOMPATIBLE,
        "incompatible_content_ground": f"Terms of service: {harm}",
        "incompatible_content_explanation": f"The terms of service do not allow {harm}.",
    }


def _facts(record: Enforcement, why: Why | None, harm: str) -> str:
    found = len(record.detections)
    reason = _REASONS.get(why, _NO_REASON) if why else _NO_REASON
    review = {
        "fully": "The decision was taken automatically, on metadata alone.",
        "partially": "The decision was proposed automatically, on metadata alone, and released by a"
        " person.",
        "not": "A person took the decision.",
    }[record.automated]
    return (
        f"{reason} Concern: {harm}."
        f" It rests on {found} finding{'' if found == 1 else 's'} of rule {record.pattern}, version"
        f" {record.version}; {record.strikes} earlier measure{'' if record.strikes == 1 else 's'}"
        f" stood. {review}"
    )
