"""From a firing to the records that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.agents.arrival import accounts_of, id_of
from streams.agents.contract import Out
from streams.patterns.pattern import LIVE, Pattern
from streams.patterns.windows import Firing
from streams.records import MILD, Detection, Enforcement, output_id, span
from streams.signals import Signal
from streams.signals.times import format_ms

CAPPED_ACTION = "warn"
"""The most that is proposed where a calculation had to leave records out (DESIGN.md)."""


class Subject(NamedTuple):
    """Whom and what a firing is about.

    `owner` is the account or entity whose window it was, `entity` is None for an account and
    `accounts` are those concerned. The rest is what the record that satisfied the condition said.
    """

    owner: str
    accounts: Sequence[str]
    entity: str | None
    end_user: str | None
    content_ref: str | None
    dataset_ref: str | None
    confirmed: bool


class Finding(NamedTuple):
    """A pattern fired. `group` is the value of its second group field, or empty."""

    pattern: Pattern
    ruleset: str
    group: str
    firing: Firing
    subject: Subject


def subject_of(signal: Signal, owner: str, pattern: Pattern, evidence: Sequence[str]) -> Subject:
    """The subject of a firing that `signal` brought about."""
    return Subject(
        owner,
        *accounts_of(pattern, owner, evidence),
        getattr(signal, "end_user", None),
        getattr(signal, "content_ref", None),
        getattr(signal, "dataset_ref", None),
        getattr(signal, "verdict", None) == "confirmed",
    )


def emit(out: Out, finding: Finding) -> tuple[str, str]:
    """Emit a detection per concerned account and, where the pattern is live for it, the action.

    A late record that shows that an episode began earlier is told in a detection of its own, with
    the right time; what is to be done was said when the episode was reported first. Returns the
    ids of the detection and of the enforcement ("" for none), those of the last account.
    """
    pattern, firing, subject = finding.pattern, finding.firing, finding.subject
    # A person must hear of these at once.
    urgent = pattern.severity == "critical" or (pattern.block.harm == "csam" and subject.confirmed)
    detection, enforcement = "", ""
    for account in subject.accounts:
        record = _detection(finding, account)
        detection = record.id
        out.emit("detections", account, record, urgent=urgent)
        action = _action(finding, account)
        if action is not None and firing.opens:
            done = _enforcement(record, finding, action)
            enforcement = done.id
            out.emit("enforcement", account, done, urgent=urgent)
    return detection, enforcement


def retract(out: Out, finding: Finding, detection: str, enforcement: str) -> None:
    """Take back what was told (by the ids `emit` gave) before the signal that prevents it came."""
    for account in finding.subject.accounts:
        record = _detection(finding, account, retracts=detection)
        out.emit("detections", account, record)
        if enforcement:
            out.emit("enforcement", account, _enforcement(record, finding, "undo", enforcement))


def _action(finding: Finding, account: str) -> str | None:
    """What is to be done to the account, None for nothing."""
    pattern = finding.pattern
    action = pattern.block.action
    if action is None or pattern.mode_for(account) != LIVE:
        return None
    return CAPPED_ACTION if finding.firing.capped and action not in MILD else action


def _detection(finding: Finding, account: str, *, retracts: str | None = None) -> Detection:
    pattern, ruleset, _, firing, subject = finding
    evidence = tuple(map(id_of, firing.evidence))
    kind = "detection" if retracts is None else f"retraction/{retracts}"
    return Detection(
        id=_id(kind, finding, account, evidence),
        pattern=pattern.id,
        title=pattern.title,
        version=pattern.version,
        ruleset=ruleset,
        mode=pattern.mode_for(account),
        severity=pattern.severity,
        harm=pattern.block.harm,
        account=account,
        entity=subject.entity,
        end_user=_end_user(finding),
        content_ref=subject.content_ref,
        dataset_ref=subject.dataset_ref,
        at=format_ms(firing.at),
        window=span(firing.start, firing.end),
        evidence=evidence,
        values=_values(finding),
        cause=0,
        retracts=retracts,
    )


def _enforcement(
    detection: Detection, finding: Finding, action: str, undoes: str | None = None
) -> Enforcement:
    kind = f"enforcement/{action}" if undoes is None else f"enforcement/undo/{undoes}"
    return Enforcement(
        id=_id(kind, finding, detection.account, detection.evidence),
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
        undoes=undoes,
        strikes=0,
        automated="fully",
    )


def _id(kind: str, finding: Finding, account: str, evidence: Any) -> str:
    pattern, subject = finding.pattern, finding.subject
    owner = subject.entity or subject.owner
    group = (owner, finding.group) if finding.group else (owner,)
    return output_id(kind, pattern.id, pattern.version, group, account, evidence)


def _end_user(finding: Finding) -> str | None:
    """Whom behind the account it is about: known only where no other end user is in the window."""
    if finding.pattern.group == "end_user":
        return finding.group
    if finding.pattern.correlation is None:
        return finding.subject.end_user
    return None


def _values(finding: Finding) -> dict[str, str | int | float]:
    """What was measured and against which threshold; a rule without a window measures nothing."""
    pattern = finding.pattern
    values: dict[str, str | int | float] = {}
    if pattern.correlation is not None:
        values[pattern.measures] = finding.firing.measured
        if pattern.words:
            values["condition"] = pattern.words
        else:
            values["threshold"] = pattern.threshold
        if finding.firing.capped:
            values["capped"] = True
    if pattern.absence is not None:
        values["waited_s"] = pattern.absence.within // 1000
    if pattern.group is not None:
        values[pattern.group] = finding.group
    return values
