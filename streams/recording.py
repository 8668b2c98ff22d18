"""Recordings: files of JSON lines, plain or packed, read in blocks and ordered by time.

A line is ``{"topic": …, "key": …, "value": {…}, "ts": …}`` (CONTRACT.md, 'Files of JSON lines').
Memory is bounded by a block, except for a file whose lines are not in the order of their `ts`: that
one is sorted in memory.
"""

from __future__ import annotations

import gzip
import heapq
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import IO

import msgspec
import zstandard

from streams.signals.records import key_field
from streams.signals.times import parse_ms

STDIN = Path("-")
BLOCK_BYTES = 256 * 1024

Record = tuple[str, bytes | None, bytes | None, int]
"""Topic, key, JSON value, time stamp in ms since the epoch: a line, ready for the driver."""

Mine = Callable[[bytes | None], bool]
"""From a record's key to whether it is wanted."""

Progress = Callable[[int], None]
"""Told how many more bytes of recordings were read."""

_TOLD_EVERY_BYTES = 1 << 20

by_ts = itemgetter(3)


class LineError(Exception):
    """A line that is not of the documented form; the message names file and line, never content."""


class OutOfOrder(Exception):
    """A record older than the one before it; `recording` has to be read sorted."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording.name)
        self.recording = recording


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    topic: str
    value: msgspec.Raw
    key: str | msgspec.UnsetType | None = msgspec.UNSET
    ts: int | None = None


class _Hints(msgspec.Struct, gc=False):
    """What stands in for an absent key or ts."""

    account: str | None = None
    pattern: str | None = None
    at: int | str | None = None


class _Malformed(Exception):
    """What is wrong with a line."""


_parse = msgspec.json.Decoder(_Line).decode
_parse_lines = msgspec.json.Decoder(_Line).decode_lines
_hints = msgspec.json.Decoder(_Hints).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Recording:
    """One file, which may be read several times; ``-`` is standard input, kept in memory.

    `topics` are the topics whose records are wanted. Lines of the `ignored` topics are left out, and
    a line of any other is an error, because whoever wrote it expected something of it. `position`
    says how many of the file's `size` bytes the last pass has read so far, and `newest` is the
    greatest time stamp among its records, whether wanted by key or not (0 without any).
    """

    def __init__(
        self, path: Path, topics: Collection[str], *, ignored: Collection[str] = ()
    ) -> None:
        self.path = path
        self.name = "standard input" if path == STDIN else str(path)
        self.position = 0
        self.newest = 0
        self._topics = frozenset(topics)
        self._ignored = frozenset(ignored)

    @cached_property
    def size(self) -> int:
        """Bytes of the file as it is stored. Raises OSError."""
        return len(self._standard_input) if self.path == STDIN else self.path.stat().st_size

    def batches(self, mine: Mine | None = None) -> Iterator[list[Record]]:
        """The records in the order they stand there, a list per block of lines.

        With `mine` only those whose key it accepts. Raises LineError, and OSError for a file that
        can't be opened.
        """
        number = 0
        try:
            for block in _blocks(self._chunks()):
                yield self._read(block, number, mine)
                number += block.count(b"\n")
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise self._error(number + 1, f"can't be read: {type(error).__name__}") from None

    def is_ordered(self) -> bool:
        """Whether time stamps never fall; takes a pass. Raises as `batches`."""
        newest = -1
        for batch in self.batches():
            for record in batch:
                if record[3] < newest:
                    return False
                newest = record[3]
        return True

    def streamed(self, mine: Mine | None = None) -> Iterator[Record]:
        """The records of a file that is in order; OutOfOrder as soon as one isn't."""
        newest = -1
        for batch in self.batches(mine):
            for record in batch:
                if record[3] < newest:
                    raise OutOfOrder(self)
                newest = record[3]
                yield record

    def sorted(self, mine: Mine | None = None) -> Iterator[Record]:
        """The records by time stamp, lines with the same one in their order."""
        return iter(sorted(chain.from_iterable(self.batches(mine)), key=by_ts))

    # Inside

    @cached_property
    def _standard_input(self) -> bytes:
        return sys.stdin.buffer.read()

    def _chunks(self) -> Iterator[bytes]:
        self.position = 0
        if self.path == STDIN:
            yield self._standard_input
            return
        with self.path.open("rb") as file:
            for chunk in _unpacked(self.path, file):
                self.position = file.tell()
                yield chunk

    def _read(self, block: bytes, number: int, mine: Mine | None) -> list[Record]:
        """The records of a block of whole lines, the first of which is line `number` + 1."""
        try:
            lines = _parse_lines(block)
            # The library would also take two records on a line, or one on two.
            if len(lines) == block.count(b"\n") + (not block.endswith(b"\n")):
                return self._records(lines, mine)
        except (*_UNREADABLE, _Malformed):
            pass
        # Blank lines, or a mistake: line by line it is found out which.
        found: list[Record] = []
        for line in block.split(b"\n"):
            number += 1
            if not line.strip():
                continue
            try:
                found += self._records([_parse(line)], mine)
            except _Malformed as problem:
                raise self._error(number, str(problem)) from None
            except _UNREADABLE:
                form = 'not a line of the form {"topic": …, "key": …, "value": {…}, "ts": …}'
                raise self._error(number, form) from None
        return found

    def _records(self, lines: Iterable[_Line], mine: Mine | None) -> list[Record]:
        topics, newest, found = self._topics, self.newest, []
        for line in lines:
            topic, ts = line.topic, line.ts
            if topic not in topics:
                if topic in self._ignored:
                    continue
                known = ", ".join(sorted(topics))
                raise _Malformed(f"no agent reads this topic; the inputs are {known}")
            key = line.key
            if key.__class__ is str and ts is not None:
                name: bytes | None = key.encode()
            else:
                name, ts = _filled_in(line)
            if ts > newest:  # noqa: PLR1730 - every line comes here, and a call costs more
                newest = ts
            if mine is None or mine(name):
                value: bytes | None = bytes(line.value)
                found.append((topic, name, None if value == b"null" else value, ts))
        self.newest = newest
        return found

    def _error(self, number: int, problem: str) -> LineError:
        return LineError(f"{self.name}:{number}: {problem}")


