"""From a firing to the records that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from streams.agents.arrival import accounts_of, id_of, is_derived
from streams.agents.contract import Out, State
from streams.patterns.pattern import LIVE, Pattern
from streams.patterns.windows import Firing
from streams.policy import Established, established
from streams.records import MILD, Detection, output_id, span
from streams.signals import Signal
from streams.signals.times import format_ms

CAPPED_ACTION = "warn"
"""The most that is proposed where a calculation had to leave records out (DESIGN.md)."""


class Said(NamedTuple):
    """What the record that satisfied the condition said of whom and what it is about.

    `act_at` is when the act happened (ms). `established`: it is a hit on known material.
    """

    end_user: str | None
    content_ref: str | None
    dataset_ref: str | None
    confirmed: bool
    act_at: int
    surface: str | None
    age_band: str | None
    reviewer: str | None
    established: bool


class Subject(NamedTuple):
    """Whom and what a firing is about.

    `owner` is the account or entity whose window it was, `entity` is None for an account and
    `accounts` are those concerned.
    """

    owner: str
    accounts: Sequence[str]
    entity: str | None
    said: Said


class Finding(NamedTuple):
    """A pattern fired. `group` is the value of its second group field, or empty.

    `joined`: the episode was told before, to others; the subject has one account that joined them.
    """

    pattern: Pattern
    ruleset: str
    group: str
    firing: Firing
    subject: Subject
    joined: bool = False


def subject_of(signal: Signal, owner: str, pattern: Pattern, evidence: Sequence[str]) -> Subject:
    """The subject of a firing that `signal` brought about."""
    return Subject(owner, *accounts_of(pattern, owner, evidence), said_by(signal))


def said_by(signal: Signal) -> Said:
    """What a signal says of whom and what it is about."""

    def said(name: str) -> Any:
        return getattr(signal, name, None)

    return Said(
        said("end_user"),
        said("content_ref"),
        said("dataset_ref"),
        said("verdict") == "confirmed",
        said("act_at") or signal.at,
        said("surface"),
        said("age_band"),
        said("reviewer"),
        is_established(signal),
    )


def is_established(signal: Any) -> bool:
    """Whether it is a hit on known material (`streams.policy.established`)."""
    if signal.topic != "moderation-hits":
        return False
    what = established(signal.category, signal.source, signal.verdict, signal.surface)
    return what is not Established.NOTHING


class Telling(Protocol):
    """How an agent tells of what fires."""

    def tell(self, state: State, finding: Finding, out: Out) -> tuple[str, str]:
        """Emit a detection per concerned account, and what asks for the action where there is one.

        A late record that shows that an episode began earlier is told in a detection of its own,
        with the right time; what is to be done was said when the episode was reported first.
        Returns the ids of the detection and of what asks ("" for nothing), those of the last account.
        """

    def retract(self, state: State, finding: Finding, detection: str, asked: str, out: Out) -> None:
        """Take back what `tell` told (with the ids it gave) before what prevents it came."""


def is_urgent(finding: Finding) -> bool:
    """Whether a person must hear of it at once."""
    pattern = finding.pattern
    return pattern.severity == "critical" or (
        pattern.block.harm == "csam" and finding.subject.said.confirmed
    )


def action_of(finding: Finding, mode: str) -> str | None:
    """What is to be done to an account for which the pattern is in that mode, None for nothing."""
    action = finding.pattern.block.action
    if action is None or mode != LIVE:
        return None
    return CAPPED_ACTION if finding.firing.capped and action not in MILD else action


def detection_of(
    finding: Finding, account: str, mode: str, *, crowd: int = 0, retracts: str | None = None
) -> Detection:
    """The record that tells an account's share of it; `crowd` is the size of the entity's, if any."""
    pattern, ruleset, _, firing, subject, _ = finding
    kind = "detection" if retracts is None else f"retraction/{retracts}"
    derived = tuple(id_of(tagged) for tagged in firing.evidence if is_derived(tagged))
    return Detection(
        id=id_in(kind, finding, account),
        pattern=pattern.id,
        title=pattern.title,
        version=pattern.version,
        ruleset=ruleset,
        mode=mode,
        severity=pattern.severity,
        harm=pattern.block.harm,
        account=account,
        entity=subject.entity,
        end_user=_end_user(finding),
        content_ref=subject.said.content_ref,
        dataset_ref=subject.said.dataset_ref,
        at=format_ms(firing.at),
        window=span(firing.start, firing.end),
        evidence=tuple(id_of(tagged) for tagged in firing.evidence if not is_derived(tagged)),
        values=_values(finding, crowd),
        cause=1 if derived else 0,
        retracts=retracts,
        derived=derived or None,
    )


def id_in(kind: str, finding: Finding, account: str) -> str:
    """The id of an output of some kind that tells an account of a finding."""
    pattern, subject = finding.pattern, finding.subject
    owner = subject.entity or subject.owner
    group = (owner, finding.group) if finding.group else (owner,)
    evidence = tuple(map(id_of, finding.firing.evidence))
    return output_id(kind, pattern.id, pattern.version, group, account, evidence)


def _end_user(finding: Finding) -> str | None:
    """Whom behind the account it is about: known only where no other end user is in the window."""
    if finding.pattern.group == "end_user":
        return finding.group
    if finding.pattern.correlation is None:
        return finding.subject.said.end_user
    return None


def _values(finding: Finding, crowd: int) -> dict[str, str | int | float | bool]:
    """What was measured and against which threshold; a rule without a window measures nothing."""
    pattern = finding.pattern
    values: dict[str, str | int | float | bool] = {}
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
    if crowd:
        values["crowd"] = crowd
    if finding.joined:
        values["joined"] = True
    return values
