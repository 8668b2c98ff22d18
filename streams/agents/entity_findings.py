"""From a firing about an entity to the records that tell the accounts concerned.

Each gets a detection and, where the pattern is live for it, one account-signal: what is to be done,
if anything, is for the account's own ladder to decide, and never more than to restrict it. What a
crowd shares is told in shadow, and no account hears of it.
"""

from __future__ import annotations

from streams.agents.contract import Out, State
from streams.agents.crowds import CROWD_OF_HOLDERS, crowd
from streams.agents.entity_state import ENTITY
from streams.agents.findings import Finding, action_of, detection_of, id_in, is_urgent
from streams.agents.meetings import CONTENT, NOBODYS
from streams.patterns.pattern import LIVE, SHADOW
from streams.records import BEYOND_RESTRICT, AccountSignal, Detection
from streams.signals.times import format_ms

SIGNALS = "account-signals"
_UNDO = "undo"


class Shared:
    """The entities agent's way of telling; see `streams.agents.findings.Telling`."""

    def tell(self, state: State, finding: Finding, out: Out) -> tuple[str, str]:
        """See `Telling`; what asks is an account-signal."""
        finding = _about_the_entity(finding)
        size = _crowd(state, finding)
        if size and finding.joined:
            return "", ""  # a crowd is told once
        urgent = is_urgent(finding)
        detection, asked = "", ""
        for account in finding.subject.accounts:
            mode = SHADOW if size else finding.pattern.mode_for(account)
            record = detection_of(finding, account, mode, crowd=size)
            detection = record.id
            out.emit("detections", account, record, urgent=urgent)
            if mode == LIVE and finding.firing.opens and _is_shared(finding):
                signal = _signal(state, finding, record, action_of(finding, mode))
                asked = signal.id
                out.emit(SIGNALS, account, signal, urgent=urgent)
        return detection, asked

    def retract(
        self,
        state: State,
        finding: Finding,
        detection: str,  # noqa: ARG002 - each account's detection has an id of its own
        asked: str,
        out: Out,
    ) -> None:
        """See `Telling`."""
        finding = _about_the_entity(finding)
        for account in finding.subject.accounts:
            mode = finding.pattern.mode_for(account)
            told = id_in("detection", finding, account)
            record = detection_of(finding, account, mode, retracts=told)
            out.emit("detections", account, record)
            if asked and mode == LIVE:
                out.emit(SIGNALS, account, _signal(state, finding, record, _UNDO, told))


def _about_the_entity(finding: Finding) -> Finding:
    """Without what the record that completed it said of content: that is one account's only."""
    entity, _, ref = str(finding.subject.entity).partition(":")
    said = finding.subject.said._replace(
        content_ref=ref if entity == "content_ref" else None,
        dataset_ref=ref if entity == "dataset_ref" else None,
    )
    return finding._replace(subject=finding.subject._replace(said=said))


def _is_shared(finding: Finding) -> bool:
    """Whether it says anything of the accounts: what a detector does, for example, doesn't."""
    return finding.pattern.entity not in NOBODYS


def _crowd(state: State, finding: Finding) -> int:
    """The size of the crowd that shares the entity, 0 for none."""
    entity, subject = finding.pattern.entity, finding.subject
    record = state.get(ENTITY, subject.owner)
    if record is None:
        return 0
    if entity not in CONTENT:
        return crowd(record.members, record.newest // 1000)
    holders = len(record.holders) + record.more
    known = subject.said.confirmed or record.confirmed is not None
    return holders if holders >= CROWD_OF_HOLDERS and not known else 0


def _signal(
    state: State,
    finding: Finding,
    record: Detection,
    action: str | None,
    undoes: str | None = None,
) -> AccountSignal:
    assert action not in BEYOND_RESTRICT, "the loader refuses it"
    kind = "account-signal/entity" if undoes is None else f"account-signal/undo/{undoes}"
    return AccountSignal(
        id=id_in(kind, finding, record.account),
        account=record.account,
        # What others did may have come first: to this account nothing lies in the future.
        at=format_ms(min(finding.firing.at, state.now)),
        kind="entity",
        action=action,
        harm=record.harm,
        pattern=record.pattern,
        version=record.version,
        detection=record.id if undoes is None else undoes,
        entity=record.entity,
        content_ref=record.content_ref,
        dataset_ref=record.dataset_ref,
        severity=record.severity,
        mode=record.mode,
    )
