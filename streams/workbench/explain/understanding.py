"""Reading what Vigil itself said: the records, and nothing in them that Vigil would not say.

A recording is anybody's, and what is told of it is read by moderators: only ids, closed lists,
numbers and times get through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from streams.agents.known_material import REMOVAL, ZERO_TOLERANCE
from streams.patterns.correlation_types import TYPES
from streams.patterns.metadata import LEVELS
from streams.patterns.pattern import LIVE, SHADOW
from streams.policy import Why
from streams.records import (
    ACTIONS,
    HELD_BY,
    OUTPUT_ID_CHARS,
    AccountSignal,
    Detection,
    Enforcement,
    Proposal,
    ReviewItem,
)
from streams.signals import Schema
from streams.signals.ids import is_id
from streams.signals.records import MAX_ENTITY_CHARS
from streams.signals.times import parse_ms

Said = Detection | Enforcement | ReviewItem | Proposal | AccountSignal

TOPICS: Mapping[str, type[Said]] = MappingProxyType(
    {
        "detections": Detection,
        "enforcement": Enforcement,
        "review-queue": ReviewItem,
        "proposals": Proposal,
        "account-signals": AccountSignal,
    }
)
"""Topics of Vigil's own that are understood here. Entity-signals only repeat what came in."""

BUILT_IN = MappingProxyType({rule.id: rule for rule in (ZERO_TOLERANCE, REMOVAL)})

_DECODE: Mapping[str, Callable[[bytes], Said]] = {
    topic: msgspec.json.Decoder(struct).decode for topic, struct in TOPICS.items()
}
_DIGEST = re.compile(r"[a-z2-7]{8,32}\Z").match
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z").match
_ID = re.compile(rf"[a-z2-7]{{{OUTPUT_ID_CHARS}}}\Z").match
_QUANTITIES = ("rules", "threshold", "capped", "waited_s", "crowd", "joined", "condition")
"""What a detection's values may name beside fields and types of correlations."""
_REFS = ("end_user", "content_ref", "dataset_ref", "hit", "reviewer")
_IDS = ("retracts", "undoes", "proposal", "decision", "detection")
_KINDS = ("granted", "held", "voided", "undone", "entity", "content")
_WHYS = frozenset(Why)


def is_output_id(text: str) -> bool:
    """Whether it has the form of ids Vigil gives."""
    return _ID(text) is not None


class Understanding:
    """From a record of a topic to what it says, None for what Vigil would not say.

    The title and a condition in words are emptied; they are the rule set's to tell.
    """

    def __init__(self, schema: Schema) -> None:
        self._harms = frozenset(schema.fields("moderation-hits")["category"].values or ())
        fields = {name for topic in schema.topics for name in schema.fields(topic)}
        self._quantities = frozenset((*fields, *TYPES, *_QUANTITIES))

    def __call__(self, topic: str, value: bytes) -> Said | None:
        """The record of a topic."""
        decode = _DECODE.get(topic)
        if decode is None:
            return None
        try:
            said = decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        if isinstance(said, Detection):
            said.title = ""
            said.values.pop("condition", None)
            sound = self._detection(said)
        elif isinstance(said, Proposal):
            sound = said.kind == "propose"  # the other kinds only repeat reviews
        else:
            sound = True
        return said if sound and self._is_sound(said) else None

    def _detection(self, said: Detection) -> bool:
        texts = [value for value in said.values.values() if isinstance(value, str)]
        return (
            said.mode in (LIVE, SHADOW)
            and said.values.keys() <= self._quantities
            and all(map(is_id, (*said.evidence, *texts)))
            and all(map(_ID, said.derived or ()))
            and _is_time(said.window.start)
            and _is_time(said.window.end)
        )

    def _is_sound(self, said: Said) -> bool:
        """What records have in common: who, what, when, and on whose word."""

        def each(*names: str) -> list[Any]:
            return [one for name in names if (one := getattr(said, name, None)) is not None]

        detections = getattr(said, "detections", ())
        return (
            all(map(_ID, (said.id, *detections, *each(*_IDS))))
            and all(map(_UUID, each("pattern")))
            and all(map(_is_version, each("version")))
            and all(map(_DIGEST, each("ruleset", "policy")))
            and all(one in LEVELS for one in each("severity"))
            and all(one in self._harms for one in each("harm"))
            and all(map(is_id, (said.account, *each(*_REFS))))
            and all(is_id(one, MAX_ENTITY_CHARS) for one in each("entity"))
            and all(map(_is_time, each("at", "expires_at", "due_at")))
            and all(one in ACTIONS for one in each("action", "after"))
            and all(one in _WHYS for one in each("why"))
            and all(one in HELD_BY for one in each("held_by"))
            and all(one in ("fully", "partially", "not") for one in each("automated"))
            and (not isinstance(said, AccountSignal) or said.kind in _KINDS)
        )


def _is_version(text: str) -> bool:
    return _DIGEST(text) is not None or any(text == rule.version for rule in BUILT_IN.values())


def _is_time(text: str) -> bool:
    try:
        parse_ms(text)
    except ValueError:
        return False
    return True
