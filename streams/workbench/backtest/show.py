"""A comparison for people, and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.signals.times import format_ms
from streams.workbench.backtest.comparison import Comparison, PerDay, Row, Side
from streams.workbench.backtest.finds import DAY_MS
from streams.workbench.backtest.outcomes import Precision
from streams.workbench.backtest.tally import Change, PatternFigures
from streams.workbench.words import counted, duration, printable

_DATE = slice(10)
_MINUTE = slice(16)
_IN_THE_YEAR = slice(5, 10)
_NOTHING = "–"
_NARROW = 110
"""Columns; with fewer, what is least missed is left out."""


def for_people(comparison: Comparison, advice: Sequence[str], width: int) -> RenderableType:
    """Tables, examples and advice, fit for so many columns."""
    parts: list[RenderableType] = [Text(_headline(comparison), "dim")]
    parts.append(_patterns(comparison, wide=width >= _NARROW))
    parts.append(_days(comparison))
    parts += _examples(comparison)
    if advice:
        parts.append(Text("\nAdvice", "bold"))
        parts += [Text(f"• {printable(line)}") for line in advice]
    return Group(*parts)


def _headline(comparison: Comparison) -> str:
    tally = comparison.tally
    span = "no time at all"
    if tally.first is not None and tally.last is not None:
        span = f"{_minute(tally.first)} to {_minute(tally.last)} UTC"
    refused = f", {tally.refused:,} refused" if tally.refused else ""
    policies = {side.ruleset.policy.hash for side in (comparison.old, comparison.new)}
    another = "; the policies differ" if len(policies) > 1 else ""
    rate = tally.signals / max(comparison.took_s, 1e-9)
    return (
        f"{counted(tally.signals, 'signal')}{refused}, {span}{another}\n"
        f"{comparison.took_s:.1f} s, {rate:,.0f} signals/s with "
        f"{counted(comparison.processes, 'process', 'processes')}"
    )


def _patterns(comparison: Comparison, *, wide: bool) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("pattern", overflow="fold", min_width=18)
    table.add_column("", overflow="fold", min_width=8)
    for column in ("old", "new", "lost", "gained", "upheld"):
        table.add_column(column, justify="right", no_wrap=True)
    if wide:
        table.add_column("accounts", justify="right", no_wrap=True)
        table.add_column("kept, but", no_wrap=True)
    quiet = [row for row in comparison.rows if not (_differs(row) or row.after.known.n)]
    for row in comparison.rows:
        if row not in quiet:
            table.add_row(*_pattern(row, wide=wide))
    if quiet:
        finds = Text(f"{sum(row.after.finds for row in quiet):,}", "dim")
        others = counted(len(quiet), "pattern") + " the same in both"
        table.add_row(Text(others, "dim"), "", finds, finds)
    return table


def _differs(row: Row) -> bool:
    return bool(row.change != "same" or row.lost.finds or row.gained.finds or row.moved_ms)


def _pattern(row: Row, *, wide: bool) -> list[RenderableType]:
    lost, gained = row.lost.finds, row.gained.finds
    accounts = f"{row.before.accounts:,} → {row.after.accounts:,}"
    cells: list[RenderableType] = [
        Text(printable(row.title)),
        Text(row.change, "dim" if row.change == "same" else "cyan"),
        f"{row.before.finds:,}" if row.old else _NOTHING,
        f"{row.after.finds:,}" if row.new else _NOTHING,
        Text(f"−{lost:,}", "red") if lost else "",
        Text(f"+{gained:,}", "green") if gained else "",
        _precision(row.after.known, wide=wide),
    ]
    if wide:
        same = row.before.accounts == row.after.accounts
        cells.append(f"{row.after.accounts:,}" if same else accounts)
        moved = f"{duration(abs(row.moved_ms))} {'later' if row.moved_ms > 0 else 'earlier'}"
        cells.append(Text(moved, "dim") if row.moved_ms else "")
    return cells


def _precision(known: Precision, *, wide: bool) -> str:
    if not known.n:
        return _NOTHING
    low, high = known.interval
    interval = f" ({low:.0%}–{high:.0%})" if wide else ""
    return f"{known.share:.0%}{interval}, n={known.n}"


def _days(comparison: Comparison) -> Table:
    old, new = comparison.old, comparison.new
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("proposed, a day", overflow="fold")
    for column in ("old", "new", "most, old", "most, new"):
        table.add_column(column, justify="right", no_wrap=True)
    for action in sorted({*old.proposed, *new.proposed}):
        table.add_row(action, *_both_days(old.proposed.get(action), new.proposed.get(action)))
    table.add_section()
    table.add_row("granted at once", *_both_days(old.granted, new.granted))
    table.add_row("held for a person", *_both_days(old.held, new.held))
    table.add_row(Text("in the review queue", "bold"), *_both_days(old.queue, new.queue))
    table.add_section()
    for name, before, after in (
        ("accounts with a live find, in all", old.figures.detected, new.figures.detected),
        ("accounts acted upon, in all", old.figures.touched, new.figures.touched),
    ):
        table.add_row(name, f"{before:,}", f"{after:,}", "", "")
    if comparison.tally.touched_before or comparison.tally.touched_now:
        table.add_row(
            "  of them only there",
            f"{comparison.tally.touched_before:,}",
            f"{comparison.tally.touched_now:,}",
            "",
            "",
        )
    return table


def _both_days(old: PerDay | None, new: PerDay | None) -> Iterator[str]:
    for one in (old, new):
        yield f"{one.mean:,.1f}" if one and one.total else _NOTHING
    for one in (old, new):
        yield (
            f"{one.most:,} on {_date(one.most_on)[_IN_THE_YEAR]}"
            if one and one.most_on
            else _NOTHING
        )


def _examples(comparison: Comparison) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for row in comparison.rows:
        for name, change, style in (("lost", row.lost, "red"), ("gained", row.gained, "green")):
            if not change.finds:
                continue
            known = change.known
            judged = f", {known.upheld} upheld and {known.overturned} overturned" if known.n else ""
            parts.append(
                Text.assemble(
                    (f"\n{printable(row.title)}: ", "bold"),
                    (counted(change.finds, "find") + f" {name}", style),
                    judged,
                )
            )
            parts += [
                Text(f"  {_minute(one.at)}  {one.id}  {one.account}", no_wrap=True)
                for one in change.examples
            ]
    if parts:
        tasks = comparison.task
        of = [f"--from {path}" for path in tasks.files]
        rules = [f"--rules {path}" for path in tasks.new]
        parts.append(
            Text(
                f"\nLook at one: vigil explain ID {' '.join((*of, *rules))}", "dim", overflow="fold"
            )
        )
    return parts


def _minute(ms: int) -> str:
    return format_ms(ms)[_MINUTE].replace("T", " ")


def _date(day: int) -> str:
    return format_ms(day * DAY_MS)[_DATE]


def for_programs(comparison: Comparison, advice: Sequence[str], broken: Sequence[str]) -> Any:
    """The same as one JSON object. Times RFC 3339, days as dates, durations in ms."""
    tally = comparison.tally
    return {
        "signals": tally.signals,
        "refused": tally.refused,
        "first": None if tally.first is None else format_ms(tally.first),
        "last": None if tally.last is None else format_ms(tally.last),
        "days": round(comparison.days, 3),
        "took_s": round(comparison.took_s, 3),
        "signals_per_s": round(tally.signals / max(comparison.took_s, 1e-9)),
        "processes": comparison.processes,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "accounts_acted_upon_only_by": {"old": tally.touched_before, "new": tally.touched_now},
        "patterns": [_row(row) for row in comparison.rows],
        "advice": list(advice),
        "gate": list(broken),
    }


def _side(side: Side) -> Mapping[str, Any]:
    return {
        "ruleset": side.ruleset.hash,
        "policy": side.ruleset.policy.hash,
        "accounts_detected": side.figures.detected,
        "accounts_acted_upon": side.figures.touched,
        "proposed": {action: _per_day(days) for action, days in side.proposed.items()},
        "granted": _per_day(side.granted),
        "held": _per_day(side.held) | {"by": _totals(side.figures.held)},
        "review_queue": _per_day(side.queue) | {"by": _totals(side.figures.queue)},
    }


def _totals(counts: Counter[tuple[int, str]]) -> Mapping[str, int]:
    """Counts by day and reason, by reason."""
    totals: Counter[str] = Counter()
    for (_, reason), count in counts.items():
        totals[reason] += count
    return dict(sorted(totals.items()))


def _per_day(days: PerDay) -> dict[str, Any]:
    return {
        "total": days.total,
        "per_day": round(days.mean, 3),
        "most": days.most,
        "most_on": None if days.most_on is None else _date(days.most_on),
    }


def _row(row: Row) -> Mapping[str, Any]:
    return {
        "pattern": row.id,
        "title": row.title,
        "change": row.change,
        "old": _figures(row.before, row.old.version) if row.old else None,
        "new": _figures(row.after, row.new.version) if row.new else None,
        "kept": row.kept,
        "kept_later_by_ms": row.moved_ms,
        "lost": _change(row.lost),
        "gained": _change(row.gained),
    }


def _figures(figures: PatternFigures, version: str) -> Mapping[str, Any]:
    return {
        "version": version,
        "finds": figures.finds,
        "live": figures.live,
        "accounts": figures.accounts,
        "proposed": figures.proposed,
        "held": dict(figures.held),
        "outcomes": _known(figures.known),
    }


def _known(known: Precision) -> Mapping[str, Any]:
    low, high = known.interval if known.n else (None, None)
    return {
        "upheld": known.upheld,
        "overturned": known.overturned,
        "by_account": known.by_account,
        "precision": known.share if known.n else None,
        "low": low,
        "high": high,
    }


def _change(change: Change) -> Mapping[str, Any]:
    return {
        "finds": change.finds,
        "outcomes": _known(change.known),
        "examples": [
            {"id": one.id, "account": one.account, "at": format_ms(one.at)}
            for one in change.examples
        ],
    }
