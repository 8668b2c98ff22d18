"""Input records as adapters make them: plain dicts, fields that are None left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.adapters.dictionary import Dictionary
from streams.adapters.foreign import Foreign
from streams.adapters.pseudonyms import Pseudonyms
from streams.signals import Schema
from streams.signals.records import FieldType


class Made(NamedTuple):
    """A record for an input topic (logical name), not checked yet."""

    topic: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What an adapter is given beside the record."""

    ids: Pseudonyms
    words: Dictionary
    schema: Schema

    def refs(self, topic: str, theirs: Mapping[str, object]) -> dict[str, str]:
        """Of their values by our field names those that are references of `topic`, as ids."""
        fields = self.schema.fields(topic)
        return {
            name: self.ids.ref(name, value)
            for name, value in theirs.items()
            if name in fields
            and fields[name].type is FieldType.REF
            and isinstance(value, str | int)
            and not isinstance(value, bool)
        }


Incoming = Callable[[Foreign, Given], list[Made]]
"""An adapter of what comes in: raises `Refused`; an empty list is a record that says nothing here."""


def hits(
    given: Given,
    *,
    source_id: tuple[str, object],
    account: str,
    at: str,
    categories: Iterable[str],
    **fields: object,
) -> list[Made]:
    """A hit per category; `source_id` is the source's short name and the record's id there."""
    where, theirs = source_id
    return [
        made(
            "moderation-hits",
            id=given.ids.event(where, f"{theirs}.{category}"),
            account=account,
            at=at,
            category=category,
            **fields,
        )
        for category in sorted(set(categories))
    ]


def made(topic: str, **fields: object) -> Made:
    """A record of `topic`."""
    return Made(topic, {name: value for name, value in fields.items() if value is not None})
