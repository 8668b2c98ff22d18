"""What is worth saying about a comparison, in sentences, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator

from streams.patterns.pattern import LIVE
from streams.signals.durations import format_duration
from streams.workbench.backtest.comparison import Comparison, Row
from streams.workbench.backtest.finds import DAY_MS
from streams.workbench.backtest.gate import MIN_OUTCOMES
from streams.workbench.words import counted

PRECISION_FLOOR = 0.8
"""Our own: more than one wrong decision in five wears out reviewers and harms people."""

_MANY_MORE = 1.2
_REFUSED_SHARE = 0.01
_TELLING = 5
"""So many known outcomes of lost finds say something about what was lost."""


def advice(comparison: Comparison) -> list[str]:
    """The sentences; none if all is well."""
    rows = comparison.rows
    return [
        *(line for row in rows for line in _precision(row)),
        *(line for row in rows for line in _lost(row)),
        *_load(comparison),
        *(line for row in rows for line in _held(row)),
        *(line for row in rows for line in _unknown(row)),
        *_recording(comparison),
    ]


def _precision(row: Row) -> Iterator[str]:
    known = row.after.known
    if row.new is None or known.n < MIN_OUTCOMES or known.share >= PRECISION_FLOOR:
        return
    low, high = known.interval
    what = (
        "raise its threshold, or make it a shadow (status: test)"
        if row.new.mode == LIVE
        else "it is not ready to go live"
    )
    yield (
        f"{row.title}: reviewers upheld {known.upheld} of {known.n} ({known.share:.0%}; 95 % "
        f"interval {low:.0%} to {high:.0%}), the floor is {PRECISION_FLOOR:.0%}: {what}."
    )


def _lost(row: Row) -> Iterator[str]:
    known = row.lost.known
    if known.upheld:
        yield (
            f"{row.title}: loses {counted(known.upheld, 'find')} that reviewers had upheld. "
            "Look at the examples before you publish."
        )
    if known.overturned >= _TELLING and known.overturned / known.n >= PRECISION_FLOOR:
        yield (
            f"{row.title}: of what it loses, reviewers had overturned {known.overturned} of "
            f"{known.n}: the change does what it should."
        )


def _load(comparison: Comparison) -> Iterator[str]:
    old, new = comparison.old.queue, comparison.new.queue
    if new.mean >= 1 and new.mean > old.mean * _MANY_MORE:
        yield (
            f"Reviewers would find {new.mean:.1f} items in their queue a day instead of "
            f"{old.mean:.1f}; the fullest day has {new.most:,}."
        )


def _held(row: Row) -> Iterator[str]:
    if row.new is None or not row.after.held:
        return
    held, proposed = row.after.held, row.after.proposed
    over = held["budget_hour"] + held["budget_day"]
    if over:
        yield (
            f"{row.title}: goes over its budget; {over:,} of {counted(proposed, 'action')} would be "
            "held for a person: raise the threshold, or give it more if they are right."
        )
    stopped = held["surge"] + held["precision"]
    if stopped:
        why = "surges" if held["surge"] >= held["precision"] else "is overturned too often"
        yield (
            f"{row.title}: its breaker opens, because it {why}; {stopped:,} of "
            f"{counted(proposed, 'action')} would be held for a person."
        )


def _unknown(row: Row) -> Iterator[str]:
    if row.new is None:
        return
    goes_live = row.new.mode == LIVE and (row.old is None or row.old.mode != LIVE)
    if row.change != "same" and not row.after.finds:
        yield f"{row.title}: finds nothing in this recording, which says nothing for or against it."
    elif goes_live and row.after.known.n < MIN_OUTCOMES:
        yield (
            f"{row.title}: would go live with {counted(row.after.known.n, 'known outcome')} for "
            f"{counted(row.after.finds, 'find')}; have {MIN_OUTCOMES} reviewed first."
        )
    elif row.gained.finds > row.gained.known.n:
        unknown = row.gained.finds - row.gained.known.n
        yield (
            f"{row.title}: nobody has judged {unknown:,} of the {counted(row.gained.finds, 'find')} "
            "it gains. Look at the examples."
        )


def _recording(comparison: Comparison) -> Iterator[str]:
    tally = comparison.tally
    if tally.refused > tally.signals * _REFUSED_SHARE:
        yield (
            f"{tally.refused:,} of {tally.signals:,} records were refused: "
            "is this the schema they were written with (--schema)?"
        )
    for row in comparison.rows:
        correlation = row.new.correlation if row.new else None
        if correlation and row.change != "same" and correlation.timespan > comparison.days * DAY_MS:
            yield (
                f"{row.title}: its window of {format_duration(correlation.timespan)} is longer than "
                f"this recording of {comparison.days:.1f} days, which can't show all it finds."
            )
