"""What came of the drill, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from streams.drill.drill import Outcome
from streams.drill.watch import DAYS, MINUTES

HEAD = f"""\
The rules are those of deploy/prometheus/alerts.yml, with every duration divided by one factor: {MINUTES.factor} for
alerts about minutes, {DAYS.factor} for those about days. Times it, the time is that of the real rules, and rather more:
what is not in the rules (Kafka's time-outs, Prometheus' look every half a second) was multiplied as well.
"""

_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60))


def table(outcomes: Sequence[Outcome]) -> str:
    """For people: what was done, and below it what was to fire."""
    fired = sum(one.seconds is not None for one in outcomes)
    lines = [HEAD]
    for what, alerts in groupby(outcomes, lambda one: one.what):
        lines += [what, *map(_line, alerts)]
    return "\n".join([*lines, "", f"{fired} of {len(outcomes)} alerts fired."])


def _line(one: Outcome) -> str:
    alert = f"  {one.alert.name:<25}  {one.alert.severity:<6}"
    if one.seconds is None:
        return f"{alert}  NOT FIRED: {one.why_not}  {runbook(one)}"
    factor = one.alert.speed.factor
    return (
        f"{alert}  fired after {one.seconds:>5.1f} s  × {factor:<3}"
        f"  = {at_real_speed(one.seconds * factor):<7}  {runbook(one)}"
    )


def for_programs(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The same, one object per alert."""
    return [
        {
            "alert": one.alert.name,
            "severity": one.alert.severity,
            "what": one.what,
            "fired": one.seconds is not None,
            "why_not": one.why_not or None,
            "after_s": None if one.seconds is None else round(one.seconds, 1),
            "factor": one.alert.speed.factor,
            "runbook": runbook(one),
        }
        for one in outcomes
    ]


def runbook(outcome: Outcome) -> str:
    """Where its page is."""
    return f"docs/runbooks/{outcome.alert.name}.md"


def at_real_speed(seconds: float) -> str:
    """A duration with two digits that count."""
    for unit, size_s in _UNITS_S:
        if seconds >= size_s:
            amount = seconds / size_s
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"  # noqa: PLR2004 - two digits
    return f"{seconds:.0f} s"
