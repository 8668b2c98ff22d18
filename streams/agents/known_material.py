"""Known material: what is done whatever any pattern says, and whoever writes the patterns.

Two rules are built in and have pattern ids of their own, so that what they do can be reviewed,
counted and undone like that of any other:

- A hit that establishes known child sexual abuse material (`streams.policy.established`): zero
  tolerance, and a draft for the authorities (`reports`). Patterns that fire on such a hit tell of
  it, and propose nothing: it is all done here.
- Content or a data set an account holds is confirmed, by a hit on whomever: it is removed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.agents.contract import Out, State
from streams.agents.offences import Cause, name_by_detection, pursue
from streams.agents.reports import Reports
from streams.patterns import RuleSet
from streams.policy import Established, Offence
from streams.records import Detection, output_id, span
from streams.signals.times import format_ms


class BuiltIn(NamedTuple):
    """A rule that is in the code. `version` changes with what it does, `harm` is its usual one."""

    id: str
    title: str
    version: str = "built-in-1"
    severity: str = "critical"
    harm: str = "csam"


ZERO_TOLERANCE = BuiltIn("df8e84a0-8ab6-46d6-b11f-e2928dc4ff0e", "Known material")
REMOVAL = BuiltIn("63141e94-157e-4b1c-a119-300e7233b520", "Confirmed content is held")
BUILT_IN = (ZERO_TOLERANCE, REMOVAL)


def on_hit(state: State, ruleset: RuleSet, hit: Any, what: Established, out: Out) -> None:
    """A hit establishes known material."""
    rule, account = ZERO_TOLERANCE, hit.account
    detection = _detection(rule, ruleset.hash, hit, hit.category, (hit.id,))
    out.emit("detections", account, detection, urgent=True)
    offence = Offence(
        pattern=rule.id,
        version=rule.version,
        harm=hit.category,
        severity=rule.severity,
        asked="suspend",
        detection=detection.id,
        act_at=hit.at if hit.act_at is None else hit.act_at,
        ruleset=ruleset.hash,
        established=what,
        surface=hit.surface,
        end_user=hit.end_user,
        content_ref=hit.content_ref,
        dataset_ref=hit.dataset_ref,
    )
    reports = Reports(state, ruleset, account, out)
    cause = Cause(
        account,
        offence,
        None,
        name_by_detection(offence, account),
        report=lambda: reports.on_hit(hit, offence),
    )
    pursue(state, ruleset.policy, cause, out)


def on_holding(state: State, ruleset: RuleSet, told: Any, out: Out) -> None:
    """An account-signal says that what the account holds is confirmed."""
    rule, account = REMOVAL, told.account
    detection = _detection(rule, ruleset.hash, told, told.harm, (told.hit,), (told.id,))
    out.emit("detections", account, detection, urgent=True)
    offence = Offence(
        pattern=rule.id,
        version=rule.version,
        harm=told.harm,
        severity=rule.severity,
        asked=told.action,
        detection=detection.id,
        act_at=told.at,
        ruleset=ruleset.hash,
        cause=1,
        established=Established.HELD,
        content_ref=told.content_ref,
        dataset_ref=told.dataset_ref,
    )
    cause = Cause(account, offence, None, name_by_detection(offence, account))
    pursue(state, ruleset.policy, cause, out)


def _detection(  # noqa: PLR0917 - what there is to say
    rule: BuiltIn,
    ruleset: str,
    about: Any,
    harm: str,
    evidence: tuple[str, ...],
    derived: tuple[str, ...] | None = None,
) -> Detection:
    account = about.account
    name = derived or evidence
    return Detection(
        id=output_id("detection", rule.id, rule.version, (account,), account, name),
        pattern=rule.id,
        title=rule.title,
        version=rule.version,
        ruleset=ruleset,
        mode="live",
        severity=rule.severity,
        harm=harm,
        account=account,
        entity=getattr(about, "entity", None),
        end_user=getattr(about, "end_user", None),
        content_ref=about.content_ref,
        dataset_ref=about.dataset_ref,
        at=format_ms(about.at),
        window=span(about.at, about.at),
        evidence=evidence,
        values={},
        cause=1 if derived else 0,
        derived=derived,
    )
