"""CloudEvents 1.0, structured (one JSON object) and binary (attributes in `ce_…` headers).

The event's `type` says what it is:
- ``vigil.TOPIC`` (`vigil.activity`, `vigil.moderation-hits`, …): the data is a record of that topic;
- a type in the dictionary's `kinds`: activity of that kind;
- a type in its `categories`: a hit of that category.
Others say nothing here. Of the data only fields of that topic are taken, each checked as every record
is; whatever else stands there stays outside. `account` may stand in the attribute `subject`, `at` in
`time`; the id of a record that isn't Vigil's own follows from the event's `source` and `id`.

In a file, a binary event is a line as `kcat -J` prints it, with `headers` and `payload`. Binary events
of Vigil's own types need no adapter: workers read their headers. Format: CloudEvents 1.0.2, its JSON
format and Kafka binding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, reader
from streams.adapters.making import Given, Made
from streams.signals import Reason, Refused
from streams.signals.records import FieldType

PREFIX = "vigil."
_HEADER = "ce_"


class _Event(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Printed(msgspec.Struct):
    """What `kcat -J` prints, as far as it is read."""

    payload: str | None = None
    headers: tuple[str | None, ...] = ()


_read: Any = reader(_Event)
_read_printed: Any = reader(_Printed)
_read_data: Any = reader(dict[str, Any])


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return the record an event carries, if its type is one that is known here."""
    event = _event(foreign)
    if not event.specversion.startswith("1."):
        raise Refused(Reason.UNDECLARED_VALUE, ["specversion"])
    own = event.type.removeprefix(PREFIX) if event.type.startswith(PREFIX) else None
    kind = given.words.kinds.get(event.type)
    category = given.words.category(event.type)
    if own in given.schema.topics:
        topic = own
    elif kind is not None:
        topic = "activity"
    elif category is not None:
        topic = "moderation-hits"
    else:
        return []
    record = _record(topic, _read_data(bytes(event.data)), given)
    if topic != own:
        name = given.ids.made("event", f"{event.source}\0{event.id}")
        record |= {"id": f"ce.{name}"}
        record |= {"kind": kind} if topic == "activity" else {"category": category}
    record.setdefault("id", given.ids.ref("id", event.id))
    if "account" not in record:
        if event.subject is None:
            raise missing("account")
        record["account"] = given.ids.ref("account", event.subject)
    if "at" not in record:
        if event.time is None:
            raise missing("at")
        record["at"] = event.time
    return [Made(topic, record)]


def _record(topic: str, data: dict[str, Any], given: Given) -> dict[str, Any]:
    """Those fields of the data that a record of the topic has, references as ids."""
    fields = given.schema.fields(topic)
    return {
        name: given.ids.ref(name, value)
        if fields[name].type is FieldType.REF and isinstance(value, str)
        else value
        for name, value in data.items()
        if name in fields
    }


def _event(foreign: Foreign) -> _Event:
    headers = {name: value.decode("utf-8", "replace") for name, value in foreign.headers.items()}
    # A structured event has headers, too: its content type, and whatever carried it.
    if any(name.lower().startswith(_HEADER) for name in headers):
        return _binary(headers, foreign.value)
    printed: _Printed = _read_printed(foreign.value)
    if printed.headers:
        names, values = printed.headers[::2], printed.headers[1::2]
        attributes = {str(name): value for name, value in zip(names, values, strict=False)}
        return _binary(attributes, (printed.payload or "").encode("utf-8", "replace"))
    found: _Event = _read(foreign.value)
    return found


def _binary(headers: Mapping[str, str | None], value: bytes) -> _Event:
    attributes = {
        name.lower().removeprefix(_HEADER): text or ""
        for name, text in headers.items()
        if name.lower().startswith(_HEADER)
    }
    for name in ("specversion", "id", "source", "type"):
        if name not in attributes:
            raise missing(f"{_HEADER}{name}")
    return _Event(
        specversion=attributes["specversion"],
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=attributes.get("subject"),
        time=attributes.get("time"),
        data=msgspec.Raw(value or b"{}"),
    )
