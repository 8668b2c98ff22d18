"""Foreign records as they arrive, read by shape, and what is said of those that can't be read.

A shape is a msgspec struct with the few fields an adapter uses; all others are never decoded into
anything. A refusal names fields of the shape and quotes nothing: the library's messages are taken
apart and dropped, because some of them carry values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from streams.signals import Reason, Refused
from streams.signals.times import format_ms, parse_ms

MAX_FOREIGN_BYTES = 1024 * 1024
"""Kafka's own limit of a record. Others send whole posts; ours are at most 64 KiB."""

T = TypeVar("T")

_MISSING = re.compile(r"Object missing required field `([\w$.@-]+)`")
_PLACE = re.compile(r" - at `\$\.?([^`]*)`\Z")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A record of another tool: its bytes, when it came here (ms), headers if it has any."""

    value: bytes
    at_ms: int
    headers: Mapping[str, bytes] = field(default_factory=dict)


def reader(shape: type[T] | Any) -> Callable[[bytes], T]:
    """A function from JSON bytes to `shape`; it raises only `Refused`, with nothing chained."""
    decode = msgspec.json.Decoder(shape).decode

    def read(value: bytes) -> T:
        if len(value) > MAX_FOREIGN_BYTES:
            raise Refused(Reason.TOO_LARGE)
        try:
            found: T = decode(value)
        except msgspec.ValidationError as error:
            refused = _refusal(str(error))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            refused = Refused(Reason.NOT_JSON)
        else:
            return found
        # Out here, so that no message of the library hangs on it.
        raise refused

    return read


def _refusal(message: str) -> Refused:
    place = _PLACE.search(message)
    where = place[1] if place else ""
    missing = _MISSING.match(message)
    if missing:
        return Refused(Reason.MISSING_FIELD, [f"{where}.{missing[1]}".lstrip(".")])
    return Refused(Reason.WRONG_TYPE, [where] if where else [])


def moment(value: object, name: str) -> str:
    """Their time (RFC 3339 or epoch ms) as ours; refuses one without an offset, naming `name`."""
    try:
        ms = parse_ms(value)
    except ValueError:
        ms = -1
    if ms < 0:
        raise Refused(Reason.MALFORMED_TIME, [name])
    return format_ms(ms)


def missing(name: str) -> Refused:
    """The refusal of a record that lacks what it is needed for."""
    return Refused(Reason.MISSING_FIELD, [name])
