"""The same-job as a Vigil agent: a handler, one kind of state, and nothing else of the product.

It runs on the real engine through `streams.agents.contract`, like the shipped agents do.
"""

from __future__ import annotations

import msgspec

from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.bench.stream import ACTIVITY, HITS, LAST, WITHIN_MS, remember_device
from streams.signals import Reason, Refused
from streams.signals.raw import RawRecord

DECISIONS = "detections"


class Activity(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One activity as it stands on the wire."""

    id: str
    account: str
    kind: str
    at: int
    surface: str
    device: str
    model: str


class Hit(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One hit as it stands on the wire."""

    id: str
    account: str
    at: int
    source: str
    category: str
    verdict: str
    device: str


class Account(msgspec.Struct, array_like=True, gc=False):
    """What is kept per account; lists of numbers and strings hold no cycles."""

    count: int
    times: list[int]
    devices: list[str]


class Decision(msgspec.Struct, gc=False):
    """What comes out on a hit after five signals within 24 h."""

    id: str
    account: str
    at: int
    count: int


ACCOUNT = Kind(tag=b"B", struct=Account)

_decode_activity = msgspec.json.Decoder(Activity).decode
_decode_hit = msgspec.json.Decoder(Hit).decode


def decode_activity(record: RawRecord) -> Activity:
    """Decode an activity. Raises `Refused`."""
    try:
        return _decode_activity(record.value or b"")
    except msgspec.MsgspecError:
        raise Refused(Reason.NOT_JSON) from None


def decode_hit(record: RawRecord) -> Hit:
    """Decode a hit. Raises `Refused`."""
    try:
        return _decode_hit(record.value or b"")
    except msgspec.MsgspecError:
        raise Refused(Reason.NOT_JSON) from None


def handle(state: State, signal: Activity | Hit, out: Out) -> None:
    """Count, remember the last times and newest devices, decide on a hit."""
    key = signal.account
    at_ms = signal.at
    device = signal.device
    account = state.get(ACCOUNT, key)
    if account is None:
        account = Account(1, [at_ms], [device])
    else:
        account.count += 1
        times = account.times
        times.append(at_ms)
        if len(times) > LAST:
            del times[0]
        devices = account.devices
        if devices[0] != device:
            remember_device(devices, device)
    state.put(ACCOUNT, key, account, NEVER)
    if type(signal) is Hit:
        times = account.times
        if len(times) == LAST and at_ms - times[0] <= WITHIN_MS:
            out.emit(DECISIONS, key, Decision(signal.id, key, at_ms, account.count))


AGENT = Agent(
    name="bench",
    # Ties go to hits, as in the shipped agents.
    inputs=(HITS, ACTIVITY),
    decoders={HITS: decode_hit, ACTIVITY: decode_activity},
    handler=handle,
    kinds=(ACCOUNT,),
    home=ACCOUNT,
    state_topic="accounts-state",
)
