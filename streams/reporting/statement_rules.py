"""What the DSA transparency database takes: its field rules, as far as we fill fields in.

Facts of the Commission's own validation, version 2 of the API, in force since 1 July 2025
(github.com/digital-services-act/transparency-database, app/Http/Requests/StatementStoreRequest.php
and app/Models/Statement.php, read at 69e80a0b of 2026-06-24).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

_MAX_FACTS_CHARS = 5000
_MAX_EXPLANATION_CHARS = 2000
_MAX_LINE_CHARS = 500
_PUID = re.compile(r"[a-zA-Z0-9_-]{1,500}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_DAY = date(2038, 1, 1)
_FIRST_DAYS = {"content_date": date(2000, 1, 1), "application_date": date(2020, 1, 1)}

GROUNDS = ("DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT")
ILLEGAL, INCOMPATIBLE = GROUNDS
_BY_GROUND = {
    ILLEGAL: ("illegal_content_legal_ground", "illegal_content_explanation"),
    INCOMPATIBLE: ("incompatible_content_ground", "incompatible_content_explanation"),
}

VISIBILITIES = frozenset(
    f"DECISION_VISIBILITY_{name}"
    for name in (
        *("CONTENT_REMOVED", "CONTENT_DISABLED", "CONTENT_DEMOTED", "CONTENT_AGE_RESTRICTED"),
        *("CONTENT_INTERACTION_RESTRICTED", "CONTENT_LABELLED"),
    )
)
PROVISIONS = frozenset(
    f"DECISION_PROVISION_{how}_{what}"
    for how in ("PARTIAL", "TOTAL")
    for what in ("SUSPENSION", "TERMINATION")
)
ACCOUNTS = frozenset({"DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"})
CONTENT_TYPES = frozenset(
    f"CONTENT_TYPE_{name}"
    for name in (
        *("APP", "AUDIO", "IMAGE", "PRODUCT"),
        *("SYNTHETIC_MEDIA", "TEXT", "VIDEO"),
        "OTHER",
    )
)
CATEGORIES = frozenset(
    f"STATEMENT_CATEGORY_{name}"
    for name in (
        *("ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE"),
        *("CYBER_VIOLENCE_AGAINST_WOMEN", "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"),
        *("ILLEGAL_OR_HARMFUL_SPEECH", "INTELLECTUAL_PROPERTY_INFRINGEMENTS"),
        *("NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS", "NOT_SPECIFIED_NOTICE"),
        *("OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY"),
        *("SCAMS_AND_FRAUD", "SELF_HARM", "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE"),
    )
)
KEYWORDS = frozenset(
    f"KEYWORD_{name}"
    for name in (
        *("CHILD_SEXUAL_ABUSE_MATERIAL", "GROOMING_SEXUAL_ENTICEMENT_MINORS", "HATE_SPEECH"),
        *("NON_CONSENSUAL_IMAGE_SHARING", "TERRORIST_CONTENT", "OTHER"),
    )
)
"""Those of the database's keywords that we use."""
SOURCES = frozenset(
    {"SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION",
     "SOURCE_VOLUNTARY"}
)  # fmt: skip
AUTOMATED = {
    "fully": "AUTOMATED_DECISION_FULLY",
    "partially": "AUTOMATED_DECISION_PARTIALLY",
    "not": "AUTOMATED_DECISION_NOT_AUTOMATED",
}
"""From an enforcement's word to the database's."""

_ONE_OF = {
    "decision_provision": PROVISIONS,
    "decision_account": ACCOUNTS,
    "decision_ground": frozenset(GROUNDS),
    "category": CATEGORIES,
    "source_type": SOURCES,
    "automated_detection": frozenset({"Yes", "No"}),
    "automated_decision": frozenset(AUTOMATED.values()),
}
_SOME_OF = {
    "decision_visibility": VISIBILITIES,
    "content_type": CONTENT_TYPES,
    "category_specification": KEYWORDS,
}
_DECISIONS = ("decision_visibility", "decision_provision", "decision_account")
_NEEDED = (
    *("decision_ground", "content_type", "category", "content_date", "application_date"),
    *("decision_facts", "source_type", "automated_detection", "automated_decision", "puid"),
)
_LONGEST = {
    "decision_facts": _MAX_FACTS_CHARS,
    "illegal_content_legal_ground": _MAX_LINE_CHARS,
    "illegal_content_explanation": _MAX_EXPLANATION_CHARS,
    "incompatible_content_ground": _MAX_LINE_CHARS,
    "incompatible_content_explanation": _MAX_EXPLANATION_CHARS,
    "content_type_other": _MAX_LINE_CHARS,
}
_DATES = (
    *("content_date", "application_date"),
    *("end_date_account_restriction", "end_date_service_restriction"),
)
FIELDS = frozenset({*_ONE_OF, *_SOME_OF, *_NEEDED, *_LONGEST, *_DATES})
"""The fields we may fill in; the database has more."""


def problems(statement: Mapping[str, Any]) -> list[str]:
    """Everything the database would refuse a statement for; nothing if it is valid."""
    return list(_problems(statement))


def _problems(statement: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} is no field of ours" for name in statement if name not in FIELDS)
    yield from (f"{name} is missing" for name in _NEEDED if not statement.get(name))
    if not any(statement.get(name) for name in _DECISIONS):
        yield f"one of {', '.join(_DECISIONS)} is needed"
    for name, known in _ONE_OF.items():
        if name in statement and statement[name] not in known:
            yield f"{name} can't be {statement[name]}"
    for name, known in _SOME_OF.items():
        values = statement.get(name, [])
        if not isinstance(values, list) or not known.issuperset(values):
            yield f"{name} must be a list of the known words"
    for name, longest in _LONGEST.items():
        text = statement.get(name, "")
        if not isinstance(text, str) or len(text) > longest:
            yield f"{name} must be a text of at most {longest} characters"
    yield from _dates(statement)
    ground = statement.get("decision_ground")
    for one, names in _BY_GROUND.items():
        for name in names:
            if bool(statement.get(name)) != (one == ground):
                yield f"{name} {'is needed' if one == ground else 'must not be there'}"
    if ("CONTENT_TYPE_OTHER" in statement.get("content_type", ())) != (
        "content_type_other" in statement
    ):
        yield "content_type_other goes with CONTENT_TYPE_OTHER"
    if not _PUID.fullmatch(str(statement.get("puid"))):
        yield "puid must be letters, digits, - and _"


def _dates(statement: Mapping[str, Any]) -> Iterator[str]:
    for name in _DATES:
        if name not in statement:
            continue
        text = str(statement[name])
        try:
            day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not _FIRST_DAYS.get(name, date.min) <= day <= _LAST_DAY:
            yield f"{name} must be a day the database takes, YYYY-MM-DD"
