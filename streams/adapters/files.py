"""An adapter over lines: JSON in, JSON out, one record a line, nothing kept in memory.

What can't be read is told with its line's number and counted; the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.foreign import Foreign, reader
from streams.adapters.outgoing.decided import Leaving, read
from streams.adapters.table import Out
from streams.signals import Refused
from streams.topics import BY_NAME


@dataclass(slots=True)
class Count:
    """What became of the records read."""

    read: int = 0
    written: int = 0
    silent: int = 0
    """Records that say nothing on the other side."""
    refused: int = 0

    def __str__(self) -> str:
        return (
            f"{self.read} read, {self.written} written, {self.silent} without meaning there,"
            f" {self.refused} refused"
        )


Tell = Callable[[int, Refused], None]
"""Told the number of a line that can't be read, and why."""


class _Line(msgspec.Struct):
    topic: str
    value: msgspec.Raw


_line: Any = reader(_Line)


def come_in(
    lines: Iterable[bytes], door: Door, clock: Callable[[], int], count: Count, tell: Tell
) -> Iterator[bytes]:
    """The input records of foreign lines, as lines that `vigil replay` reads.

    `clock` gives the time in ms at which a line came.
    """
    for number, line in _numbered(lines, count):
        try:
            entering = door(Foreign(line, clock()))
        except Refused as refused:
            count.refused += 1
            tell(number, refused)
            continue
        count.silent += not entering
        for topic, key, value, ts in entering:
            count.written += 1
            yield b'{"topic":"%s","key":"%s","value":%s,"ts":%d}\n' % (
                topic.encode(),
                key.encode(),
                value,
                ts,
            )


def go_out(
    lines: Iterable[bytes], adapter: Out, words: Dictionary, count: Count, tell: Tell
) -> Iterator[tuple[int, Leaving]]:
    """The numbers of lines as `vigil replay` and `vigil tap` write them, and their foreign records.

    Lines of other topics of Vigil's are left out, uncounted.
    """
    for number, line in _numbered(lines, count):
        try:
            found = _line(line)
            if found.topic in BY_NAME and found.topic not in adapter.topics:
                count.read -= 1
                continue
            leaving = adapter.adapt(read(found.topic, bytes(found.value)), words)
        except Refused as refused:
            count.refused += 1
            tell(number, refused)
            continue
        if leaving is None:
            count.silent += 1
        else:
            count.written += 1
            yield number, leaving


def _numbered(lines: Iterable[bytes], count: Count) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            count.read += 1
            yield number, line
