"""The envelope around an answer that names no account: what the platform knows of the call.

Detectors answer about bytes. Who uploaded them, only the platform knows, so it sends both:
``{"account": …, "at": …, "content_ref": …, "surface": …, …, "answer": {as the detector gave it}}``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.adapters.foreign import Foreign, moment
from streams.adapters.making import Given
from streams.signals import Reason, Refused
from streams.signals.records import AI_GENERATED, SURFACES


class Context(msgspec.Struct):
    """What the platform says of the call; a shape inherits it and adds the `answer`."""

    account: str | int
    at: str | int
    id: str | int | None = None
    surface: str | None = None
    ai_generated: str | None = None
    act_at: str | int | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    device: str | None = None
    network: str | None = None
    end_user: str | None = None


_REFS = ("content_ref", "dataset_ref", "device", "network", "end_user")


def fields(context: Context, given: Given) -> dict[str, Any]:
    """The fields of a hit that the context gives, `account` and `at` among them."""
    _insist("surface", context.surface, SURFACES)
    _insist("ai_generated", context.ai_generated, AI_GENERATED)
    theirs = {name: getattr(context, name) for name in _REFS}
    return given.refs("moderation-hits", theirs) | {
        "account": given.ids.ref("account", context.account),
        "at": moment(context.at, "at"),
        "act_at": None if context.act_at is None else moment(context.act_at, "act_at"),
        "surface": context.surface,
        "ai_generated": context.ai_generated,
    }


def identity(context: Context, foreign: Foreign, given: Given) -> str | int:
    """The record's id there, or what stands for it."""
    return given.ids.of_body(foreign.value) if context.id is None else context.id


def _insist(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise Refused(Reason.UNDECLARED_VALUE, [name])
