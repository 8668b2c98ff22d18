"""The one table of input records: which fields a topic's records have and what may stand in them.

Meanings are CONTRACT.md's 'Records'. A new input topic is one more entry in `TOPICS`, or, where no
rule may read it, in `COMMANDS`; nothing else here has to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

import msgspec

from streams.signals.ids import MAX_ID_CHARS


class Record(msgspec.Struct, gc=False):
    """One checked record. Subclasses are made per topic and schema, an attribute per field.

    An absent optional field is None, absent labels are (). Times are int ms since the epoch.
    """

    topic: ClassVar[str]
    id: str
    at: int


class Signal(Record, gc=False):
    """A record about an account, which is its key."""

    account: str


class FieldType(StrEnum):
    """What a field's values are; there is no text type."""

    REF = "ref"  # an id, see `streams.signals.ids`
    REFS = "refs"  # a list from a closed list
    ENUM = "enum"  # one of a closed list
    NUMBER = "number"  # a finite 64-bit float
    BOOL = "bool"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one topic's records.

    `values` is the closed list of an enum or of labels, None where any value of the type will do.
    `listed` is the key in the topic's section of the schema file that adds to `values`, or, where
    `values` is None, turns the field into an enum; `listed_by` is the topic whose section that is,
    None for its own. `low` and `high` bound a number, inclusive, `longest` the characters of a ref.
    `ahead` lets a time lie in the future. `needed_for` are values of the record's `kind` for which
    the field must be there.
    """

    name: str
    type: FieldType
    required: bool = False
    values: tuple[str, ...] | None = None
    listed: str | None = None
    listed_by: str | None = None
    low: float | None = None
    high: float | None = None
    longest: int = MAX_ID_CHARS
    ahead: bool = False
    needed_for: tuple[str, ...] = ()


KINDS = (
    "account.created",
    "account.closed",
    "account.age_signal",
    "login.succeeded",
    "login.failed",
    "credentials.changed",
    "payment.added",
    "prompt.submitted",
    "prompt.refused",
    "image.generated",
    "video.generated",
    "text.generated",
    "upload.created",
    "finetune.created",
    "dataset.created",
    "message.sent",
    "content.shared",
    "report.filed",
    "appeal.filed",
    "api_key.created",
)
CATEGORIES = (
    "csam",
    "csem",
    "grooming",
    "sextortion",
    "solicitation",
    "sexualisation_of_minor",
    "ncii",
    "violence",
    "self_harm",
    "hate",
    "terrorism",
    "fraud",
    "spam",
    "policy_other",
)
SURFACES = ("input", "output", "upload", "message", "training_dataset", "finetune_upload")
SOURCES = ("hash_match", "classifier", "user_report", "trusted_flagger", "human")
VERDICTS = ("confirmed", "match", "suspected")
AGE_BANDS = ("minor", "teen", "adult", "unknown")
AI_GENERATED = ("yes", "no", "unknown")
VERDICTS_ON_ACTIONS = ("granted", "held", "voided", "undone")
"""What became of a proposed action, as an account is told."""
ACCOUNT_SIGNALS = (*VERDICTS_ON_ACTIONS, "entity", "content", "reporter")
"""`kind` of an account-signal: `entity` and `content` are what an entity the account met is found to
be, `reporter` is who reported the account, and with what."""
ACTIONS = (
    "prevention.message",
    "warn",
    "restrict",
    "suspend",
    "credentials.lock",
    "protect",
    "content.remove",
    "dataset.quarantine",
    "preserve",
    "expire",
    "undo",
)
SEVERITIES = ("informational", "low", "medium", "high", "critical")
MODES = ("live", "shadow")
MAX_ENTITY_CHARS = 2 * MAX_ID_CHARS + 1
"""``TYPE:REF``, an entity's type and a reference."""
ACCOUNT_COMMANDS = ("snooze", "erase", "confirm", "retract")
ACCOUNT_REASONS = (
    "person_request",
    "legal_order",
    "appeal",
    "investigation",
    "research",
    "reviewed",
    "mistaken",
    "drill",
    "other",
)
PATTERN_COMMANDS = ("release", "void", "undo", "resume")
PATTERN_REASONS = (
    "reviewed",
    "mistaken",
    "wrong_pattern",
    "expected_surge",
    "policy_change",
    "drill",
    "other",
)


def _ref(name: str, *, required: bool = False, listed: str | None = None) -> Field:
    return Field(name, FieldType.REF, required=required, listed=listed)


def _enum(
    name: str, values: tuple[str, ...], *, required: bool = False, listed: str | None = None
) -> Field:
    return Field(name, FieldType.ENUM, required=required, values=values, listed=listed)


