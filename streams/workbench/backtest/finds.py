"""What one side found and did, in as little memory as telling it takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from streams.engine.outbox import Output
from streams.patterns import RuleSet
from streams.patterns.pattern import LIVE
from streams.signals.times import parse_ms


class Find(msgspec.Struct, gc=False):
    """One detection. `group` is the value of its second group field; `at` is ms since the epoch.

    `action` is what was done about it, None if nothing was.
    """

    id: str
    pattern: str
    account: str
    group: str
    at: int
    live: bool
    action: str | None = None


class _Detection(msgspec.Struct, gc=False):
    id: str
    pattern: str
    account: str
    mode: str
    at: str
    values: dict[str, str | int | float]
    retracts: str | None = None


class _Enforcement(msgspec.Struct, gc=False):
    id: str
    action: str
    detections: tuple[str, ...]


_detection = msgspec.json.Decoder(_Detection).decode
_enforcement = msgspec.json.Decoder(_Enforcement).decode


class Finds:
    """The detections of a rule set, and which of them each decision was about.

    What was taken back (`unless`, and what prevents it came late) was not found. Grows with what is
    found, not with what is read.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self.by_id: dict[str, Find] = {}
        self.decisions: dict[str, str] = {}
        """Id of an enforcement record → id of the detection it was for."""
        self.refused = 0
        """Records that were dead-lettered."""
        self._groups: Mapping[str, str | None] = {p.id: p.group for p in ruleset.patterns}

    def take(self, output: Output) -> None:
        """Note what an output says."""
        if output.topic == "detections":
            self._take(_detection(output.value))
        elif output.topic == "enforcement":
            done = _enforcement(output.value)
            for detection in done.detections:
                find = self.by_id.get(detection)
                if find is not None:  # else it undoes what has been taken back
                    self.decisions[done.id] = detection
                    find.action = done.action
        elif output.topic == "dead-letters":
            self.refused += 1

    def _take(self, found: _Detection) -> None:
        if found.retracts is not None:
            self.by_id.pop(found.retracts, None)
            return
        group = self._groups[found.pattern]
        self.by_id[found.id] = Find(
            found.id,
            found.pattern,
            found.account,
            str(found.values[group]) if group else "",
            parse_ms(found.at),
            found.mode == LIVE,
        )

    def add(self, other: Finds, patterns: Collection[str]) -> None:
        """Count what another rule set found with these patterns as found by this one, too."""
        for id_, find in other.by_id.items():
            if find.pattern in patterns:
                self.by_id[id_] = find
        for decision, id_ in other.decisions.items():
            about = other.by_id.get(id_)
            if about is not None and about.pattern in patterns:
                self.decisions[decision] = id_
