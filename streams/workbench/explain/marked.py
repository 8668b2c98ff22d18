"""The moments of a time line, those marked that a detection rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.agents.known_material import REMOVAL
from streams.patterns import RuleSet
from streams.records import Detection, Enforcement
from streams.signals.times import parse_ms
from streams.workbench.explain.conditions import Explained
from streams.workbench.explain.moments import DECISION, DETECTION, Moment, signal_moment
from streams.workbench.explain.recorded import named_by
from streams.workbench.explain.records import Chain
from streams.workbench.explain.rerun import Rerun


def marked(
    again: Rerun, behind: Chain, explained: Explained | None, ruleset: RuleSet
) -> list[Moment]:
    """The signals as moments, marked where the detection rests on them, at once or in the end."""
    detection = behind.detection
    telling = explained.fields if explained else set[str]()
    derived = set(detection.derived or ())
    heard = [signal for signal in again.heard if signal.id in derived]
    causes = [link.cause for link in behind.links if link.cause is not None]
    found = []
    for signal in sorted((*again.signals, *heard), key=lambda signal: signal.at):
        moment = signal_moment(signal, telling)
        if signal.id in derived or _is_evidence(signal, detection, ruleset):
            moment.matched = explained.matched(signal) if explained else []
            moment.evidence = bool(moment.matched) or explained is None
        elif any(_is_evidence(signal, cause, ruleset) for cause in causes):
            moment.behind = True
        found.append(moment)
    return found


def _is_evidence(signal: Any, detection: Detection, ruleset: RuleSet) -> bool:
    if signal.id not in detection.evidence:
        return False
    start, end = parse_ms(detection.window.start), parse_ms(detection.window.end)
    # What is held may have been confirmed long before it turned up here.
    if not start <= signal.at <= end and detection.pattern != REMOVAL.id:
        return False
    if detection.entity is None:
        return bool(signal.account == detection.account)
    return detection.entity in named_by(signal, ruleset.schema)


def found(detections: Iterable[Detection], titles: Mapping[str, str]) -> list[Moment]:
    """Detections as moments; `titles` of patterns by id."""
    return [
        Moment(
            at=parse_ms(one.at),
            kind=DETECTION,
            what=titles.get(one.pattern, one.pattern),
            topic="detections",
            id=one.id,
            details=[one.mode],
        )
        for one in detections
    ]


def done(enforcement: Iterable[Enforcement]) -> list[Moment]:
    """What was enforced, and what ended it, as moments."""
    return [
        Moment(at=parse_ms(one.at), kind=DECISION, what=one.action, topic="enforcement", id=one.id)
        for one in enforcement
    ]
