"""Time inside Vigil is one unit: integer milliseconds since 1970-01-01T00:00:00Z.

On the wire it is RFC 3339 with an offset, or the same integer. Ten-digit integers are what they
say they are, milliseconds in January 1970, not seconds: guessing a unit would hide a producer's
mistake instead of letting its signals arrive old.
"""

from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Annotated

import msgspec

MAX_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last instant RFC 3339 can write."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WireTime = (
    Annotated[int, msgspec.Meta(ge=0, le=MAX_MS)] | Annotated[datetime, msgspec.Meta(tz=True)]
)
"""What a decoder accepts for a time; a datetime still has to pass `datetime_to_ms`."""

_MS_PER_DAY = 86_400_000


def datetime_to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, finer digits cut off; may be negative."""
    delta = moment - EPOCH
    return delta.days * _MS_PER_DAY + delta.seconds * 1000 + delta.microseconds // 1000


def parse_ms(value: object) -> int:
    """Milliseconds since the epoch of a time as it stands on the wire.

    Raises `ValueError` (quoting nothing of the value) when it is not RFC 3339 with an offset or an
    integer, or lies outside 1970 to 9999.
    """
    try:
        moment: int | datetime = msgspec.convert(value, WireTime)
    except (msgspec.ValidationError, UnicodeError):
        moment = -1
    ms = datetime_to_ms(moment) if isinstance(moment, datetime) else moment
    if not 0 <= ms <= MAX_MS:
        raise ValueError(
            "not a time: use RFC 3339 with an offset, or epoch milliseconds, from 1970 to 9999"
        )
    return ms


def format_ms(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, ``2026-09-22T04:53:20.000Z``.

    Total: an `ms` before 1970 or after 9999 (a Kafka timestamp may be any 64-bit number) is
    written as the nearest instant in that range.
    """
    ms = min(max(ms, 0), MAX_MS)
    moment = EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def a_year_after(ms: int) -> int:
    """The same date and time a calendar year later, of 29 February the day after; at most `MAX_MS`."""
    moment = EPOCH + timedelta(milliseconds=min(max(ms, 0), MAX_MS))
    year = moment.year + 1
    if year > MAXYEAR:
        return MAX_MS
    leap_day = (moment.month, moment.day) == (2, 29)
    later = moment.replace(year=year, month=3, day=1) if leap_day else moment.replace(year=year)
    return datetime_to_ms(later)
