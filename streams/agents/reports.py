"""Reports to the authorities, as the accounts agent keeps them (`streams.reporting`).

- ``I`` account + id of the report: one incident. Due when a person is to be told: that a draft
  still waits, that preservation is about to end. It goes when preservation has ended.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from streams.agents.attention import FIRST
from streams.agents.case_state import ACTION, case_of, put_case
from streams.agents.contract import NEVER, Kind, Out, Queue, State
from streams.patterns import RuleSet
from streams.policy import LOCK, OVERTURNED, PRESERVE, Action, Offence, Status
from streams.records import Enforcement, ReviewItem, output_id
from streams.reporting.incident import Hit, Incident
from streams.reporting.incident import Status as Standing
from streams.reporting.report import report_of
from streams.signals.times import a_year_after, format_ms


def _due(incident: Incident) -> int:
    return incident.remind_at


def _open_since(incident: Incident) -> int:
    return incident.opened if incident.status is Standing.DRAFT else NEVER


INCIDENT: Kind[Incident] = Kind(
    b"I", Incident, due=_due, scanned=True, queue=Queue("report", _open_since)
)


class Reports(NamedTuple):
    """One account's reports under one rule set, and where the records go."""

    state: State
    ruleset: RuleSet
    account: str
    out: Out

    def on_hit(self, hit: Any, offence: Offence) -> None:
        """A hit establishes known material: open a draft, or amend the one it belongs to."""
        mine = self.all()
        if any(offence.detection in incident.detections for incident in mine):
            return
        new = Hit(
            detection=offence.detection,
            at=offence.act_at,
            content_ref=hit.content_ref,
            surface=hit.surface,
            device=hit.device,
            generated=hit.ai_generated == "yes",
        )
        found_in = offence.established.value
        subject = (
            found_in,
            offence.end_user,
            offence.dataset_ref if found_in == "dataset" else None,
        )
        now = self.state.now
        for incident in mine:
            if incident.takes(*subject, now):
                incident.amend(new, now)
                self._store(incident)
                return
        incident = self._opened(new, offence, subject)
        self._store(incident)
        self._ask("report_confirmation", incident, "opened", incident.due_at)

    def on_review(self, review: Any) -> None:
        """A review: a person looked at content that is in a draft, or overturned what led to it.

        What is overturned goes on being reported until people retract it: they are asked to.
        """
        looked = bool(review.viewed) and review.content_ref is not None
        overturned = review.outcome == OVERTURNED
        if not (looked or overturned):
            return
        action = self.state.get(ACTION, self.account, review.decision)
        about = {review.decision, *(action.detections if action is not None else ())}
        for incident in self.all():
            mine = set(incident.detections)
            if review.decision != incident.id and mine.isdisjoint(about):
                continue
            if looked and incident.viewed(review.content_ref):
                self._store(incident)
            if overturned and incident.preserved:
                due_at = self.state.now + self.ruleset.policy.due(incident.harm)
                self._ask("needs_review", incident, review.id, due_at)

    def confirm(self, command: Any) -> None:
        """A person says that it goes to the authorities. From now on it is preserved for a year."""
        incident = self.state.get(INCIDENT, self.account, command.target)
        if incident is not None and incident.confirm(command.reviewer, self.state.now):
            self._store(incident)
            self._preserve(incident, command.reviewer)

    def retract(self, command: Any) -> None:
        """A person says that it must not go; see `Incident.retract`."""
        incident = self.state.get(INCIDENT, self.account, command.target)
        if incident is not None and incident.retract(command.reviewer):
            self._store(incident)

    def remind(self, incident: Incident) -> None:
        """Its moment has come: tell a person again, or let it go."""
        now = self.state.now
        if now >= incident.preserve_until:
            self.state.delete(INCIDENT, self.account, incident.id)
            return
        moment = format_ms(incident.remind(now))
        if incident.status is Standing.DRAFT:
            self._ask("report_confirmation", incident, moment, incident.due_at)
        else:
            self._ask("needs_review", incident, moment, incident.preserve_until, PRESERVE)
        self._put(incident)

    def all(self) -> list[Incident]:
        """The account's reports that are still kept, oldest first."""
        found = [incident for _, incident in self.state.scan(INCIDENT, self.account)]
        return sorted(found, key=lambda incident: (incident.opened, incident.id))

    def _opened(
        self, hit: Hit, offence: Offence, subject: tuple[str, str | None, str | None]
    ) -> Incident:
        found_in, end_user, dataset_ref = subject
        now = self.state.now
        due_at = now + self.ruleset.policy.due(offence.harm)
        return Incident(
            id=self._id("report", offence.pattern, offence.version, offence.detection),
            found_in=found_in,
            pattern=offence.pattern,
            version=offence.version,
            harm=offence.harm,
            opened=now,
            due_at=due_at,
            preserve_until=a_year_after(now),
            hits=[hit],
            end_user=end_user,
            dataset_ref=dataset_ref,
            remind_at=due_at,
        )

    def _store(self, incident: Incident) -> None:
        self._put(incident)
        actions = self._actions(incident)
        suspended = [one.granted_at for one in actions if one.action == "suspend"]
        report = report_of(
            incident,
            self.account,
            self.state.now,
            taken_over=any(one.action == LOCK for one in actions),
            disabled_at=min(suspended, default=0),
        )
        self.out.emit("reports", self.account, report, urgent=True)

    def _put(self, incident: Incident) -> None:
        expires_at = max(incident.preserve_until, self.state.now)
        self.state.put(INCIDENT, self.account, incident, expires_at, incident.id)

    def _actions(self, incident: Incident) -> list[Action]:
        """What stands of the actions its hits led to."""
        detections = set(incident.detections)
        return [
            action
            for _, action in self.state.scan(ACTION, self.account)
            if action.status is Status.GRANTED and detections.intersection(action.detections)
        ]

    def _preserve(self, incident: Incident, reviewer: str) -> None:
        """The year counts from when it is reported, and what was found in a data set has none yet."""
        case, now = case_of(self.state, self.account), self.state.now
        id_ = self._id("enforcement/preserve", incident.pattern, incident.version, incident.id)
        action = Action(
            id=id_,
            action=PRESERVE,
            harm=incident.harm,
            pattern=incident.pattern,
            version=incident.version,
            severity="critical",
            at=case.account.tick(now),
            status=Status.GRANTED,
            detections=tuple(incident.detections),
            lasts=incident.preserve_until - now,
            granted_at=now,
            expires_at=incident.preserve_until,
            end_user=incident.end_user,
            dataset_ref=incident.dataset_ref,
            ruleset=self.ruleset.hash,
            hands=(reviewer,),
        )
        put_case(self.state, self.account, case, [action])
        record = Enforcement(
            id=id_,
            account=self.account,
            action=PRESERVE,
            harm=incident.harm,
            severity="critical",
            detections=incident.detections,
            pattern=incident.pattern,
            version=incident.version,
            ruleset=self.ruleset.hash,
            at=format_ms(now),
            expires_at=format_ms(incident.preserve_until),
            end_user=incident.end_user,
            dataset_ref=incident.dataset_ref,
            strikes=0,
            automated="not",
            reviewer=reviewer,
            policy=self.ruleset.policy.hash,
        )
        self.out.emit("enforcement", self.account, record)

    def _ask(
        self,
        reason: Literal["needs_review", "report_confirmation"],
        incident: Incident,
        because: str,
        due_at: int,
        action: str | None = None,
    ) -> None:
        kind, evidence = f"review/{reason}", (incident.id, because)
        item = ReviewItem(
            id=self._id(kind, incident.pattern, incident.version, *evidence),
            account=self.account,
            reason=reason,
            proposal=incident.id,
            detections=incident.detections,
            pattern=incident.pattern,
            priority=FIRST,
            due_at=format_ms(due_at),
            end_user=incident.end_user,
            dataset_ref=incident.dataset_ref,
            version=incident.version,
            action=action,
        )
        self.out.emit("review-queue", self.account, item, urgent=action is None)

    def _id(self, kind: str, pattern: str, version: str, *evidence: str) -> str:
        return output_id(kind, pattern, version, (self.account,), self.account, evidence)
