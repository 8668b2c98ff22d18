"""XARF 4: abuse reports for those who host or carry what an account did.

Sent for `suspend` and `content.remove`, whose harm class XARF has a type for; the report's abuse source
is the account's pseudonym. The dictionary's `reporter` says who reports and `content_url` where the
platform's own vault resolves a reference (``https://platform.example/vault/{ref}``): XARF demands a
URL, and Vigil knows none. No evidence is attached. `classification` is `baseline`: how grave
material is, only who has seen it can say. Format: xarf/xarf-spec, `schemas/v4`; tests hold it against
the published package's schemas.
"""

from __future__ import annotations

import hashlib
import uuid
from types import MappingProxyType
from typing import Any

import msgspec

from streams.adapters.dictionary import Dictionary
from streams.adapters.outgoing.decided import Decided, Leaving
from streams.adapters.unusable import AdapterUnusable
from streams.records import Enforcement

VERSION = "4.2.0"

_SENT = frozenset({"suspend", "content.remove"})
_EXPLOITATION = MappingProxyType(
    {
        "csem": "distribution",
        "sexualisation_of_minor": "distribution",
        "grooming": "grooming",
        "sextortion": "sextortion",
        "solicitation": "solicitation",
    }
)


def adapt(decided: Decided, words: Dictionary) -> Leaving | None:
    """Return the report of an enforcement that is one for others, too."""
    record = decided.record
    if not isinstance(record, Enforcement) or record.action not in _SENT:
        return None
    kind = _kind(record)
    if kind is None:
        return None
    if words.reporter is None or "{ref}" not in words.content_url:
        raise AdapterUnusable(
            "XARF needs the dictionary's [reporter] (org, contact, domain) and a content_url that"
            " has {ref} in it"
        )
    reporter = msgspec.to_builtins(words.reporter)
    report = {
        "xarf_version": VERSION,
        "report_id": report_id(record.id),
        "timestamp": record.at,
        "reporter": reporter,
        "sender": reporter,
        "source_identifier": record.account,
        "tags": [f"vigil:{record.id}"],
        **kind,
    }
    if report["category"] == "content":
        ref = record.content_ref or record.account
        report["url"] = words.content_url.replace("{ref}", ref)
    return Leaving(record.id, record.account, report)


def _kind(record: Enforcement) -> dict[str, Any] | None:
    by_person = record.automated != "fully"
    if record.harm == "csam":
        return {
            "category": "content",
            "type": "csam",
            "classification": "baseline",
            "detection_method": "manual_review" if by_person else "automated_scan",
            "content_removed": record.action == "content.remove",
            "account_suspended": record.action == "suspend",
        }
    if record.harm in _EXPLOITATION:
        return {
            "category": "content",
            "type": "csem",
            "exploitation_type": _EXPLOITATION[record.harm],
            "detection_method": "manual_review" if by_person else "behavioral_analysis",
            "evidence_type": ["metadata"],
        }
    if record.harm == "fraud":
        return {"category": "content", "type": "fraud", "fraud_type": "other"}
    if record.harm == "spam":
        return {"category": "messaging", "type": "spam", "protocol": "other"}
    return None


def report_id(ours: str) -> str:
    """The UUID of a decision's report: the same whenever it is reported again."""
    return str(uuid.UUID(bytes=hashlib.sha256(ours.encode()).digest()[:16], version=4))
