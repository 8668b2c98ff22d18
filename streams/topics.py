"""The one table of all topics: what is on them, who writes them, and how Kafka keeps them.

A topic's name in Kafka is prefix + name. All have the same partition count, because a worker owns
the same partition numbers of all of them. Settings are written as strings, as Kafka reports them.

Kafka deletes by record timestamp: signals back-filled from longer ago than a topic's retention
vanish within minutes of being written. The topics signals come in on therefore keep 45 days, more
than the longest window of the shipped rules; `vigil doctor` compares it with yours. What goes from
agent to agent has the timestamp of its cause, and is kept as long.
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


class Party(StrEnum):
    """Who logs in to Kafka, each as a principal of its own; what each may do: `streams.admin.acls`.

    Who may write a hit or a review decides who can get an account suspended. So each topic has
    one writer, and what has been decided has one author: the workers.
    """

    PLATFORM = "platform"  # tells what accounts do
    MODERATION = "moderation"  # tells what was found
    REVIEWERS = "reviewers"  # the tool in which people decide
    OPERATORS = "operators"  # vigil release, void, undo, snooze, erase
    PUBLISHERS = "publishers"  # vigil rules publish
    WORKERS = "workers"  # vigil run
    ENFORCERS = "enforcers"  # do to accounts what was decided
    REPORTERS = "reporters"  # take drafts to the authorities
    WATCHERS = "watchers"  # on call: vigil doctor, tap, backtest; write nothing


class Role(StrEnum):
    """Where a topic stands in the picture of DESIGN.md."""

    IN = "in"
    BETWEEN = "between"
    OUT = "out"
    STATE = "state"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `key` says what its records are keyed by, `writer` who alone may write it, `readers` who may
    read it besides the workers.
    """

    name: str
    role: Role
    key: str
    writer: Party
    about: str
    config: Mapping[str, str] = field(default_factory=dict)
    readers: tuple[Party, ...] = ()

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

_WATCHED = (Party.WATCHERS,)
_DECIDED = (Party.REVIEWERS, Party.OPERATORS, Party.WATCHERS)


def _in(name: str, writer: Party, about: str, *, key: str = "account") -> Topic:
    return Topic(name, Role.IN, key, writer, about, _kept(45), _WATCHED)


def _between(name: str, key: str, about: str) -> Topic:
    return Topic(name, Role.BETWEEN, key, Party.WORKERS, about, _kept(45))


def _out(
    name: str, about: str, days: int, readers: tuple[Party, ...], *, key: str = "account"
) -> Topic:
    return Topic(name, Role.OUT, key, Party.WORKERS, about, _kept(days), readers)


def _state(agent: str, readers: tuple[Party, ...] = ()) -> Topic:
    about = f"the {agent} agent's state"
    return Topic(f"{agent}-state", Role.STATE, "state key", Party.WORKERS, about, _STATE, readers)


TABLE: tuple[Topic, ...] = (
    _in("activity", Party.PLATFORM, "what accounts do"),
    _in("moderation-hits", Party.MODERATION, "what moderation found"),
    _in("reviews", Party.REVIEWERS, "what a person decided"),
    _in("account-commands", Party.OPERATORS, "snooze, erase, confirm, retract"),
    _in("pattern-commands", Party.OPERATORS, "release, void, undo, resume", key="pattern"),
    _between("entity-signals", "entity", "an account met an entity"),
    _between("account-signals", "account", "what others say of an account"),
    _between("proposals", "pattern", "actions awaiting a verdict"),
    _out("detections", "every pattern that fired", 90, _DECIDED),
    _out("enforcement", "what to do to whom", 400, (Party.ENFORCERS, *_DECIDED)),
    _out("review-queue", "what needs a person", 90, _DECIDED),
    _out("reports", "drafts for authorities", 400, (Party.REPORTERS,)),
    _out(
        "dead-letters",
        "what was refused, and why",
        45,
        (Party.OPERATORS, Party.WATCHERS),
        key="source topic/partition",
    ),
    _state("accounts"),
    _state("entities"),
    # Commands look at what is held before they release or void it.
    _state("governor", (Party.OPERATORS,)),
    Topic(
        "rules",
        Role.RULES,
        "rule set",
        Party.PUBLISHERS,
        "published rule sets",
        _RULES,
        (Party.PUBLISHERS, Party.WATCHERS),
    ),
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


def transactional_id(agent: str, partition: int, prefix: str = "") -> str:
    """The fixed transactional id under which one partition of an agent is committed."""
    return f"{prefix}vigil.{agent}.{partition}"


def repartition_id(prefix: str = "") -> str:
    """The transactional id of `vigil topics repartition`."""
    return f"{prefix}vigil.repartition"
