"""From a firing to the records that tell of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.agents.contract import Out
from streams.patterns.pattern import LIVE, Pattern
from streams.patterns.windows import Firing
from streams.records import Detection, Enforcement, output_id, span
from streams.signals import Signal
from streams.signals.times import format_ms


class Finding(NamedTuple):
    """A pattern fired for an account. `group` is the value of its second group field, or empty.

    `signal` is the one that made it fire: the newest evidence, or a late record that completed a
    window around it.
    """

    pattern: Pattern
    ruleset: str
    signal: Signal
    group: str
    firing: Firing


def emit(out: Out, finding: Finding) -> None:
    """Emit the detection and, for a live pattern with an action, the enforcement.

    A late record that shows that an episode began earlier is told in a detection of its own, with
    the right time; what is to be done was said when the episode was reported first.
    """
    pattern, firing = finding.pattern, finding.firing
    detection = _detection(finding)
    account = detection.account
    block = pattern.block
    # A person must hear of these at once.
    urgent = pattern.severity == "critical" or (
        block.harm == "csam" and getattr(finding.signal, "verdict", None) == "confirmed"
    )
    out.emit("detections", account, detection, urgent=urgent)
    if pattern.mode != LIVE or block.action is None or not firing.opens:
        return
    out.emit("enforcement", account, _enforcement(detection, finding), urgent=urgent)


def _detection(finding: Finding) -> Detection:
    pattern, ruleset, signal, _, firing = finding
    evidence = tuple(tagged[1:] for tagged in firing.evidence)
    return Detection(
        id=_id("detection", finding, evidence),
        pattern=pattern.id,
        title=pattern.title,
        version=pattern.version,
        ruleset=ruleset,
        mode=pattern.mode,
        severity=pattern.severity,
        harm=pattern.block.harm,
        account=signal.account,
        end_user=_end_user(finding),
        content_ref=getattr(signal, "content_ref", None),
        dataset_ref=getattr(signal, "dataset_ref", None),
        at=format_ms(firing.at),
        window=span(firing.start, firing.end),
        evidence=evidence,
        values=_values(finding),
        cause=0,
    )


def _enforcement(detection: Detection, finding: Finding) -> Enforcement:
    action = finding.pattern.block.action
    assert action is not None
    return Enforcement(
        id=_id(f"enforcement/{action}", finding, detection.evidence),
        account=detection.account,
        action=action,
        harm=detection.harm,
        severity=detection.severity,
        detections=(detection.id,),
        pattern=detection.pattern,
        version=detection.version,
        ruleset=detection.ruleset,
        at=detection.at,
        end_user=detection.end_user,
        content_ref=detection.content_ref,
        dataset_ref=detection.dataset_ref,
        strikes=0,
        automated="fully",
    )


def _id(kind: str, finding: Finding, evidence: Any) -> str:
    pattern, account = finding.pattern, finding.signal.account
    group = (account, finding.group) if finding.group else (account,)
    return output_id(kind, pattern.id, pattern.version, group, account, evidence)


def _end_user(finding: Finding) -> str | None:
    """Whom behind the account it is about: known only where no other end user is in the window."""
    if finding.pattern.group == "end_user":
        return finding.group
    if finding.pattern.correlation is None:
        return getattr(finding.signal, "end_user", None)
    return None


def _values(finding: Finding) -> dict[str, str | int | float]:
    """What was measured and against which threshold; a rule without a window measures nothing."""
    pattern = finding.pattern
    values: dict[str, str | int | float] = {}
    if pattern.correlation is not None:
        values[pattern.measures] = finding.firing.measured
        values["threshold"] = pattern.threshold
    if pattern.group is not None:
        values[pattern.group] = finding.group
    return values
