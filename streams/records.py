"""Records Vigil writes: what it says, and what its agents tell each other.

Those that go out have exactly the fields CONTRACT.md lists, in its order. Times are RFC 3339 UTC
with milliseconds. Optional fields are left out when they are None.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from streams.signals.times import format_ms

OUTPUT_ID_CHARS = 26

PROPOSABLE = (
    "prevention.message",
    "warn",
    "restrict",
    "suspend",
    "credentials.lock",
    "protect",
    "content.remove",
    "dataset.quarantine",
    "preserve",
)
"""Actions a pattern may propose."""

MILD = frozenset({"prevention.message", "warn"})
"""Actions no stronger than a warning."""

ACTIONS = (*PROPOSABLE, "expire", "undo")
"""Actions of an enforcement record (CONTRACT.md 'Records'); the last two only Vigil itself emits."""


class Span(msgspec.Struct, frozen=True, gc=False):
    """From the oldest piece of evidence to the newest."""

    start: str
    end: str


class Detection(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A pattern held for an account: what, why, on which evidence."""

    id: str
    pattern: str
    title: str
    version: str
    ruleset: str
    mode: str
    severity: str
    harm: str
    account: str
    entity: str | None = None
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    at: str
    window: Span
    evidence: Sequence[str]
    values: dict[str, str | int | float]
    cause: int
    """How many derived signals lie between the input and this: 0, it rests on input alone."""
    retracts: str | None = None
    """The id of a detection that this one takes back (`unless`, and what prevents came late)."""


class Enforcement(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What is to be done to whom, and on whose word."""

    id: str
    account: str
    action: str
    harm: str
    severity: str
    detections: Sequence[str]
    pattern: str
    version: str
    ruleset: str
    at: str
    expires_at: str | None = None
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    undoes: str | None = None
    strikes: int
    automated: str
    reviewer: str | None = None


class AccountSignal(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What others say of an account: the governor's verdict on an action, or what an entity is.

    `kind` is one of `granted held voided undone expired entity content`. With `content`, `at` is
    since when it had to be removed: when it was confirmed, or when it turned up after that; `hit`
    is the id of the hit that confirmed it, which may be another account's. An `entity` with the
    action `undo` takes back the one that named the same `detection`.
    """

    id: str
    account: str
    at: str
    kind: str
    action: str | None = None
    harm: str | None = None
    pattern: str | None = None
    version: str | None = None
    proposal: str | None = None
    decision: str | None = None
    detection: str | None = None
    entity: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    hit: str | None = None
    severity: str | None = None
    mode: str | None = None
    reviewer: str | None = None


BREAKERS = ("surge", "precision")
"""What opens a pattern's breaker."""

HELD_BY = ("budget_hour", "budget_day", *BREAKERS, "undone")
"""What holds an action: a budget, or what stopped its pattern's version."""


class ReviewItem(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Something a person has to look at. `priority` is 1 (first) to 4."""

    id: str
    account: str
    reason: Literal["held", "needs_review", "appeal", "report_confirmation", "breaker"]
    proposal: str
    detections: Sequence[str]
    pattern: str
    priority: int
    due_at: str
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    version: str | None = None
    action: str | None = None
    held_by: str | None = None
    """One of `HELD_BY`, where it is held; of a breaker that opened one of `BREAKERS`."""


class Proposal(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What the accounts agent asks of the governor, or tells it, about one pattern (the key).

    - `propose`: an action that awaits a verdict; the enforcement that comes of it has its id.
    - `outcome`: a review of `decision` upheld or overturned it; the accounts agent has seen to it
      that the decision is the account's.
    - `forget`: the account of `decision` is erased; what is kept of it goes, held or granted.

    `budget_hour` and `budget_day` are the pattern's limits, None for no limit. `zero` marks what
    zero tolerance covers (DESIGN.md): it is never held. `expires_after_s` counts from the verdict.
    """

    id: str
    account: str
    at: str
    kind: Literal["propose", "outcome", "forget"]
    pattern: str
    version: str
    ruleset: str = ""
    action: str = ""
    harm: str = ""
    severity: str = ""
    detections: tuple[str, ...] = ()
    strikes: int = 0
    expires_after_s: int | None = None
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    budget_hour: int | None = None
    budget_day: int | None = None
    zero: bool = False
    automated: Literal["fully", "partially", "not"] = "fully"
    decision: str | None = None
    outcome: Literal["upheld", "overturned"] | None = None
    reviewer: str | None = None


def span(start_ms: int, end_ms: int) -> Span:
    """A window from and to times in ms since the epoch."""
    return Span(format_ms(start_ms), format_ms(end_ms))


def output_id(  # noqa: PLR0917 - the parts in the order they are hashed
    kind: str,
    pattern: str,
    version: str,
    group: Sequence[str],
    account: str,
    evidence: Sequence[str],
) -> str:
    """The id of an output, the same whenever the same thing is found again.

    `kind` is ``detection`` or ``enforcement/`` and the action, `group` the full group values,
    `evidence` the ids that opened the episode. It is the first 26 characters of the lower-case
    base32 SHA-256 over these six parts in this order, each preceded by its length in bytes as
    four bytes, big endian; a list is the concatenation of its items preceded in the same way.
    """
    parts = (kind, pattern, version, group, account, evidence)
    data = b"".join(
        _prefixed(part.encode() if isinstance(part, str) else b"".join(_texts(part)))
        for part in parts
    )
    return base64.b32encode(hashlib.sha256(data).digest()).decode().lower()[:OUTPUT_ID_CHARS]


def undo_id(pattern: str, version: str, account: str, decision: str) -> str:
    """The id of the enforcement that undoes `decision`: the same whoever finds that it must be."""
    return output_id("enforcement/undo", pattern, version, (account,), account, (decision,))


def _texts(items: Sequence[str]) -> list[bytes]:
    return [_prefixed(item.encode()) for item in items]


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part
