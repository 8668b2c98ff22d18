"""Reading what accounts propose.

Only Vigil writes that topic. What can't be read is refused all the same: it may become an action
against somebody.
"""

from __future__ import annotations

import msgspec

from streams.records import Proposal
from streams.signals import Reason, Refused
from streams.signals.ids import is_id
from streams.signals.raw import RawRecord

MAX_VALUE_BYTES = 64 * 1024
"""As for signals: a held proposal is a state record, and those are bounded."""

_parse = msgspec.json.Decoder(Proposal).decode


def decode_proposal(record: RawRecord) -> Proposal:
    """A proposal. Raises `Refused`. Fields it doesn't know are passed over: a newer Vigil's."""
    if record.value is None:
        raise Refused(Reason.NULL_VALUE)
    if record.key is None:
        raise Refused(Reason.NULL_KEY)
    if len(record.value) > MAX_VALUE_BYTES:
        raise Refused(Reason.TOO_LARGE)
    problem = None
    try:
        proposal = _parse(record.value)
    except msgspec.ValidationError:
        problem = Reason.WRONG_TYPE
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        problem = Reason.NOT_JSON
    if problem is not None:
        # Out here: inside, the library's message, which quotes the record, would be chained to it.
        raise Refused(problem)
    needed = {"propose": ("action",), "outcome": ("decision", "outcome"), "forget": ("decision",)}
    missing = [name for name in needed[proposal.kind] if not getattr(proposal, name)]
    if missing:
        raise Refused(Reason.MISSING_FIELD, missing)
    ids = ("id", "account", "pattern", "version", "decision")
    malformed = [name for name in ids if not is_id(getattr(proposal, name) or "-")]
    if malformed:
        raise Refused(Reason.MALFORMED_ID, malformed)
    if record.key != proposal.pattern.encode():
        raise Refused(Reason.KEY_MISMATCH, ["pattern"])
    return proposal