_ID = _ref("id", required=True)
_ACCOUNT = _ref("account", required=True)
_AT = Field("at", FieldType.TIME, required=True)

TOPICS: Mapping[str, tuple[Field, ...]] = MappingProxyType(
    {
        "activity": (
            _ID,
            _ACCOUNT,
            _enum("kind", KINDS, required=True, listed="kinds"),
            _AT,
            _enum("surface", SURFACES),
            _ref("device"),
            _ref("network"),
            _ref("payment"),
            _ref("content_ref"),
            _ref("dataset_ref"),
            _ref("peer"),
            _ref("session"),
            _ref("end_user"),
            _ref("model", listed="models"),
            _enum("age_band", AGE_BANDS),
            _enum("peer_age_band", AGE_BANDS),
            Field("labels", FieldType.REFS, values=(), listed="labels"),
        ),
        "moderation-hits": (
            _ID,
            _ACCOUNT,
            _AT,
            _enum("source", SOURCES, required=True),
            _enum("category", CATEGORIES, required=True, listed="categories"),
            _enum("verdict", VERDICTS, required=True),
            Field("act_at", FieldType.TIME),
            Field("score", FieldType.NUMBER, low=0.0, high=1.0),
            _enum("surface", SURFACES),
            _enum("ai_generated", AI_GENERATED),
            _ref("content_ref"),
            _ref("dataset_ref"),
            _ref("detector", listed="detectors"),
            _ref("detector_version"),
            _ref("device"),
            _ref("network"),
            _ref("end_user"),
            _ref("reporter"),
        ),
        "reviews": (
            _ID,
            _ACCOUNT,
            _AT,
            _ref("decision", required=True),
            _ref("stage", required=True, listed="stages"),
            _ref("outcome", required=True, listed="outcomes"),
            _ref("reviewer", required=True),
            Field("viewed", FieldType.BOOL),
            _ref("content_ref"),
        ),
        "account-signals": (
            _ID,
            _ACCOUNT,
            _AT,
            _enum("kind", ACCOUNT_SIGNALS, required=True),
            _enum("action", ACTIONS),
            Field(
                "harm",
                FieldType.ENUM,
                values=CATEGORIES,
                listed="categories",
                listed_by="moderation-hits",
            ),
            _ref("pattern"),
            _ref("version"),
            _ref("proposal"),
            _ref("decision"),
            _ref("detection"),
            Field("entity", FieldType.REF, longest=MAX_ENTITY_CHARS),
            _ref("content_ref"),
            _ref("dataset_ref"),
            _ref("hit"),
            _enum("severity", SEVERITIES),
            _enum("mode", MODES),
            _ref("reviewer"),
            _ref("end_user"),
            _ref("reporter"),
            _ref("device"),
            _ref("payment"),
            Field("created", FieldType.TIME),
        ),
    }
)

DERIVED = frozenset({"account-signals"})
"""Topics only Vigil itself writes: what is on them follows from input, so nobody adds to their
fields, and nothing about an entity may be decided from them."""

COMMANDS: Mapping[str, tuple[Field, ...]] = MappingProxyType(
    {
        "account-commands": (
            _ID,
            _ACCOUNT,
            _enum("kind", ACCOUNT_COMMANDS, required=True),
            Field("target", FieldType.REF, needed_for=("confirm", "retract")),
            Field("until", FieldType.TIME, ahead=True, needed_for=("snooze",)),
            _ref("reviewer", required=True),
            _AT,
            _enum("reason", ACCOUNT_REASONS, required=True, listed="reasons"),
        ),
        "pattern-commands": (
            _ID,
            _ref("pattern", required=True),
            _enum("kind", PATTERN_COMMANDS, required=True),
            _ref("target", required=True),
            _ref("reviewer", required=True),
            _AT,
            _enum("reason", PATTERN_REASONS, required=True, listed="reasons"),
        ),
    }
)
"""Topics on which persons tell Vigil what to do: no rule may read them."""

INPUTS: Mapping[str, tuple[Field, ...]] = MappingProxyType({**TOPICS, **COMMANDS})
"""All of them."""


_KEYED_BY_PATTERN = frozenset({"pattern-commands", "proposals"})


def key_field(topic: str) -> str:
    """The field that is the key of a topic's records, also of those agents write each other."""
    return "pattern" if topic in _KEYED_BY_PATTERN else "account"


ENTITIES: Mapping[str, str] = MappingProxyType(
    {
        name: name
        for name in ("device", "payment", "network", "content_ref", "dataset_ref", "detector")
    }
)
"""Entity type → the reference field that names it; the schema file may add more."""

WITH_ATTRIBUTES = frozenset({"activity"})
"""Topics whose records may carry attributes declared in the schema file."""
