"""Output records as they are, for a receiver of our own format: what `webhook` delivers.

``{"topic": …, "record": {…}}``, the fields of CONTRACT.md's 'Records'.
"""

from __future__ import annotations

from streams.adapters.dictionary import Dictionary
from streams.adapters.outgoing.decided import Decided, Leaving, fields


def adapt(decided: Decided, words: Dictionary) -> Leaving:  # noqa: ARG001 - an `Outgoing`
    """Return the record and the topic it is on."""
    record = decided.record
    return Leaving(record.id, record.account, {"topic": decided.topic, "record": fields(record)})
