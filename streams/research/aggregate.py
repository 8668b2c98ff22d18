"""Counts of accounts that tell of nobody: with noise, or without the small ones.

What is counted are accounts per cell: whether one had a hit of this category, source and surface at
all, not how many. The cells are the closed lists of the schema and the contract, all of them and
whatever the recording holds, so that which ones there are tells nothing; and no id is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any, NamedTuple

import msgspec

from streams.engine.memory import MemoryRecord
from streams.recording import Record
from streams.records import ACTIONS
from streams.research.noise import geometric
from streams.signals import Refused, Schema
from streams.signals.records import MODES, SEVERITIES, SURFACES

Cell = tuple[str, ...]
"""A topic, and a value for each of its `DIMENSIONS`; ``none`` where a record has none."""

NONE = "none"
OUTCOMES = ("upheld", "overturned", "appealed")

DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "activity": ("kind", "surface"),
    "moderation-hits": ("category", "source", "surface"),
    "reviews": ("outcome",),
    "detections": ("harm", "severity", "mode"),
    "enforcement": ("action", "harm"),
}
TOPICS = tuple(DIMENSIONS)

_SAID: Mapping[str, tuple[str, ...]] = {
    "surface": (*SURFACES, NONE),
    "outcome": OUTCOMES,
    "severity": SEVERITIES,
    "mode": MODES,
    "action": ACTIONS,
}


class Count(NamedTuple):
    """A cell, and its accounts; None if there are too few to be told."""

    cell: Cell
    accounts: int | None

    @property
    def named(self) -> dict[str, str]:
        """The values of its dimensions by their names."""
        return dict(zip(DIMENSIONS[self.cell[0]], self.cell[1:], strict=True))


class Counting:
    """Which cells each account is in: a bit for each, whatever it did and how often."""

    def __init__(self, schema: Schema) -> None:
        self.cells = list(_cells(schema))
        self.bits: dict[bytes, int] = {}
        self._places = {cell: place for place, cell in enumerate(self.cells)}
        self._decoders = {topic: schema.decoder(topic) for topic in TOPICS if _is_input(topic)}
        self._read = msgspec.json.Decoder(dict[str, Any]).decode

    def add(self, records: Iterable[Record]) -> None:
        """Count some records, of inputs or of outputs; what a worker would refuse counts nothing."""
        for topic, key, value, ts in records:
            if key is None or value is None:
                continue
            found: Any
            try:
                if topic in self._decoders:
                    signal = self._decoders[topic](MemoryRecord(key, value, 0, ts))
                    found = {name: getattr(signal, name) for name in DIMENSIONS[topic]}
                else:
                    found = self._read(value)
            except (Refused, msgspec.MsgspecError):
                continue
            values = (str(found.get(name) or NONE) for name in DIMENSIONS[topic])
            place = self._places.get((topic, *values))
            if place is not None:
                self.bits[key] = self.bits.get(key, 0) | 1 << place


def private(counting: Counting, epsilon: Fraction, most: int, source: Random) -> Iterator[Count]:
    """Every cell, epsilon-differentially private for one account more or less, all cells together.

    An account counts in `most` cells at most, drawn at random if it is in more, so that it changes
    the sum of all counts by no more than that. Counts may be negative: cut off at zero, sums of them
    would be too high.
    """
    counts = [0] * len(counting.cells)
    for bits in counting.bits.values():
        places = list(_places(bits))
        for place in source.sample(places, most) if len(places) > most else places:
            counts[place] += 1
    scale = Fraction(most) / epsilon
    for cell, count in zip(counting.cells, counts, strict=True):
        yield Count(cell, count + geometric(scale, source))


def anonymous(counting: Counting, least: int) -> Iterator[Count]:
    """Every cell with the exact number of its accounts, if they are `least` or more.

    There are no totals, from which a suppressed cell could be computed.
    """
    counts = Counter(place for bits in counting.bits.values() for place in _places(bits))
    for place, cell in enumerate(counting.cells):
        yield Count(cell, counts[place] if counts[place] >= least else None)


def _places(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _cells(schema: Schema) -> Iterator[Cell]:
    for topic, names in DIMENSIONS.items():
        lists = (_values(schema, topic, name) for name in names)
        yield from ((topic, *values) for values in product(*lists))


def _values(schema: Schema, topic: str, name: str) -> Sequence[str]:
    if name in _SAID:
        return _SAID[name]
    topic, name = ("moderation-hits", "category") if name == "harm" else (topic, name)
    return schema.fields(topic)[name].values or ()


def _is_input(topic: str) -> bool:
    return topic not in ("detections", "enforcement")
