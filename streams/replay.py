"""Replay: JSON lines in, the agents in memory, JSON lines out. No Kafka, deterministic.

A line is ``{"topic": …, "key": …, "value": {…}, "ts": …}`` (CONTRACT.md, 'Files of JSON lines').
Files are merged by `ts`, and so are the lines within one; on ties lines keep their order.
"""

from __future__ import annotations

import gzip
import heapq
import io
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import zstandard

from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.signals.times import parse_ms

STDIN = Path("-")


class LineError(Exception):
    """A line that is not of the documented form; the message names file and line, never content."""


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    topic: str
    value: msgspec.Raw
    key: str | msgspec.UnsetType | None = msgspec.UNSET
    ts: int | None = None


class _Hints(msgspec.Struct, gc=False):
    """What stands in for an absent key or ts."""

    account: str | None = None
    at: int | str | None = None


class Record(NamedTuple):
    """One line, ready for the driver. `ts` is ms since the epoch."""

    topic: str
    key: bytes | None
    value: bytes | None
    ts: int


_parse = msgspec.json.Decoder(_Line).decode
_hints = msgspec.json.Decoder(_Hints).decode


def replay(
    driver: MemoryDriver, files: Sequence[Path], topics: Collection[str]
) -> Iterator[Output]:
    """Outputs of the files' records, in the order they would be committed.

    `topics` are those agents read; `-` reads standard input, `.gz` and `.zst` are unpacked. Raises
    LineError, and OSError for a file that can't be opened.
    """
    with ExitStack() as stack:
        sources = [_records(path, topics, stack) for path in files]
        yield from driver.feed(heapq.merge(*sources, key=_ts) if len(sources) > 1 else sources[0])


def _ts(record: tuple[str, bytes | None, bytes | None, int]) -> int:
    return record[3]


def _records(path: Path, topics: Collection[str], stack: ExitStack) -> Iterator[Record]:
    """A source's records by `ts`.

    One pass finds out whether they are in order already, as most recordings are; then a file is
    streamed, and only one out of order is sorted in memory.
    """
    name = "standard input" if path == STDIN else str(path)
    kept = list(sys.stdin.buffer) if path == STDIN else None
    newest = -1
    for record in _parsed(name, _lines(path, stack) if kept is None else kept, topics):
        if record.ts < newest:
            whole = _parsed(name, _lines(path, stack) if kept is None else kept, topics)
            return iter(sorted(whole, key=_ts))
        newest = record.ts
    return _parsed(name, _lines(path, stack) if kept is None else kept, topics)


def _lines(path: Path, stack: ExitStack) -> Iterable[bytes]:
    raw: IO[bytes] = stack.enter_context(path.open("rb"))
    if path.suffix == ".gz":
        return stack.enter_context(gzip.GzipFile(fileobj=raw))
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw))
    return raw


def _parsed(name: str, lines: Iterable[bytes], topics: Collection[str]) -> Iterator[Record]:
    number = 0
    try:
        for line in lines:
            number += 1
            if not line.strip():
                continue
            yield _record(line, topics)
    except _Malformed as problem:
        raise LineError(f"{name}:{number}: {problem}") from None
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise LineError(f"{name}:{number + 1}: can't be read: {type(error).__name__}") from None


class _Malformed(Exception):
    """What is wrong with a line."""


def _record(line: bytes, topics: Collection[str]) -> Record:
    try:
        parsed = _parse(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _Malformed(
            'not a line of the form {"topic": …, "key": …, "value": {…}, "ts": …}'
        ) from None
    if parsed.topic not in topics:
        raise _Malformed(f"no agent reads this topic; the inputs are {', '.join(sorted(topics))}")
    value = bytes(parsed.value)
    hints = None
    if parsed.key is msgspec.UNSET or parsed.ts is None:
        hints = _read_hints(value)
    key = hints.account if hints and parsed.key is msgspec.UNSET else parsed.key
    ts = parsed.ts
    if ts is None:
        ts = _time(hints)
    return Record(
        parsed.topic,
        key.encode() if isinstance(key, str) else None,
        None if value == b"null" else value,
        ts,
    )


def _read_hints(value: bytes) -> _Hints:
    try:
        return _hints(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _Hints()


def _time(hints: _Hints | None) -> int:
    try:
        return parse_ms(hints.at if hints else None)
    except ValueError:
        return 0
