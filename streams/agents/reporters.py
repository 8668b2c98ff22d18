"""Reports by accounts that are linked to each other count once where evidence is to be independent.

Whoever wants to see somebody punished makes ten accounts. So an account that files a report tells
the one it is about with what: the device, the payment, and when the account was made. A report is
*linked* if one that counted before came from another account with the same device or payment, or
made within the same hour while both are young. A rule that asks for independent `evidence` leaves
linked reports out; every other rule counts them, or nobody would ever see a brigade.

It takes the platform's word: a `report.filed` with the account it is about as `peer`. Of a reporter
nothing is known of, a report counts; on the word of reports alone nothing beyond a warning is done
in any case (`streams.policy`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.agents.account_state import AccountRecord, digest
from streams.agents.contract import Kind, Out, State
from streams.agents.meetings import YOUNG_S
from streams.records import AccountSignal, output_id
from streams.signals.times import format_ms

FILED = "report.filed"

KEPT_MS = 30 * 86_400_000
MOST = 128
"""Reporters remembered of one account; the oldest go first."""
BURST_S = 3_600


class Reporter(msgspec.Struct, array_like=True, gc=False):
    """One reporter: digests of device and payment, and when the account was made (s) if it is young.

    `counted` says whether a report of theirs came that was linked to none before it.
    """

    device: bytes = b""
    payment: bytes = b""
    created: int = 0
    counted: bool = False

    def linked_to(self, other: Reporter) -> bool:
        """Whether both may be one person's accounts."""
        return (
            (self.device == other.device != b"")
            or (self.payment == other.payment != b"")
            or (self.created > 0 < other.created and abs(self.created - other.created) <= BURST_S)
        )


class Reporters(msgspec.Struct, array_like=True, gc=False):
    """Who reported an account, by id, in the order in which they were heard of last."""

    known: dict[str, Reporter]


REPORTERS: Kind[Reporters] = Kind(b"R", Reporters)


def tell(record: AccountRecord, filed: Any, out: Out) -> None:
    """An account filed a report: let the one it is about know with what."""
    peer, account, at_s = filed.peer, filed.account, filed.at // 1000
    if peer is None or peer == account:
        return
    young = record.created and at_s < record.created + YOUNG_S
    told = AccountSignal(
        id=output_id("account-signal/reporter", "", "", (account,), peer, (filed.id,)),
        account=peer,
        at=format_ms(filed.at),
        kind="reporter",
        reporter=account,
        device=filed.device,
        payment=filed.payment,
        created=format_ms(1000 * record.created) if young else None,
    )
    out.emit("account-signals", peer, told)


def note(state: State, told: Any) -> None:
    """Remember with what an account that reported this one did so."""
    reporters = state.get(REPORTERS, told.account) or Reporters({})
    before = reporters.known.pop(told.reporter, None)
    reporters.known[told.reporter] = Reporter(
        _mark(told.device),
        _mark(told.payment),
        told.created // 1000 if told.created else 0,
        before is not None and before.counted,
    )
    _put(state, told.account, reporters)


def is_linked(state: State, hit: Any) -> bool:
    """Whether a user's report is linked to one that counted before; if not, it counts from now on."""
    reporters = state.get(REPORTERS, hit.account)
    if reporters is None:
        return False
    own = reporters.known.get(hit.reporter)
    if own is None or own.counted:
        return False
    if any(other.counted and own.linked_to(other) for other in reporters.known.values()):
        return True
    own.counted = True
    _put(state, hit.account, reporters)
    return False


def _put(state: State, account: str, reporters: Reporters) -> None:
    while len(reporters.known) > MOST:
        del reporters.known[next(iter(reporters.known))]
    state.put(REPORTERS, account, reporters, state.now + KEPT_MS)


def _mark(ref: str | None) -> bytes:
    return digest(ref.encode()) if ref else b""
