"""The abusive campaigns: what each account of one does, and when the shipped pattern must see it.

A campaign is written against the shipped pattern of the same name: it does what the pattern looks
for, in the way somebody might who knows nothing of it. `pace` 1.0 is its usual speed; slow it down
far enough and it slips under the pattern, which is why `met` recounts what was really done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import CONFIRMED, REFUSED, SUSPECTED, Act, Stage

HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Campaign:
    """A kind of campaign.

    `act` plays one account from a time on (ms after the recorder's begin) at a pace; `met` says
    whether what it did meets the shipped pattern `pattern` (its file name in the catalogue).
    `lasts_ms` is how long one account takes at most at pace 1.
    """

    name: str
    pattern: str
    accounts: int
    lasts_ms: int
    act: Callable[[Stage, int, float], None]
    met: Callable[[Iterable[Act]], bool]


def _climb(stage: Stage, at: int, pace: float) -> None:
    """Reword a refused prompt again and again until something gets through."""
    for _ in range(7 + stage.source.randrange(6)):
        at = stage.refused(at) + stage.pause(70_000 / pace)
    at = stage.generated(at)
    stage.generated(at + stage.pause(30_000 / pace))


def _refused_then_hit(stage: Stage, at: int, pace: float) -> None:
    """A few refusals, then an output that the classifier suspects."""
    for _ in range(4):
        at = stage.refused(at) + stage.pause(5 * MINUTE_MS / pace)
    stage.suspected(at)


def _keep_on(stage: Stage, at: int, pace: float) -> None:
    """Suspected outputs, one after the other over a few hours."""
    for _ in range(6):
        at = stage.suspected(at) + stage.pause(20 * MINUTE_MS / pace)


def _upload_known(stage: Stage, at: int, pace: float) -> None:
    """Upload known material; pace only sets the time before a second one."""
    at = stage.confirmed(at)
    stage.confirmed(at + stage.pause(10 * MINUTE_MS / pace))


def _hop(stage: Stage, at: int, pace: float) -> None:
    """Try one surface after the other, suspected on each."""
    for surface in ("output", "upload", "message", "input"):
        at = stage.suspected(at, surface) + stage.pause(8 * MINUTE_MS / pace)


def _drip(stage: Stage, at: int, pace: float) -> None:
    """One suspected output every day or two: below every short window."""
    step = 1.6 * DAY_MS / pace
    for number in range(5):
        stage.suspected(at + int(step * number) + stage.pause(step / 8))


def _times(acts: Iterable[Act], *what: str) -> list[int]:
    return [act.at for act in acts if act.what in what]


def _within(times: list[int], count: int, span_ms: int) -> bool:
    """Whether some `count` of the ascending times lie within `span_ms`."""
    return any(
        last - first <= span_ms for first, last in zip(times, times[count - 1 :], strict=False)
    )


def _climbed(acts: Iterable[Act]) -> bool:
    """Five refusals within half an hour."""
    return _within(_times(acts, REFUSED), 5, HOUR_MS // 2)


def _hit_after_refusals(acts: Iterable[Act]) -> bool:
    """Three refusals and then a hit, all within a day."""
    acts = list(acts)
    refused = _times(acts, REFUSED)
    return any(
        _within([at for at in refused if hit - DAY_MS <= at <= hit], 3, DAY_MS)
        for hit in _times(acts, SUSPECTED)
    )


def _kept_on(acts: Iterable[Act]) -> bool:
    """Three suspected hits within a day."""
    return _within(_times(acts, SUSPECTED), 3, DAY_MS)


def _known(acts: Iterable[Act]) -> bool:
    """One confirmed match."""
    return bool(_times(acts, CONFIRMED))


def _hopped(acts: Iterable[Act]) -> bool:
    """Hits on three surfaces within a day."""
    hits = [act for act in acts if act.what == SUSPECTED]
    return any(
        len({act.surface for act in hits if 0 <= act.at - first.at <= DAY_MS}) >= 3  # noqa: PLR2004
        for first in hits
    )


def _dripped(acts: Iterable[Act]) -> bool:
    """Five suspected hits within thirty days."""
    return _within(_times(acts, SUSPECTED), 5, 30 * DAY_MS)


CAMPAIGNS = {
    campaign.name: campaign
    for campaign in (
        Campaign("refusal-ladder", "refusal_ladder", 4, 30 * MINUTE_MS, _climb, _climbed),
        Campaign(
            "hits-after-refusals",
            "hits_after_refusals",
            4,
            HOUR_MS,
            _refused_then_hit,
            _hit_after_refusals,
        ),
        Campaign(
            "repeated-suspected-hits",
            "repeated_suspected_hits",
            4,
            3 * HOUR_MS,
            _keep_on,
            _kept_on,
        ),
        Campaign(
            "confirmed-hash-match",
            "confirmed_hash_match",
            3,
            HOUR_MS,
            _upload_known,
            _known,
        ),
        Campaign("surface-hopping", "surface_hopping", 4, HOUR_MS, _hop, _hopped),
        Campaign("slow-drip", "slow_drip", 3, 7 * DAY_MS, _drip, _dripped),
    )
}
"""All kinds of campaigns by name, one per shipped pattern."""
