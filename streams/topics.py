"""The one table of all topics: what is on them, who writes them, and how Kafka keeps them.

A topic's name in Kafka is prefix + name. All have the same partition count, because a worker owns
the same partition numbers of all of them. Settings are written as strings, as Kafka reports them.

Kafka deletes by record timestamp: signals back-filled from longer ago than a topic's retention
vanish within minutes of being written. The topics signals come in on therefore keep 45 days, more
than the longest window of the shipped rules; `vigil doctor` compares it with yours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

DEFAULT_PARTITIONS = 12
DEFAULT_REPLICATION = 1

MAX_RECORD_BYTES = 1_048_588
"""Kafka's own default for `max.message.bytes`; a state record is at most 256 KiB."""

_DAY_MS = 86_400_000


class Role(StrEnum):
    """Where a topic stands in the picture of DESIGN.md."""

    IN = "in"
    BETWEEN = "between"
    OUT = "out"
    STATE = "state"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `key` says what its records are keyed by, `writer` who alone may write it."""

    name: str
    role: Role
    key: str
    writer: str
    about: str
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def compacted(self) -> bool:
        """Whether Kafka keeps the last record of each key for ever."""
        return self.config.get("cleanup.policy") == "compact"


def _kept(days: int) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "cleanup.policy": "delete",
            "retention.ms": str(days * _DAY_MS),
            "message.timestamp.type": "CreateTime",
        }
    )


# Small segments and a low dirty ratio keep a restore short: only closed segments are compacted.
# Tombstones stay a day, so that a reader that was away still sees what was erased.
_STATE = MappingProxyType(
    {
        "cleanup.policy": "compact",
        "segment.bytes": "67108864",
        "segment.ms": "3600000",
        "min.cleanable.dirty.ratio": "0.2",
        "max.compaction.lag.ms": "86400000",
        "delete.retention.ms": "86400000",
        "message.timestamp.type": "CreateTime",
    }
)
_RULES = MappingProxyType({"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"})

_PLATFORM = "the platform"
_VIGIL = "Vigil"

TABLE: tuple[Topic, ...] = (
    Topic("activity", Role.IN, "account", _PLATFORM, "what accounts do", _kept(45)),
    Topic("moderation-hits", Role.IN, "account", "moderation", "what moderation found", _kept(45)),
    Topic("reviews", Role.IN, "account", "reviewers' tools", "what a person decided", _kept(45)),
    Topic(
        "account-commands",
        Role.IN,
        "account",
        "operators",
        "snooze, erase, confirm, retract",
        _kept(45),
    ),
    Topic(
        "pattern-commands",
        Role.IN,
        "pattern",
        "operators",
        "release, void, undo, resume",
        _kept(45),
    ),
    Topic("entity-signals", Role.BETWEEN, "entity", _VIGIL, "an account met an entity", _kept(7)),
    Topic(
        "account-signals",
        Role.BETWEEN,
        "account",
        _VIGIL,
        "what others say of an account",
        _kept(7),
    ),
    Topic("proposals", Role.BETWEEN, "pattern", _VIGIL, "actions awaiting a verdict", _kept(45)),
    Topic("detections", Role.OUT, "account", _VIGIL, "every pattern that fired", _kept(90)),
    Topic("enforcement", Role.OUT, "account", _VIGIL, "what to do to whom", _kept(400)),
    Topic("review-queue", Role.OUT, "account", _VIGIL, "what needs a person", _kept(90)),
    Topic("reports", Role.OUT, "account", _VIGIL, "drafts for authorities", _kept(400)),
    Topic(
        "dead-letters",
        Role.OUT,
        "source topic/partition",
        _VIGIL,
        "what was refused, and why",
        _kept(45),
    ),
    Topic("accounts-state", Role.STATE, "state key", _VIGIL, "the accounts agent's state", _STATE),
    Topic("entities-state", Role.STATE, "state key", _VIGIL, "the entities agent's state", _STATE),
    Topic("governor-state", Role.STATE, "state key", _VIGIL, "the governor agent's state", _STATE),
    Topic("rules", Role.RULES, "rule set", "rule publishers", "published rule sets", _RULES),
)

BY_NAME: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in TABLE})


def full_name(name: str, prefix: str = "") -> str:
    """The name in Kafka of the topic `name` of the table. Raises `KeyError` for an unknown one."""
    return prefix + BY_NAME[name].name


def logical_name(full: str, prefix: str = "") -> str:
    """The table's name for Kafka's `full`. Raises `KeyError` if it is none of ours."""
    if not full.startswith(prefix):
        raise KeyError(full)
    return BY_NAME[full[len(prefix) :]].name


def group_id(prefix: str = "") -> str:
    """The one consumer group of all workers."""
    return f"{prefix}vigil"


def worker_group(worker_id: str, prefix: str = "") -> str:
    """The group without members by whose offset a worker signs for its name."""
    return f"{prefix}vigil.worker.{worker_id}"
