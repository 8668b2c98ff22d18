"""Which worker runs which rule set: how a worker tells it, and how others read it.

A worker signs for its name with an offset of a group of its own (`streams.engine.kafka.guard`).
That offset carries a text: what the worker runs, renewed at each switch. So it needs no topic, goes
stale with nobody's help, and can be read by whoever may describe groups. Whether a worker still
lives is told by the group all workers are in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from streams.admin.cluster import Cluster
from streams.topics import group_id, worker_group

# A broker keeps 4,096 bytes beside an offset unless told otherwise, and JSON may take six a character.
_SOURCE_CHARS = 100
_WHY_CHARS = 400


PUBLISHED = "published"


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself. Times are RFC 3339.

    `source` is `PUBLISHED`, or what names the local rules. `refused` is the current set where
    this worker can't run it, with the reason. `vigil` is its version, "" before it told.
    """

    ruleset: str
    since: str
    source: str = PUBLISHED
    refused: str | None = None
    refused_at: str | None = None
    why: str | None = None
    vigil: str = ""

    def note(self) -> str:
        """As text, short enough for a broker to keep."""
        said = msgspec.structs.replace(
            self, source=self.source[:_SOURCE_CHARS], why=self.why and self.why[:_WHY_CHARS]
        )
        return msgspec.json.encode(said).decode()


class State(StrEnum):
    """How a worker stands to the current rule set."""

    OK = "ok"  # it runs it
    BEHIND = "behind"  # it has not switched yet
    REFUSES = "refuses"  # it can't run it, and says why
    SILENT = "silent"  # it says nothing: an older Vigil, or one that has just started
    GONE = "gone"  # it is not in the group


WRONG = (State.BEHIND, State.REFUSES, State.SILENT)
"""A worker in one of these doesn't run what it should."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker: its name, whether it is in the group now, and what it said last."""

    name: str
    alive: bool
    running: Running | None

    def state(self, current: str | None) -> State:
        """How it stands to the current set, given by its hash."""
        if not self.alive:
            return State.GONE
        if self.running is None:
            return State.SILENT
        if current is None or self.running.ruleset == current:
            return State.OK
        return State.REFUSES if self.running.refused == current else State.BEHIND


def workers(cluster: Cluster, prefix: str) -> list[Worker]:
    """Every worker that is in the group or has left a word, by name.

    A broker forgets the word of one that is gone after `offsets.retention.minutes` (seven days).
    """
    known = cluster.group_ids()
    members = cluster.group_members(group_id(prefix)) if group_id(prefix) in known else []
    alive = {name for member in members if (name := member["group_instance_id"])}
    groups = {
        group.removeprefix(worker_group("", prefix)): group
        for group in known
        if group.startswith(worker_group("", prefix))
    }
    offsets = cluster.group_offsets(groups.values())
    said = {name: _read(offsets.get(group, {})) for name, group in groups.items()}
    return [Worker(name, name in alive, said.get(name)) for name in sorted(alive | said.keys())]


def _read(offsets: Mapping[Any, Any]) -> Running | None:
    """The newest word among a group's offsets; None where there is none that can be read."""
    found = []
    for offset in offsets.values():
        try:
            found.append(msgspec.json.decode(offset.metadata or "", type=Running))
        except (msgspec.MsgspecError, UnicodeError):
            continue  # an older Vigil says nothing
    return max(found, key=lambda one: max(one.since, one.refused_at or ""), default=None)