def merged(sources: Sequence[Iterator[Record]]) -> Iterator[Record]:
    """Several sources, each in order, as one: by time stamp, on ties in the order given."""
    return sources[0] if len(sources) == 1 else heapq.merge(*sources, key=by_ts)


def by_time(recordings: Sequence[Recording]) -> Iterator[Record]:
    """All records of some recordings by time stamp, each file's ties in the order of its lines.

    One pass finds out whether a file is in order already, as most are; then it is streamed, and only
    one out of order is sorted in memory. Raises as `Recording.batches`.
    """
    return merged([one.streamed() if one.is_ordered() else one.sorted() for one in recordings])


class Told:
    """Tells a progress now and then, when called, how far the present pass over recordings is."""

    def __init__(self, recordings: Sequence[Recording], progress: Progress) -> None:
        self._recordings = recordings
        self._progress = progress
        self._told = 0

    def __call__(self, *, end: bool = False) -> None:
        """Tell what was read since it was told last, if it is much or the `end`."""
        read = sum(one.position for one in self._recordings)
        if read - self._told >= _TOLD_EVERY_BYTES or end:
            self._progress(read - self._told)
            self._told = read


def _unpacked(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    if path.suffix == ".zst":
        yield from _unzstd(file)
        return
    source: IO[bytes] = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[assignment]
    while chunk := source.read(BLOCK_BYTES):
        yield chunk


def _unzstd(file: IO[bytes]) -> Iterator[bytes]:
    """All frames of a file; unlike the library's own reader it notices when the last is cut off."""
    frame = None
    while packed := file.read(BLOCK_BYTES):
        while packed:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(packed)
            packed = b""
            if frame.eof:
                packed, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut at ends of lines."""
    rest: list[bytes] = []
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, chunk[:end]))
            rest = [chunk[end:]] if end < len(chunk) else []
        else:
            rest.append(chunk)
    if rest:
        yield b"".join(rest)


def _filled_in(line: _Line) -> tuple[bytes | None, int]:
    """Key and time stamp; where one is absent, the value's account (or pattern) and at stand in."""
    try:
        hints = _hints(line.value)
    except _UNREADABLE:
        hints = _Hints()
    key = getattr(hints, key_field(line.topic)) if line.key is msgspec.UNSET else line.key
    ts = line.ts
    if ts is None:
        try:
            ts = parse_ms(hints.at)
        except ValueError:
            ts = 0
    return key.encode() if isinstance(key, str) else None, ts
