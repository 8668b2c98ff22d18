"""Records Vigil writes: what it says, and what its agents tell each other.

Those that go out have exactly the fields CONTRACT.md lists, in its order. Times are RFC 3339 UTC
with milliseconds. Optional fields are left out when they are None.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any, Literal

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

BEYOND_RESTRICT = frozenset({"suspend", "credentials.lock"})
"""Actions that what several accounts share can't bring about by itself."""

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
    values: dict[str, str | int | float | bool]
    cause: int
    """How many derived signals lie between the input and this: 0, it rests on input alone."""
    retracts: str | None = None
    """The id of a detection that this one takes back (`unless`, and what prevents came late)."""
    derived: Sequence[str] | None = None
    """Ids of the account-signals it rests on as well: then `cause` is 1."""


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
    why: str | None = None
    """Which rule of the policy led to it (`streams.policy.Why`), None where a person's word did."""
    policy: str | None = None
    """The hash of the policy it was decided by."""


class EntitySignal(msgspec.Struct, omit_defaults=True, gc=False):
    """An account met an entity, or did there what a pattern about entities looks for.

    `at` is ms since the epoch, `topic` the logical topic `signal` came in on. `met`: the account
    meets it anew, or again after a week. `young`: the account was made less than a week before.
    """

    id: str
    entity: str
    account: str
    at: int
    topic: str
    signal: Any
    met: bool = False
    young: bool = False


class AccountSignal(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What others say of an account: the governor's verdict on an action, or what an entity is.

    `kind` is one of `granted held voided undone entity content reporter`. With `content`, `at` is
    since when it had to be removed: when it was confirmed, or when it turned up after that; `hit`
    is the id of the hit that confirmed it, which may be another account's. An `entity` with the
    action `undo` takes back the one that named the same `detection`. With `reporter`, that account
    reported this one, with that `device` and `payment`, and was `created` then if it is young.
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
    end_user: str | None = None
    reporter: str | None = None
    device: str | None = None
    payment: str | None = None
    created: str | None = None


class Breaker(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a pattern's grants become holds.

    `surge`: an hour with so many times as many proposals as the busiest of its last week, and more
    than `surge_least`. `precision`: the least share of its newest reviewed actions that was upheld,
    of `reviews` at least.
    """

    surge: float = 5.0
    surge_least: int = 20
    precision: float = 0.7
    reviews: int = 20


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
    - `forget`: the account takes `decision` back, or is erased; what is kept of it goes, held or
      granted.

    `budget_hour` and `budget_day` are the pattern's limits, None for no limit, `breaker` says when
    it is granted nothing more without a person, and a person should have looked `review_within_s`
    after it is held: the policy stands in each proposal, so that the governor needs none and those
    recorded give the same verdicts again. `zero` marks what zero tolerance covers (DESIGN.md): it
    is never held. `expires_after_s` counts from the verdict. `why` and `policy` are those of the
    enforcement, `after` is the rung that was done to the same person for the same harm before.
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
    breaker: Breaker = Breaker()
    review_within_s: int = 72 * 3600
    why: str | None = None
    policy: str | None = None
    after: str | None = None


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
