"""Output records as Vigil wrote them, and what becomes of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from streams.adapters.dictionary import Dictionary
from streams.adapters.foreign import missing, reader
from streams.records import Detection, Enforcement, ReviewItem
from streams.signals import Reason, Refused

Output = Detection | Enforcement | ReviewItem

SHAPES: Mapping[str, type[Output]] = MappingProxyType(
    {"detections": Detection, "enforcement": Enforcement, "review-queue": ReviewItem}
)
"""Topics (logical names) that can go out, and what their records are."""

_READERS: Mapping[str, Any] = MappingProxyType(
    {topic: reader(shape) for topic, shape in SHAPES.items()}
)


@dataclass(frozen=True, slots=True)
class Decided:
    """One output record: its topic (logical name) and the record."""

    topic: str
    record: Output


class Leaving(NamedTuple):
    """A foreign record: the output's id (a receiver may tell doubles by it), its account, the body."""

    id: str
    key: str
    body: dict[str, Any]


Outgoing = Callable[[Decided, Dictionary], Leaving | None]
"""An adapter of what goes out: raises `Refused`; None is an output the neighbour has no word for."""


def read(topic: str, value: bytes) -> Decided:
    """The output record in a JSON value. Raises `Refused`; a value of another topic is refused, too."""
    if topic not in _READERS:
        raise Refused(Reason.UNDECLARED_VALUE, ["topic"])
    record = _READERS[topic](value)
    if not record.id:
        raise missing("id")
    return Decided(topic, record)


def fields(record: Output) -> dict[str, Any]:
    """A record's fields as JSON has them, None left out."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found
