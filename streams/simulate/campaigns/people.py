"""Campaigns towards people: children addressed, and customers' end users behind an API."""

from __future__ import annotations

from streams.simulate.campaigns.campaign import HOUR_MS, PAD, SPLIT, Campaign
from streams.simulate.recount import SEEN, act, distinct, harm, hit, many, one, ordered, within
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

_MINORS = ("minor", "teen")
_APPROACHES = ("solicitation", "grooming")


def _write_to(stage: Stage, at: int, peer: str, band: str) -> int:
    ages = {"age_band": "adult", "peer_age_band": band}
    return stage.abuses(at, "message.sent", surface="message", peer=peer, **ages)


def _contact(stage: Stage, at: int, pace: float) -> None:
    """An adult writes to one child after the other."""
    for number in range(stage.some(12, 16)):
        child = stage.scene.ours("a", f"{stage.number} {number}")
        at = _write_to(stage, at, child, _MINORS[number % 2]) + stage.pause(12 * MINUTE_MS / pace)


def _extort(stage: Stage, at: int, pace: float) -> None:
    """Written to, groomed, extorted: the same child over some days."""
    child = stage.scene.ours("a", str(stage.number))
    for _ in range(4):
        at = _write_to(stage, at, child, "teen") + stage.pause(3 * HOUR_MS / pace)
    at = stage.judged(at, "message", category="grooming") + stage.pause(14 * HOUR_MS / pace)
    at = _write_to(stage, at, child, "teen") + stage.pause(10 * HOUR_MS / pace)
    stage.judged(at, "message", category="sextortion", source="user_report", reporter=child)


def _solicit(stage: Stage, at: int, pace: float) -> None:
    """Approaches that a classifier suspects and those approached report."""
    for number in range(4):
        source = ("classifier", "user_report")[number % 2]
        category = _APPROACHES[number // 2]
        at = stage.judged(at, "message", category=category, source=source)
        at += stage.pause(8 * HOUR_MS / pace)


def _restricted(stage: Stage, at: int, pace: float) -> None:
    """A child at what is not for children."""
    for kind in ("dataset.created", "finetune.created"):
        stage.abuses(at, kind, age_band="minor", dataset_ref=stage.scene.ours("b"))
        at += stage.pause(30 * MINUTE_MS / pace)


def _end_user(stage: Stage, at: int, pace: float) -> None:
    """One end user of an honest customer, suspected again and again."""
    user = stage.scene.ours("u", str(stage.number))
    for _ in range(5):
        at = stage.judged(at, about={"end_user": user}) + stage.pause(50 * MINUTE_MS / pace)


def _resell(stage: Stage, at: int, pace: float) -> None:
    """A key sold on: many end users, each refused now and then."""
    for number in range(stage.some(34, 40)):
        user = stage.scene.ours("u", f"{stage.number} {number}")
        at = stage.refused(at, end_user=user) + stage.pause(20 * MINUTE_MS / pace)


CAMPAIGNS = (
    Campaign(
        name="adult-contacting-minors",
        act=_contact,
        met=within(
            DAY_MS,
            distinct(8, "peer", act("message.sent", age_band="adult", peer_age_band=_MINORS)),
        ),
        actors=3,
        lasts_ms=5 * HOUR_MS,
        strangers=True,
    ),
    Campaign(
        name="sextortion-sequence",
        act=_extort,
        met=within(
            14 * DAY_MS,
            ordered(
                act("message.sent", peer_age_band=_MINORS),
                hit(category=_APPROACHES, source=SEEN),
                hit(category="sextortion"),
            ),
        ),
        actors=2,
        lasts_ms=60 * HOUR_MS,
        strangers=True,
    ),
    Campaign(
        name="solicitation-confirmed-by-two",
        act=_solicit,
        met=within(
            7 * DAY_MS,
            many(3, hit(category=_APPROACHES)),
            distinct(2, "source", hit(category=_APPROACHES)),
        ),
        actors=3,
        lasts_ms=2 * DAY_MS,
    ),
    Campaign(
        name="minor-on-restricted-surface",
        act=_restricted,
        met=within(
            1,
            many(
                1,
                act("finetune.created", "api_key.created", "dataset.created", age_band="minor"),
            ),
        ),
        actors=2,
        lasts_ms=HOUR_MS,
        strangers=True,
        evasions=(PAD,),
    ),
    Campaign(
        name="api-end-user-abuse",
        act=_end_user,
        met=one("end_user", within(DAY_MS, many(3, harm()))),
        actors=3,
        lasts_ms=6 * HOUR_MS,
    ),
    Campaign(
        name="api-key-resale",
        act=_resell,
        met=within(DAY_MS, distinct(25, "end_user", act("prompt.refused"))),
        actors=2,
        lasts_ms=16 * HOUR_MS,
        evasions=(SPLIT, PAD),
    ),
)
