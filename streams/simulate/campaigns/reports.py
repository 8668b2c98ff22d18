"""Campaigns around reports and appeals: left lying, mass-produced, false."""

from __future__ import annotations

from streams.simulate.campaigns.campaign import HOUR_MS, PAD, SPLIT, Campaign
from streams.simulate.recount import (
    HARM,
    act,
    distinct,
    hit,
    many,
    no,
    ordered,
    review,
    unanswered,
    within,
)
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

_TRUSTED = ("user_report", "trusted_flagger")


def _unheard(stage: Stage, at: int, pace: float) -> None:
    """Somebody reports it, and nobody looks."""
    for category in ("grooming", "csam"):
        at = stage.judged(at, "message", source="user_report", category=category)
        at += stage.pause(20 * MINUTE_MS / pace)


def _report_many(stage: Stage, at: int, pace: float) -> None:
    """Report one account after the other."""
    for number in range(stage.some(26, 32)):
        peer = stage.scene.ours("a", str(number))
        at = stage.abuses(at, "report.filed", peer=peer) + stage.pause(60_000 / pace)


def _gang_up(stage: Stage, at: int, pace: float) -> None:
    """Fresh accounts report somebody who did nothing, all at once."""
    linked = {"device": stage.scene.ours("d"), "network": stage.scene.ours("n")}
    for _ in range(14):
        reporter = stage.extra()
        reporter.arrives(at - 5 * MINUTE_MS, **linked)
        stage.reported(at, reporter, "hate", **linked)
        at += stage.pause(2 * MINUTE_MS / pace)


def _appeal(stage: Stage, at: int, pace: float) -> None:
    """Appeal against everything, again and again."""
    for _ in range(9):
        at = stage.abuses(at, "appeal.filed") + stage.pause(4 * HOUR_MS / pace)


def _unfounded(stage: Stage, at: int, pace: float) -> None:
    """The same person reports somebody again and again; each time there is nothing."""
    reporter = stage.extra()
    for _ in range(4):
        reported = stage.reported(at, reporter, "policy_other")
        at = stage.reviewed(reported + stage.pause(2 * HOUR_MS), "overturned")
        at += stage.pause(8 * HOUR_MS / pace)


CAMPAIGNS = (
    Campaign(
        name="unreviewed-report",
        act=_unheard,
        met=unanswered(
            hit(source=_TRUSTED, category=(*HARM, "grooming", "sextortion", "solicitation")),
            review(),
            DAY_MS,
        ),
        actors=2,
        lasts_ms=DAY_MS + 2 * HOUR_MS,
        strangers=True,
        evasions=(SPLIT,),
    ),
    Campaign(
        name="mass-reporting",
        act=_report_many,
        met=within(HOUR_MS, distinct(20, "peer", act("report.filed"))),
        actors=3,
        lasts_ms=50 * MINUTE_MS,
    ),
    Campaign(
        name="brigaded-reports",
        act=_gang_up,
        met=within(
            HOUR_MS,
            distinct(10, "reporter", hit(source="user_report")),
            no(hit(source=("classifier", "hash_match", "trusted_flagger", "human"))),
        ),
        actors=2,
        lasts_ms=45 * MINUTE_MS,
        evasions=(),
    ),
    Campaign(
        name="appeal-abuse",
        act=_appeal,
        met=within(7 * DAY_MS, many(6, act("appeal.filed"))),
        actors=2,
        lasts_ms=2 * DAY_MS,
        evasions=(SPLIT, PAD),
    ),
    Campaign(
        name="reports-unfounded",
        act=_unfounded,
        met=within(
            30 * DAY_MS, ordered(hit(source="user_report"), *[review(outcome="overturned")] * 3)
        ),
        actors=2,
        lasts_ms=3 * DAY_MS,
        evasions=(PAD,),
    ),
)
