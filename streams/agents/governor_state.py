"""What the governor remembers of a pattern. Keys are the pattern's id, with more behind a ``/``.

- ``P`` pattern: since when it is known, and the last commands' ids.
- ``V`` pattern + version: what was granted to it, and what stopped it.
- ``Q`` pattern + version: what reviews said of its decisions.
- ``B`` pattern + UTC day: what was proposed and granted in each hour.
- ``H`` pattern + proposal: one held action. It waits until a person decides; if nobody does for as
  long as anything is remembered, it is voided.
- ``D`` pattern/version/bucket + proposal: one decided action.
- ``R`` pattern/version/bucket + decision: one decision's reviews.
- ``U`` pattern + command: an undo that is under way.

What there may be many of, decisions, holds and reviews, has a record each. Decisions lie in buckets,
so that an undo can walk over them a few at a time.
"""

from __future__ import annotations

import msgspec
from xxhash import xxh3_64_intdigest

from streams.agents.account_state import DIGEST_BYTES, digest, holds
from streams.agents.contract import Kind, Queue
from streams.records import Proposal

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
HOURS = 24

KEPT_MS = 400 * DAY_MS
"""How long after its last change a record is kept."""

BUCKETS = 256

GRANTED, VOIDED, UNDONE, OVERTURNED = range(4)
"""What became of a decided action. Only what is `GRANTED` stands."""


class PatternRecord(msgspec.Struct, array_like=True, gc=False):
    """One pattern. `since` is the Kafka timestamp of its earliest proposal (ms)."""

    since: int
    commands: bytes = b""


class VersionRecord(msgspec.Struct, array_like=True, gc=False):
    """One version of a pattern. `granted` counts its grants ever, `standing` those not reversed.

    `stopped` is since when (ms) its proposals are held, 0 if they aren't; `why` is what stopped it,
    `measured` and `limit` the numbers. `accepted` is the last hour whose surge a person accepted.
    """

    granted: int = 0
    standing: int = 0
    stopped: int = 0
    why: str = ""
    measured: float = 0.0
    limit: float = 0.0
    accepted: int = -1


class Quality(msgspec.Struct, array_like=True, gc=False):
    """Reviewed decisions of a version, and of the newest whether they were upheld, oldest first."""

    upheld: int = 0
    overturned: int = 0
    newest: dict[str, bool] = {}


class Day(msgspec.Struct, array_like=True, gc=False):
    """What was proposed and what was granted in each hour of a UTC day, zero tolerance aside."""

    proposed: list[int]
    granted: list[int]


class Hold(msgspec.Struct, array_like=True, gc=False):
    """A held action: since when (ms), what holds it, and until when it waits for a person."""

    proposal: Proposal
    at: int
    by: str
    waits_until: int


class Decision(msgspec.Struct, array_like=True, gc=False):
    """A decided action, with all it takes to undo it. `number` counts the version's grants."""

    account: str
    status: int
    number: int
    action: str
    harm: str
    severity: str
    detections: tuple[str, ...]
    ruleset: str
    strikes: int
    zero: bool
    end_user: str | None
    content_ref: str | None
    dataset_ref: str | None
    reviewer: str | None
    review_within_s: int = 0


class Reviewed(msgspec.Struct, array_like=True, gc=False):
    """The reviews of one decision: what the latest said, and `digest`s of the last ones' ids."""

    upheld: bool
    ids: bytes


class Undo(msgspec.Struct, array_like=True, gc=False):
    """An undo of all grants of a version up to number `until`; `at` is when it was ordered (ms).

    It goes on at `due` (ms) with what comes after id `after` in `bucket`.
    """

    version: str
    until: int
    at: int
    reviewer: str
    due: int = 0
    bucket: int = 0
    after: str = ""


def _waits_until(hold: Hold) -> int:
    return hold.waits_until


def _held_at(hold: Hold) -> int:
    return hold.at


def _due(undo: Undo) -> int:
    return undo.due


PATTERN: Kind[PatternRecord] = Kind(b"P", PatternRecord)
VERSION: Kind[VersionRecord] = Kind(b"V", VersionRecord)
QUALITY: Kind[Quality] = Kind(b"Q", Quality)
DAY: Kind[Day] = Kind(b"B", Day)
HOLD: Kind[Hold] = Kind(b"H", Hold, due=_waits_until, queue=Queue("held", _held_at))
DECISION: Kind[Decision] = Kind(b"D", Decision)
REVIEWED: Kind[Reviewed] = Kind(b"R", Reviewed)
UNDO: Kind[Undo] = Kind(b"U", Undo, due=_due)

KINDS = (PATTERN, VERSION, QUALITY, DAY, HOLD, DECISION, REVIEWED, UNDO)


def bucket_key(pattern: str, version: str, bucket: int) -> str:
    """The key of the decisions in one bucket."""
    return f"{pattern}/{version}/{bucket:02x}"


def decision_key(pattern: str, version: str, proposal: str) -> str:
    """The key under which a decision, and its reviews, are kept."""
    return bucket_key(pattern, version, xxh3_64_intdigest(proposal.encode()) % BUCKETS)


def remember(ring: bytes, name: str, limit: int) -> bytes | None:
    """A ring of digests with `name` in it as well, of at most `limit`; None if it was there."""
    mark = digest(name.encode())
    if holds(ring, mark):
        return None
    return (ring + mark)[-limit * DIGEST_BYTES :]
