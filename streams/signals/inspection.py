"""The exact check of one record, field by field: the authority on what is refused, and why.

Slow (about 15 µs) and plain on purpose. It raises with nothing chained: the JSON library's messages
quote values and names, so none is alive when a `Refused` is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from streams.signals.ids import is_id
from streams.signals.raw import RawRecord
from streams.signals.reasons import UNDECLARED, Reason, Refused
from streams.signals.records import Field, FieldType, Record, key_field
from streams.signals.times import parse_ms

MAX_VALUE_BYTES = 64 * 1024
MAX_AHEAD_MS = 5 * 60 * 1000
MAX_LABELS = 64
MAX_DEPTH = 32
"""Far deeper than any record nests, far shallower than the parser's own limit, which moves with
the caller's stack and would make the reason depend on it."""
MAX_HEADER_BYTES = 1024

_parse_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_parse_value = msgspec.json.Decoder().decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)

_ABSENT = object()
_BROKEN = object()
_TOO_BIG = object()

# RFC 3986 and the attribute rules of CloudEvents 1.0: visible ASCII, no spaces.
_HEADERS: Mapping[str, Callable[[str], object]] = {
    "ce_id": is_id,
    "ce_type": re.compile(r"[!-~]{1,256}\Z").match,
    "ce_source": re.compile(r"[!-~]{1,1024}\Z").match,
    "ce_time": lambda text: _problem_of_time(text) is None,
}

# When a record is wrong in several ways, the first of these is its reason.
_ORDER = (
    Reason.UNKNOWN_FIELD,
    Reason.MISSING_FIELD,
    Reason.WRONG_TYPE,
    Reason.MALFORMED_ID,
    Reason.MALFORMED_TIME,
    Reason.UNDECLARED_VALUE,
    Reason.OUT_OF_RANGE,
    Reason.IN_FUTURE,
)


class Inspection:
    """Checks the records of one topic: ``inspection(raw) -> Record``, or raises `Refused`."""

    def __init__(self, struct: type[Record], fields: Mapping[str, Field]) -> None:
        self._struct = struct
        self._fields = fields
        self._key = key_field(struct.topic)

    def __call__(self, record: RawRecord) -> Record:
        """The checked record, or `Refused`; a record wrong in several ways gets the first of `_ORDER`."""
        value = record.value
        if value is None:
            raise Refused(Reason.NULL_VALUE)
        if record.key is None:
            raise Refused(Reason.NULL_KEY)
        if len(value) > MAX_VALUE_BYTES:
            raise Refused(Reason.TOO_LARGE)
        if _is_deep(value):
            raise Refused(Reason.TOO_DEEP)
        found = _parse(value)
        if found is None:
            raise Refused(Reason.NOT_JSON)
        kind, latest_ms = found.get("kind"), record.timestamp + MAX_AHEAD_MS
        checked = {
            name: self._check(field, found.get(name, _ABSENT), kind, latest_ms)
            for name, field in self._fields.items()
        }
        problems = {name: r for name, r in checked.items() if isinstance(r, Reason)}
        unknown = any(name not in self._fields for name in found)
        for reason in _ORDER:
            names = [name for name, r in problems.items() if r is reason]
            if reason is Reason.UNKNOWN_FIELD and unknown:
                names.append(UNDECLARED)
            if names:
                raise Refused(reason, names)
        signal = self._struct(**{n: v for n, v in checked.items() if v is not _ABSENT})
        if record.key != getattr(signal, self._key).encode():
            raise Refused(Reason.KEY_MISMATCH, [self._key])
        bad = _bad_headers(record.headers, signal.id)
        if bad:
            raise Refused(Reason.INVALID_HEADER, bad)
        return signal

    def _check(self, field: Field, value: Any, kind: Any, latest_ms: int) -> Any:
        """The attribute's value, `_ABSENT`, or the `Reason` it can't have one."""
        if value is _ABSENT:
            needed = field.required or kind in field.needed_for
            return Reason.MISSING_FIELD if needed else _ABSENT
        if value is _TOO_BIG:
            return Reason.OUT_OF_RANGE
        match field.type:
            case FieldType.REF:
                return _ref(value)
            case FieldType.ENUM:
                return _one_of(value, field.values or ())
            case FieldType.REFS:
                return _several_of(value, field.values or ())
            case FieldType.NUMBER:
                return _number(value, field.low, field.high)
            case FieldType.BOOL:
                return value if isinstance(value, bool) else Reason.WRONG_TYPE
            case FieldType.TIME:
                problem = _problem_of_time(value)
                if problem is not None:
                    return problem
                moment = parse_ms(value)
                return moment if field.ahead or moment <= latest_ms else Reason.IN_FUTURE


def _parse(value: bytes) -> dict[str, Any] | None:
    """The object's fields decoded, `_TOO_BIG` for a number no double holds; None: no object."""
    try:
        raws = _parse_object(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    found = {name: _parse_field(raw) for name, raw in raws.items()}
    return None if _BROKEN in found.values() else found


def _parse_field(raw: msgspec.Raw) -> Any:
    try:
        return _parse_value(raw)
    except msgspec.ValidationError:  # well-formed, but a number out of range
        return _TOO_BIG
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _BROKEN


def _is_deep(value: bytes) -> bool:
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    for byte in _STRING.sub(b"", value):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest > MAX_DEPTH


def _ref(value: Any) -> Any:
    if not isinstance(value, str):
        return Reason.WRONG_TYPE
    return value if is_id(value) else Reason.MALFORMED_ID


def _one_of(value: Any, allowed: tuple[str, ...]) -> Any:
    if not isinstance(value, str):
        return Reason.WRONG_TYPE
    return value if value in allowed else Reason.UNDECLARED_VALUE


def _several_of(value: Any, allowed: tuple[str, ...]) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return Reason.WRONG_TYPE
    if len(value) > MAX_LABELS:
        return Reason.OUT_OF_RANGE
    return tuple(value) if all(item in allowed for item in value) else Reason.UNDECLARED_VALUE


def _number(value: Any, low: float | None, high: float | None) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Reason.WRONG_TYPE
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return Reason.OUT_OF_RANGE
    too_low, too_high = low is not None and number < low, high is not None and number > high
    return Reason.OUT_OF_RANGE if too_low or too_high else number


def _problem_of_time(value: Any) -> Reason | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return Reason.WRONG_TYPE
    try:
        parse_ms(value)
    except ValueError:
        return Reason.MALFORMED_TIME
    return None


def _bad_headers(headers: Iterable[tuple[str, bytes | None]], signal_id: str) -> list[str]:
    bad = set()
    for name, raw in headers:
        is_valid = _HEADERS.get(name)
        if is_valid is None:
            continue
        text = None if raw is None or len(raw) > MAX_HEADER_BYTES else _ascii(raw)
        if text is None or not is_valid(text) or (name == "ce_id" and text != signal_id):
            bad.add(name)
    return [name for name in _HEADERS if name in bad]


def _ascii(raw: bytes) -> str | None:
    return raw.decode() if raw.isascii() else None
