"""Reading `entity-signals`: the wrapper, and in it the signal, which its topic's decoder checks.

Only Vigil writes the topic, and what doesn't fit together is refused all the same.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from streams.agents.contract import Decoder
from streams.agents.meetings import TOLD
from streams.signals import Reason, Refused, Schema, Signal
from streams.signals.raw import RawRecord


class Meeting(msgspec.Struct, gc=False):
    """An account and an entity in a signal. `type` is that of the entity, ``TYPE:REF``."""

    entity: str
    type: str
    signal: Signal
    young: bool = False


class _Wire(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """`streams.records.EntitySignal` with the signal left as it is."""

    id: str
    entity: str
    account: str
    at: int
    topic: Literal[TOLD]  # type: ignore[valid-type]
    signal: msgspec.Raw
    met: bool = False
    young: bool = False


class _Inner(msgspec.Struct, gc=False):
    """The signal as a record of its own topic; it has the shape of `RawRecord`."""

    key: bytes
    value: bytes
    offset: int
    timestamp: int
    headers: tuple[()] = ()


def entity_signal_decoder(schema: Schema) -> Decoder:
    """A function from a Kafka record to a `Meeting`; it raises only `Refused`."""
    parse = msgspec.json.Decoder(_Wire).decode
    decoders = {topic: schema.decoder(topic) for topic in TOLD}
    fields = schema.entities

    def decode(record: RawRecord) -> Meeting:
        value, key = record.value, record.key
        if value is None:
            raise Refused(Reason.NULL_VALUE)
        if key is None:
            raise Refused(Reason.NULL_KEY)
        wire: Any
        try:
            wire = parse(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            wire = None  # raised in here, a refusal would carry the library's message along
        if wire is None:
            raise Refused(Reason.NOT_JSON)
        entity = wire.entity
        if key != entity.encode():
            raise Refused(Reason.KEY_MISMATCH, ["entity"])
        inner = _Inner(wire.account.encode(), bytes(wire.signal), record.offset, record.timestamp)
        signal: Any = decoders[wire.topic](inner)
        kind, _, ref = entity.partition(":")
        # Not so where the schema file no longer knows such an entity.
        if kind not in fields or getattr(signal, fields[kind], None) != ref:
            raise Refused(Reason.UNDECLARED_VALUE, ["entity"])
        return Meeting(entity, kind, signal, wire.young)

    return decode
