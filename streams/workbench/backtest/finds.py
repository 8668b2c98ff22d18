"""What one side found and did, in as little memory as telling it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from streams.engine.outbox import Output
from streams.patterns import RuleSet
from streams.patterns.pattern import LIVE
from streams.signals.times import parse_ms

DAY_MS = 86_400_000
GRANTED = "granted"


class Find(msgspec.Struct, gc=False):
    """One detection. `group` is the entity it is about, or the value of its second group field.

    `at` is ms since the epoch, `action` what was done about it last, None if nothing was.
    """

    id: str
    pattern: str
    account: str
    group: str
    at: int
    live: bool
    action: str | None = None


class Proposed(msgspec.Struct, gc=False):
    """One action that was proposed (`at` in ms). `verdict` is `GRANTED`, or what held it."""

    pattern: str
    action: str
    at: int
    verdict: str = ""


class Detection(msgspec.Struct, gc=False):
    """What is needed of a record on `detections`."""

    id: str
    pattern: str
    account: str
    mode: str
    at: str
    values: dict[str, str | int | float | bool]
    entity: str | None = None
    retracts: str | None = None


class Enforcement(msgspec.Struct, gc=False):
    """What is needed of a record on `enforcement`."""

    id: str
    action: str
    detections: tuple[str, ...]
    undoes: str | None = None


class Proposal(msgspec.Struct, gc=False):
    """What is needed of a record on `proposals`."""

    id: str
    pattern: str
    kind: str
    action: str = ""
    detections: tuple[str, ...] = ()


class Item(msgspec.Struct, gc=False):
    """What is needed of a record on `review-queue`."""

    reason: str
    proposal: str
    held_by: str | None = None


_STRUCTS: Mapping[str, type[Detection | Enforcement | Proposal | Item]] = MappingProxyType(
    {
        "detections": Detection,
        "enforcement": Enforcement,
        "proposals": Proposal,
        "review-queue": Item,
    }
)
_DECODE = {topic: msgspec.json.Decoder(struct).decode for topic, struct in _STRUCTS.items()}


class Finds:
    """The detections of a rule set, what was proposed because of them, and what came of that.

    What was taken back (`unless`, and what prevents it came late) was not found. Grows with what is
    found, not with what is read.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self.by_id: dict[str, Find] = {}
        self.decisions: dict[str, str] = {}
        """Id of a proposal, and of the enforcement it becomes → id of the detection it was for."""
        self.proposed: dict[str, Proposed] = {}
        self.queue: Counter[tuple[int, str]] = Counter()
        """Items of the review queue by day and reason."""
        self._groups = {pattern.id: pattern.group for pattern in ruleset.patterns}

    def take(self, output: Output) -> None:
        """Note what an output tells, if it tells of a find."""
        decode = _DECODE.get(output.topic)
        if decode is None:
            return
        told = decode(output.value)
        if isinstance(told, Detection):
            self._detection(told)
        elif isinstance(told, Enforcement):
            self._enforcement(told)
        elif isinstance(told, Item):
            self.queue[output.ts // DAY_MS, told.reason] += 1
            if told.reason == "held":
                self.proposed[told.proposal].verdict = told.held_by or ""
        elif told.kind == "propose":
            self.proposed[told.id] = Proposed(told.pattern, told.action, output.ts)
            for detection in told.detections:
                self.decisions[told.id] = detection

    def _detection(self, told: Detection) -> None:
        if told.retracts is not None:
            self.by_id.pop(told.retracts, None)
            return
        group = self._groups.get(told.pattern)
        self.by_id[told.id] = Find(
            told.id,
            told.pattern,
            told.account,
            told.entity or (str(told.values[group]) if group else ""),
            parse_ms(told.at),
            told.mode == LIVE,
        )

    def _enforcement(self, told: Enforcement) -> None:
        if told.undoes is not None:
            return
        self.proposed[told.id].verdict = GRANTED
        for detection in told.detections:
            find = self.by_id.get(detection)
            if find is not None:  # else it was taken back meanwhile
                find.action = told.action
