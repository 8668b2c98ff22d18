"""From a Kafka record to a checked signal: a fast path that only says yes, and an exact one.

`inspection` decides, field by field; it is what the rules are. The fast path accepts good records
without it and hands on whatever it can't accept, so the two can't disagree: a record is accepted
here only where `inspection` would accept it with the same result.

msgspec checks types, closed lists, ranges and lengths. What it can't do quickly is the shape of
ids, and what makes that fast is a proof about the whole value instead of a check per field. Take
the value's letters, digits, ``_`` and ``-`` away and look at the *skeleton* that is left:

- a backslash: not sure (it could hide a quote or any character);
- without backslashes every quote opens or closes a string, so what follows an odd number of
  quotes stands inside one. A string is *clean* if it keeps at most one dot and nothing else: then
  it is in the id alphabet, and without colons and with fewer than two dots it has no shape of an
  address (`ids`). It is *nearly* clean with one colon or a second dot: then it can only have the
  shape of a URL, which one look at how the value's strings begin excludes;
- only times may be unclean (``"::."``). A time that was decoded from text always is, for it has
  two colons, so as many unclean strings as times from text means that every other string is none.

Skeletons repeat from record to record, so the answer is remembered. Where the proof fails each id
is checked by itself: 2 µs more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Annotated, Any, Literal, cast

import msgspec

from streams.signals.ids import LETTERS_BYTES, MAX_ID_CHARS, is_id
from streams.signals.inspection import MAX_AHEAD_MS, MAX_LABELS, MAX_VALUE_BYTES, Inspection
from streams.signals.raw import RawRecord
from streams.signals.records import COMMANDS, Field, FieldType, Record, Signal, key_field
from streams.signals.times import MAX_MS, WireTime, datetime_to_ms

Decoder = Callable[[RawRecord], Record]

MAX_SKELETON_BYTES = 256
MAX_SKELETONS = 4096

_NOT_SURE = -1
_NEARLY = 1 << 16
"""Added to the number of unclean strings when there are nearly clean ones, too."""

_NEARLY_CLEAN = frozenset((b":", b"..", b".:", b":.", b"..:", b".:.", b":.."))

# More than begin a URL (``http: ftp: ws: wss: mailto: www.``), but three times as quick to look for;
# where it finds one that isn't, each id is checked by itself.
_begins_like_url = re.compile(rb'"[hHfFwWmM][tTsSwWaA][tTpPiIwWsS:]').search
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)

_TYPES: Mapping[FieldType, Any] = {
    FieldType.REF: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)],
    FieldType.BOOL: bool,
    FieldType.TIME: WireTime,
}


def make_struct(topic: str, fields: Mapping[str, Field]) -> type[Record]:
    """The struct of a topic: an attribute per field, in the order of the schema."""
    required = [(f.name, _wire_type(f)) for f in fields.values() if f.required]
    optional = [
        (f.name, _wire_type(f), () if f.type is FieldType.REFS else None)
        for f in fields.values()
        if not f.required
    ]
    struct = msgspec.defstruct(
        "".join(part.capitalize() for part in topic.split("-")),
        [*required, *optional],
        bases=(Signal if key_field(topic) == "account" else Record,),
        namespace={"topic": topic},
        module=__name__,
        gc=False,
        forbid_unknown_fields=True,
    )
    return cast("type[Record]", struct)


def make_decoder(struct: type[Record], fields: Mapping[str, Field]) -> Decoder:
    """A decoder for `struct`; it raises only `Refused`."""
    inspect = Inspection(struct, fields)
    if struct.topic in COMMANDS:
        return inspect  # persons are never in such a hurry
    parse = msgspec.json.Decoder(cast("type[Signal]", struct)).decode
    other_times = tuple(
        f.name for f in fields.values() if f.type is FieldType.TIME and f.name != "at"
    )
    refs_of = attrgetter(*(f.name for f in fields.values() if f.type is FieldType.REF))
    skeletons: dict[bytes, int] = {}

    def decode(record: RawRecord) -> Record:
        value = record.value
        if value is None or len(value) > MAX_VALUE_BYTES:
            return inspect(record)
        try:
            signal = parse(value)
        except _UNREADABLE:
            # Left as a flag: a refusal raised in here would carry the library's message along.
            signal = None
        if signal is None:
            return inspect(record)
        latest = record.timestamp + MAX_AHEAD_MS
        at: Any = signal.at  # an int, or a datetime yet
        texts = 0
        if at.__class__ is not int:
            texts = 1
            signal.at = at = datetime_to_ms(at)
        for name in other_times:
            moment = getattr(signal, name)
            if moment is not None:
                if moment.__class__ is not int:
                    texts += 1
                    moment = datetime_to_ms(moment)
                    setattr(signal, name, moment)
                if not 0 <= moment <= latest or moment > MAX_MS:
                    return inspect(record)
        skeleton = value.translate(None, LETTERS_BYTES)
        unclean = skeletons.get(skeleton)
        if unclean is None:
            unclean = unclean_strings(skeleton)
            if len(skeletons) >= MAX_SKELETONS:
                skeletons.clear()
            if len(skeleton) <= MAX_SKELETON_BYTES:
                skeletons[skeleton] = unclean
        if (
            0 <= at <= latest
            and at <= MAX_MS
            and record.key == signal.account.encode()
            and not record.headers
            and (
                unclean == texts
                or (unclean == texts + _NEARLY and not _begins_like_url(value))
                or all(map(is_id, filter(None, refs_of(signal))))
            )
        ):
            return signal
        return inspect(record)

    return decode


def unclean_strings(skeleton: bytes) -> int:
    """How many strings of a JSON text aren't certainly ids, told from its skeleton; -1: not sure.

    `_NEARLY` is added where that also needs the look for URLs.
    """
    if b"\\" in skeleton:
        return _NOT_SURE
    # Split at the quotes, every other piece is the inside of a string.
    insides = [inside for inside in skeleton.split(b'"')[1::2] if inside not in (b"", b".")]
    nearly = [inside for inside in insides if inside in _NEARLY_CLEAN]
    return len(insides) - len(nearly) + (_NEARLY if nearly else 0)


def _wire_type(field: Field) -> Any:
    if field.type is FieldType.NUMBER:
        return Annotated[float, msgspec.Meta(ge=field.low, le=field.high)]
    if field.values is None:
        return _TYPES[field.type]
    if not field.values:  # Literal can't be empty
        return Annotated[tuple[str, ...], msgspec.Meta(max_length=0)]
    one_of: Any = Literal[field.values]  # known only now
    if field.type is FieldType.ENUM:
        return one_of
    return Annotated[tuple[one_of, ...], msgspec.Meta(max_length=MAX_LABELS)]
