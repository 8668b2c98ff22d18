"""OCSF 1.8.0: a Detection Finding (class 2004) for each detection, for a SIEM or a data lake.

A detection that takes another back closes the other's finding (activity Close, status Deleted). In
shadow a finding is no alert. The rule's title is its author's text, the only one in here; evidence
are ids. Format: ocsf/ocsf-schema, `events/findings/detection_finding.json`; tests hold it against the
schema of 1.8.0.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from streams import __version__
from streams.adapters.dictionary import Dictionary
from streams.adapters.incoming.ocsf import VENDOR
from streams.adapters.outgoing.decided import Decided, Leaving
from streams.records import Detection
from streams.signals.times import parse_ms

VERSION = "1.8.0"

_CLASS = 2004
_FINDINGS = 2
_CREATE, _CLOSE = 1, 3
_NEW, _DELETED = 1, 6
_RULE = 1
_SEVERITIES = MappingProxyType(
    {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
)


def adapt(decided: Decided, words: Dictionary) -> Leaving | None:  # noqa: ARG001 - an `Outgoing`
    """Return the finding of a detection."""
    one = decided.record
    if not isinstance(one, Detection):
        return None
    at = parse_ms(one.at)
    activity = _CREATE if one.retracts is None else _CLOSE
    finding: dict[str, Any] = {
        "activity_id": activity,
        "category_uid": _FINDINGS,
        "class_uid": _CLASS,
        "type_uid": _CLASS * 100 + activity,
        "time": at,
        "severity_id": _SEVERITIES.get(one.severity, 0),
        "status_id": _NEW if one.retracts is None else _DELETED,
        "is_alert": one.mode == "live" and one.retracts is None,
        "start_time": parse_ms(one.window.start),
        "end_time": parse_ms(one.window.end),
        "metadata": {
            "version": VERSION,
            "uid": one.id,
            "product": {"name": VENDOR, "vendor_name": VENDOR, "version": __version__},
        },
        "finding_info": {
            "uid": one.retracts or one.id,
            "title": one.title,
            "types": [one.harm],
            "created_time": at,
            "analytic": {"uid": one.pattern, "version": one.version, "type_id": _RULE},
            "related_events": [{"uid": evidence} for evidence in one.evidence],
            "related_events_count": len(one.evidence),
        },
        "resources": list(_resources(one)),
    }
    return Leaving(one.id, one.account, finding)


def _resources(one: Detection) -> list[dict[str, str]]:
    named = {
        "Account": one.account,
        "End User": one.end_user,
        "Entity": one.entity,
        "Content": one.content_ref,
        "Dataset": one.dataset_ref,
    }
    return [{"type": kind, "uid": uid} for kind, uid in named.items() if uid is not None]
