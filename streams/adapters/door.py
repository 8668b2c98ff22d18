"""The door: what an adapter made goes in only if Vigil's own decoder takes it.

So an adapter can't let through what an input topic would refuse, least of all text: there is no
field for it. A foreign record goes in whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from streams.adapters.foreign import Foreign
from streams.adapters.making import Given, Incoming
from streams.signals.records import key_field
from streams.signals.times import parse_ms


class Entering(NamedTuple):
    """A checked record for an input topic (logical name); `ts` is its own time in ms."""

    topic: str
    key: str
    value: bytes
    ts: int


@dataclass(frozen=True, slots=True)
class _Raw:
    """A record as a worker will read it."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Door:
    """Runs an incoming adapter and checks what it makes; raises only `Refused`."""

    def __init__(self, adapt: Incoming, given: Given) -> None:
        self._adapt = adapt
        self._given = given
        self._decoders = {topic: given.schema.decoder(topic) for topic in given.schema.topics}

    def __call__(self, foreign: Foreign) -> list[Entering]:
        """What a foreign record becomes; empty if it says nothing here."""
        entering = []
        for topic, value in self._adapt(foreign, self._given):
            key = str(value[key_field(topic)])
            encoded = msgspec.json.encode(value)
            self._decoders[topic](_Raw(key.encode(), encoded, foreign.at_ms))
            entering.append(Entering(topic, key, encoded, parse_ms(value["at"])))
        return entering
