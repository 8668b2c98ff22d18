"""From a firing about an account to the records that tell of it, and to what is proposed."""

from __future__ import annotations

from streams.agents.arrival import on_reports_alone
from streams.agents.contract import Out, State
from streams.agents.findings import Finding, action_of, detection_of, id_in, is_urgent
from streams.agents.offences import Cause, pursue
from streams.agents.settlement import Settlement
from streams.policy import Offence, Policy
from streams.records import Detection


class Proposing:
    """The accounts agent's way of telling; see `streams.agents.findings.Telling`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def tell(self, state: State, finding: Finding, out: Out) -> tuple[str, str]:
        """See `Telling`; what asks is a proposal."""
        account = finding.subject.owner
        record = detection_of(finding, account, finding.pattern.mode_for(account))
        out.emit("detections", account, record, urgent=is_urgent(finding))
        action = action_of(finding, record.mode)
        # Known material is dealt with already, whichever patterns come across it.
        if action is None or not finding.firing.opens or finding.subject.said.established:
            return record.id, ""
        cause = Cause(
            account,
            _offence(finding, record, action),
            finding.pattern.block.budget,
            lambda kind: id_in(kind, finding, account),
        )
        return record.id, pursue(state, self._policy, cause, out)

    def retract(self, state: State, finding: Finding, detection: str, asked: str, out: Out) -> None:
        """See `Telling`."""
        account = finding.subject.owner
        mode = finding.pattern.mode_for(account)
        out.emit("detections", account, detection_of(finding, account, mode, retracts=detection))
        if asked:
            Settlement(state, self._policy, account, out).retract(detection)


def _offence(finding: Finding, record: Detection, asked: str) -> Offence:
    said, firing = finding.subject.said, finding.firing
    return Offence(
        pattern=record.pattern,
        version=record.version,
        harm=record.harm,
        severity=record.severity,
        asked=asked,
        detection=record.id,
        act_at=said.act_at,
        ruleset=record.ruleset,
        cause=record.cause,
        capped=firing.capped,
        reports_only=on_reports_alone(firing.evidence),
        surface=said.surface,
        age_band=said.age_band,
        end_user=record.end_user,
        content_ref=record.content_ref,
        dataset_ref=record.dataset_ref,
        reviewer=said.reviewer,
    )
