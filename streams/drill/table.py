"""What came of the drill, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.drill.drill import Outcome
from streams.drill.watch import DAYS, MINUTES

TABLE_WIDTH = 150

HEAD = f"""\
The rules are those of deploy/prometheus/alerts.yml, with every duration divided by one factor: {MINUTES.factor} for alerts
about minutes, {DAYS.factor} for those about days. At real speed an alert comes at most as late as its last column says: what
is not in the rules (Kafka's time-outs, a look every half second) was multiplied as well.
"""

_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60))


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print the table."""
    console.print(HEAD, soft_wrap=True, highlight=False)
    table = Table(width=TABLE_WIDTH)
    for name in ("alert", "what was done", "fired"):
        table.add_column(name)
    for name in ("after", "×", "real speed"):
        table.add_column(name, justify="right")
    table.add_column("runbook", no_wrap=True)
    shown = ""
    for one in outcomes:
        seconds, factor = one.seconds, one.alert.speed.factor
        table.add_row(
            f"{one.alert.name} ({one.alert.severity})",
            "″" if one.what == shown else one.what,
            f"no: {one.why_not}" if seconds is None else "yes",
            "" if seconds is None else f"{seconds:.1f} s",
            str(factor),
            "" if seconds is None else f"≤ {at_real_speed(seconds * factor)}",
            runbook(one),
        )
        shown = one.what
    console.print(table)
    missing = [one for one in outcomes if one.seconds is None]
    console.print(
        f"{len(outcomes) - len(missing)} of {len(outcomes)} alerts fired.", highlight=False
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
