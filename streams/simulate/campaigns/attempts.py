"""Campaigns of trying: refusals, rewordings, and what a classifier half sees."""

from __future__ import annotations

from streams.simulate.campaigns.campaign import HOP, HOUR_MS, PAD, SPLIT, WEEK_MS, Campaign
from streams.simulate.recount import (
    HARM,
    LOW,
    SEEN,
    act,
    distinct,
    harm,
    hit,
    many,
    middle,
    ordered,
    total,
    within,
)
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

_REFUSED = act("prompt.refused")
_SUSPECTED = harm(source=SEEN, verdict=("suspected", "match"))
_NEAR = hit(category=HARM, source="classifier", least=0.45, below=LOW)
_ANY_SCORE = hit(category=HARM, source="classifier", least=0.0)


def _climb(stage: Stage, at: int, pace: float) -> None:
    """Reword a refused prompt again and again until something gets through."""
    for _ in range(stage.some(7, 12)):
        at = stage.refused(at) + stage.pause(70_000 / pace)
    at = stage.generated(at)
    stage.generated(at + stage.pause(30_000 / pace))


def _refused_then_hit(stage: Stage, at: int, pace: float) -> None:
    """A few refusals, then an output that the classifier suspects."""
    for _ in range(4):
        at = stage.refused(at) + stage.pause(5 * MINUTE_MS / pace)
    stage.judged(at)


def _refused_then_got(stage: Stage, at: int, pace: float) -> None:
    """Refusals until one wording goes through, and again; the classifier sees the output."""
    for _ in range(stage.some(3, 4)):
        at = stage.refused(at) + stage.pause(9 * MINUTE_MS / pace)
    at = stage.generated(at, "video.generated") + stage.pause(4 * MINUTE_MS / pace)
    stage.judged(at)


def _keep_on(stage: Stage, at: int, pace: float) -> None:
    """Suspected outputs, one after the other over a few hours."""
    for _ in range(6):
        at = stage.judged(at) + stage.pause(20 * MINUTE_MS / pace)


def _change_surface(stage: Stage, at: int, pace: float) -> None:
    """Try one surface after the other, suspected on each."""
    for surface in ("output", "upload", "message", "input"):
        at = stage.judged(at, surface) + stage.pause(8 * MINUTE_MS / pace)


def _drip(stage: Stage, at: int, pace: float) -> None:
    """One suspected output every day or two: below every short window."""
    step = 1.6 * DAY_MS / pace
    for number in range(5):
        stage.judged(at + int(step * number) + stage.pause(step / 8))


def _probe(stage: Stage, at: int, pace: float) -> None:
    """Find out where the classifier's threshold lies, always a little below it."""
    for step in range(stage.some(11, 13)):
        score = 0.51 + 0.08 * (step % 5) / 4
        at = stage.judged(at, score=score) + stage.pause(11 * MINUTE_MS / pace)


def _accumulate(stage: Stage, at: int, pace: float) -> None:
    """Never much of a suspicion, but every few hours one."""
    for step in range(13):
        score = 0.36 + 0.07 * (step % 4) / 3
        at = stage.judged(at, score=score) + stage.pause(9 * HOUR_MS / pace)


CAMPAIGNS = (
    Campaign(
        name="refusal-ladder",
        act=_climb,
        met=within(HOUR_MS // 2, many(6, _REFUSED)),
        actors=4,
        lasts_ms=30 * MINUTE_MS,
    ),
    Campaign(
        name="hits-after-refusals",
        act=_refused_then_hit,
        met=within(6 * HOUR_MS, ordered(_REFUSED, _REFUSED, _REFUSED, harm(surface="output"))),
        actors=4,
        lasts_ms=HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="repeated-suspected-hits",
        act=_keep_on,
        met=within(DAY_MS, many(3, _SUSPECTED)),
        actors=4,
        lasts_ms=3 * HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="surface-hopping",
        act=_change_surface,
        met=within(DAY_MS, distinct(3, "surface", harm(source=SEEN))),
        actors=4,
        lasts_ms=HOUR_MS,
    ),
    Campaign(
        name="slow-drip",
        act=_drip,
        met=within(30 * DAY_MS, many(5, _SUSPECTED)),
        actors=3,
        lasts_ms=WEEK_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="refusal-then-success",
        act=_refused_then_got,
        met=within(2 * HOUR_MS, ordered(_REFUSED, _REFUSED, _REFUSED, harm(surface="output"))),
        actors=3,
        lasts_ms=70 * MINUTE_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="threshold-probing",
        act=_probe,
        met=within(6 * HOUR_MS, many(8, _NEAR), middle(0.5, "score", _NEAR)),
        actors=3,
        lasts_ms=4 * HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="accumulated-suspicion",
        act=_accumulate,
        met=within(WEEK_MS, total(4.0, "score", _ANY_SCORE)),
        actors=3,
        lasts_ms=6 * DAY_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
)
