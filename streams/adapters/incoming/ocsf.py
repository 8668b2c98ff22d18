"""OCSF events: findings of other detectors, and what an identity provider logs.

- Detection Finding (class 2004): a suspected hit for each of `finding_info.types` that the dictionary
  has a category for, unless the finding is suppressed or deleted. Its account is the first user
  among `evidences` (`user`, `actor.user`), else a resource of the type Account or User.
- Authentication (3002), logon: `login.succeeded` or `login.failed` by `status_id`.
- Account Change (3001): created, deleted, password or factor changed.
Other classes and activities say nothing here, and neither do Vigil's own findings, which would
otherwise come back as evidence. Format: ocsf/ocsf-schema at a5cfc68 (1.9.0-dev), the same since 1.0
for what is read.

Accounts are `user.uid`; a user without one is named by `user.name`, replaced whatever its shape.
`src_endpoint.ip` becomes a pseudonym of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, missing, reader
from streams.adapters.making import Given, Made, hits, made
from streams.signals import Reason, Refused
from streams.signals.times import MAX_MS, format_ms

VENDOR = "Vigil"
"""The product name in findings of ours."""

_LOGON = 1
_LOGINS = MappingProxyType({1: "login.succeeded", 2: "login.failed"})
_CHANGES = MappingProxyType(
    {
        1: "account.created",
        3: "credentials.changed",  # password changed
        4: "credentials.changed",  # password reset
        6: "account.closed",
        10: "credentials.changed",  # factor enabled
        11: "credentials.changed",  # factor disabled
    }
)
_DISMISSED = frozenset({3, 6})  # suppressed, deleted
_CLOSE = 3
_ACCOUNTS = frozenset({"account", "user"})


class _User(msgspec.Struct):
    uid: str | None = None
    name: str | None = None


class _Actor(msgspec.Struct):
    user: _User | None = None


class _Evidence(msgspec.Struct):
    user: _User | None = None
    actor: _Actor | None = None


class _Resource(msgspec.Struct):
    uid: str | None = None
    type: str = ""


class _Endpoint(msgspec.Struct):
    uid: str | None = None
    ip: str | None = None


class _Info(msgspec.Struct):
    uid: str
    types: tuple[str, ...] = ()


class _Product(msgspec.Struct):
    name: str = ""


class _Metadata(msgspec.Struct):
    product: _Product
    uid: str | None = None


class _Event(msgspec.Struct):
    class_uid: int
    activity_id: int
    time: int
    metadata: _Metadata
    status_id: int = 0
    finding_info: _Info | None = None
    evidences: tuple[_Evidence, ...] = ()
    resources: tuple[_Resource, ...] = ()
    user: _User | None = None
    device: _Endpoint | None = None
    src_endpoint: _Endpoint | None = None


_read: Any = reader(_Event)


def adapt(foreign: Foreign, given: Given) -> list[Made]:
    """Return hits of a finding, or the activity of a login or a change of an account."""
    event: _Event = _read(foreign.value)
    if not 0 <= event.time <= MAX_MS:
        raise Refused(Reason.MALFORMED_TIME, ["time"])
    match event.class_uid:
        case 2004:
            return _finding(event, given)
        case 3002 if event.activity_id == _LOGON:
            return _activity(event, foreign, given, _LOGINS.get(event.status_id))
        case 3001:
            return _activity(event, foreign, given, _CHANGES.get(event.activity_id))
        case _:
            return []


def _finding(event: _Event, given: Given) -> list[Made]:
    info = event.finding_info
    if info is None:
        raise missing("finding_info")
    closed = event.activity_id == _CLOSE or event.status_id in _DISMISSED
    named = map(given.words.category, info.types)
    categories = {category for category in named if category is not None}
    if closed or not categories or event.metadata.product.name == VENDOR:
        return []
    return hits(
        given,
        source_id=("ocsf", info.uid),
        account=_who(next(_users(event), None), given, "evidences"),
        at=format_ms(event.time),
        categories=categories,
        source="classifier",
        verdict="suspected",
        detector=given.ids.ref("detector", event.metadata.product.name or "ocsf"),
    )


def _users(event: _Event) -> Iterator[_User]:
    for evidence in event.evidences:
        if evidence.user is not None:
            yield evidence.user
        if evidence.actor is not None and evidence.actor.user is not None:
            yield evidence.actor.user
    for resource in event.resources:
        if resource.uid is not None and resource.type.casefold() in _ACCOUNTS:
            yield _User(uid=resource.uid)


def _activity(event: _Event, foreign: Foreign, given: Given, kind: str | None) -> list[Made]:
    if kind is None:
        return []
    device, source = event.device or _Endpoint(), event.src_endpoint or _Endpoint()
    return [
        made(
            "activity",
            id=given.ids.event("ocsf", event.metadata.uid or given.ids.of_body(foreign.value)),
            account=_who(event.user, given, "user"),
            kind=kind,
            at=format_ms(event.time),
            device=None if device.uid is None else given.ids.ref("device", device.uid),
            network=None if source.ip is None else given.ids.made("network", source.ip),
        )
    ]


def _who(user: _User | None, given: Given, name: str) -> str:
    if user is not None and user.uid is not None:
        return given.ids.ref("account", user.uid)
    if user is not None and user.name is not None:
        return given.ids.made("account", user.name)
    raise missing(name)
