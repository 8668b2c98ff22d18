"""One simulated record, and the JSON-lines form of CONTRACT.md it is written in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO

ACTIVITY = "activity"
HITS = "moderation-hits"
REVIEWS = "reviews"

Line = tuple[int, str, str, str]
"""(order, topic, key, value): `order` sorts as the engine merges, `value` is a JSON text.

A tuple and not a class: two million of these are made, sorted and thrown away in a run.
"""

_RANK_BITS = 2
_RANK = {HITS: 0, REVIEWS: 1, ACTIVITY: 2}  # how the engine breaks ties of the timestamp


def order_of(topic: str, ts: int) -> int:
    """Return the sort key of a record of `topic` at `ts` (ms since the epoch)."""
    return (ts << _RANK_BITS) | _RANK[topic]


def ts_of(order: int) -> int:
    """Return the timestamp in an order, ms since the epoch."""
    return order >> _RANK_BITS


def as_json_lines(chunk: Iterable[Line]) -> str:
    """Return the records as lines of ``{"topic", "key", "value", "ts"}``, newline-terminated."""
    return "".join(
        [
            f'{{"topic":"{topic}","key":"{key}","value":{value},"ts":{order >> _RANK_BITS}}}\n'
            for order, topic, key, value in chunk
        ]
    )


def write(chunks: Iterable[list[Line]], file: IO[str]) -> Iterator[int]:
    """Write the chunks to `file`, yielding the number of records after each."""
    for chunk in chunks:
        file.write(as_json_lines(chunk))
        yield len(chunk)


def read(file: Iterable[str]) -> Iterator[Line]:
    """Read what `write` wrote. Not for files of others: `vigil replay` checks those.

    Raises:
        ValueError, KeyError: the text is not a recording of the simulator.
    """
    for text in file:
        record = json.loads(text)
        topic = record["topic"]
        value = json.dumps(record["value"], separators=(",", ":"))
        yield order_of(topic, record["ts"]), topic, record["key"], value
