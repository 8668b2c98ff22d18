"""Words and numbers as people read them, the same in every form of the report."""

from __future__ import annotations

from streams.reporting.transparency.report import Report, Share, Told
from streams.reporting.transparency.tables import WHOLE, Column
from streams.signals.times import format_ms

WITHHELD = "✱"
ALL = "all"
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))
_DATE_CHARS, _MINUTE_CHARS = 10, 16


def column_name(column: Column) -> str:
    """``all``, ``warn``, ``appeal: upheld``."""
    return ": ".join(column) or ALL


def row_name(row: str) -> str:
    """A row's name; that of the sums is ``all``."""
    return ALL if row == WHOLE else row


def figure(told: Told | None, events: str) -> str:
    """``1,204 (3,400)``, accounts and events; ``✱`` where it is withheld."""
    if told is None:
        return WITHHELD
    if not events or not told.accounts:
        return f"{told.accounts:,}"
    return f"{told.accounts:,} ({told.events:,})"


def count(number: int | None) -> str:
    """A number, or that it is withheld."""
    return WITHHELD if number is None else f"{number:,}"


def share(one: Share | None) -> str:
    """``12 %``; ``✱`` where a part is withheld; nothing where there is nothing to share."""
    if one is None or one.whole == 0:
        return ""
    return WITHHELD if one.share is None else f"{one.share:.0%}".replace("%", " %")


def took(ms: int | None) -> str:
    """``2.5 h``, in the largest unit; ``✱`` where it is withheld."""
    if ms is None:
        return WITHHELD
    for unit, size in _UNITS:
        if ms > size:
            return f"{ms / size:.2g} {unit}" if ms < 100 * size else f"{ms / size:.0f} {unit}"
    return "1 s at most"


def period(report: Report) -> str:
    """From when to when."""
    start, end = report.period
    return f"{moment(start)} to {moment(end)} (UTC, the end not included)"


def moment(ms: int) -> str:
    """A date, with the time of day (UTC) unless it is midnight."""
    text = format_ms(ms)
    whole_day = text[_DATE_CHARS:].startswith("T00:00:00")
    return text[:_DATE_CHARS] if whole_day else text[:_MINUTE_CHARS].replace("T", " ")


def day(ms: int) -> str:
    """The day (UTC)."""
    return format_ms(ms)[:_DATE_CHARS]


def rule(report: Report) -> str:
    """What is left out, and how figures add up."""
    return (
        f"A figure about fewer than {report.k} accounts is withheld ({WITHHELD}), and so are as "
        "many others as it takes that nobody can work it out from the sums. Sums are of all "
        "figures, also of those withheld. An account (or, where a service acts for others, the end user) "
        "counts once per row and innermost column, so a sum may count it more than once; what stands in "
        "brackets counts events."
    )
