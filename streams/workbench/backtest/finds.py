"""What one side found and did, in as little memory as telling it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


class Detection(msgspec.Struct, gc=False):
    """What is needed of a record on `detections`."""

    id: str
    pattern: str
    title: str
    account: str
    mode: str
    at: str
    values: dict[str, str | int | float | bool]
    retracts: str | None = None


class Enforcement(msgspec.Struct, gc=False):
    """What is needed of a record on `enforcement`."""

    id: str
    action: str
    detections: tuple[str, ...]


_DECODERS: Mapping[str, Callable[[bytes], Detection | Enforcement]] = {
    "detections": msgspec.json.Decoder(Detection).decode,
    "enforcement": msgspec.json.Decoder(Enforcement).decode,
}


def read(output: Output) -> Detection | Enforcement | None:
    """An output that tells of a find; None for any other."""
    decode = _DECODERS.get(output.topic)
    return None if decode is None else decode(output.value)


class Finds:
    """The detections of a rule set, and which of them each decision was about.

    What was taken back (`unless`, and what prevents it came late) was not found. Grows with what is
    found, not with what is read.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self.by_id: dict[str, Find] = {}
        self.decisions: dict[str, str] = {}
        """Id of an enforcement record → id of the detection it was for."""
        self._groups = {pattern.id: pattern.group for pattern in ruleset.patterns}

    def take(self, told: Detection | Enforcement) -> None:
        """Note what an output tells."""
        if isinstance(told, Enforcement):
            for detection in told.detections:
                find = self.by_id.get(detection)
                if find is not None:  # else it undoes what has been taken back
                    self.decisions[told.id] = detection
                    find.action = told.action
            return
        if told.retracts is not None:
            self.by_id.pop(told.retracts, None)
            return
        group = self._groups[told.pattern]
        self.by_id[told.id] = Find(
            told.id,
            told.pattern,
            told.account,
            str(told.values[group]) if group else "",
            parse_ms(told.at),
            told.mode == LIVE,
        )
