"""Osprey (roostorg): actions for the topic `osprey.actions_input`, so that its rules see decisions.

``{"send_time", "data": {"action_id", "action_name", "data": {…}}}``, named `vigil_detection` or
`vigil_enforcement`. Osprey's `action_id` is a number: the first 53 bits of the
SHA-256 of our id (what JSON's readers keep exactly); `data.id` has the whole. Format: roostorg/osprey
at 699ff64, `docs/integration/data-flow.md`.
"""

from __future__ import annotations

import hashlib

from streams.adapters.dictionary import Dictionary
from streams.adapters.outgoing.decided import Decided, Leaving, fields
from streams.records import Detection, ReviewItem

_UNUSED_BITS = 64 - 53


def adapt(decided: Decided, words: Dictionary) -> Leaving | None:  # noqa: ARG001 - an `Outgoing`
    """Return the action that tells a decision."""
    record = decided.record
    if isinstance(record, ReviewItem):
        return None
    action = {
        "action_id": action_id(record.id),
        "action_name": "vigil_detection" if isinstance(record, Detection) else "vigil_enforcement",
        "data": fields(record),
    }
    return Leaving(record.id, record.account, {"send_time": record.at, "data": action})


def action_id(ours: str) -> int:
    """A number for an id of ours."""
    first = hashlib.sha256(ours.encode()).digest()[:8]
    return int.from_bytes(first, "big") >> _UNUSED_BITS
