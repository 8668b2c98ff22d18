"""How the demo went: a table for people, an object for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.simulate.score import Outcome, Score
from streams.simulate.truth import Hidden
from streams.tap.show import duration

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured: counts, seconds of wall time, seconds of latency (None: no detection)."""

    signals: int
    accounts: int
    harmless: int
    """Accounts that had signals and are no part of the truth."""
    workers: int
    played_s: float
    outputs: Counter[str]
    p50_s: float | None
    p99_s: float | None


def table(score: Score, figures: Figures) -> RenderableType:
    """The summary for people."""
    rows = Table(title="What was hidden, and what was found", title_justify="left", box=SIMPLE)
    rows.add_column("campaign", no_wrap=True)
    rows.add_column("accounts", justify="right")
    rows.add_column("found", justify="right")
    rows.add_column("time to detect", justify="right", no_wrap=True)
    rows.add_column("by pattern", no_wrap=True)
    rows.add_column("")
    for outcome in score.outcomes:
        rows.add_row(*_row(outcome))
    return Group(rows, *_below(score, figures))


def _row(outcome: Outcome) -> tuple[RenderableType, ...]:
    hidden = outcome.hidden
    if outcome.complete:
        verdict = Text("found", "green")
    elif hidden.detectable:
        verdict = Text("MISSED", "bold red")
    else:
        verdict = Text("not detectable", "dim")
    took = outcome.took_ms
    return (
        Text.assemble(hidden.campaign, (_how(hidden), "dim")),
        str(len(hidden.accounts)),
        str(len(outcome.found)),
        duration(took) if took is not None else "–",
        ", ".join(pattern.title for pattern in hidden.patterns) or "–",
        verdict,
    )


def _how(hidden: Hidden) -> str:
    return "" if hidden.evasion == "plain" else f" {hidden.evasion}"


def _below(score: Score, figures: Figures) -> list[RenderableType]:
    detectable = [outcome for outcome in score.outcomes if outcome.hidden.detectable]
    found = len(detectable) - len(score.missed)
    false = sum(score.false.values())
    titles = ", ".join(
        f"{score.titles[pattern]} {count}" for pattern, count in score.false.most_common()
    )
    shadow = sum(score.false_in_shadow.values())
    outputs = ", ".join(f"{count} {topic}" for topic, count in sorted(figures.outputs.items()))
    latency = "no detection to measure"
    if figures.p50_s is not None and figures.p99_s is not None:
        latency = (
            f"p50 {figures.p50_s * _MS_PER_S:.0f} ms, p99 {figures.p99_s * _MS_PER_S:.0f} ms"
            " from signal sent to detection committed and read"
        )
    return [
        Text(
            f"campaigns        {found} of {len(detectable)} detectable ones found, "
            f"{len(score.outcomes) - len(detectable)} not detectable"
        ),
        Text(
            f"false positives  {false} detection{'' if false == 1 else 's'} on {len(score.false_accounts)} of "
            f"{figures.harmless:,} harmless accounts"
            + (f": {titles}" if titles else "")
            + (f"; {shadow} more in shadow" if shadow else "")
        ),
        Text(
            f"throughput       {figures.signals:,} signals in {figures.played_s:.1f} s, "
            f"{figures.signals / figures.played_s:,.0f} signals/s through "
            f"{figures.workers} workers (paced, not the limit)"
        ),
        Text(f"committed        {outputs or 'nothing'}"),
        Text(f"latency          {latency}"),
    ]


def as_json(score: Score, figures: Figures) -> dict[str, Any]:
    """The summary for programs. Durations of event time in ms, others in seconds."""
    return {
        "campaigns": [
            {
                "campaign": outcome.hidden.campaign,
                "evasion": outcome.hidden.evasion,
                "accounts": len(outcome.hidden.accounts),
                "found": len(outcome.found),
                "detectable": outcome.hidden.detectable,
                "time_to_detect_ms": outcome.took_ms,
            }
            for outcome in score.outcomes
        ],
        "false_positives": {score.titles[pattern]: count for pattern, count in score.false.items()},
        "false_positive_accounts": len(score.false_accounts),
        "false_positives_in_shadow": sum(score.false_in_shadow.values()),
        "signals": figures.signals,
        "accounts": figures.accounts,
        "harmless_accounts": figures.harmless,
        "played_s": round(figures.played_s, 3),
        "signals_per_s": round(figures.signals / figures.played_s),
        "outputs": dict(figures.outputs),
        "p50_s": figures.p50_s,
        "p99_s": figures.p99_s,
    }
