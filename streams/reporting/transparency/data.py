"""The report for programs: JSON, and CSV with a line per figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from streams.reporting.transparency import words
from streams.reporting.transparency.report import Report, Share
from streams.signals.times import format_ms

_COLUMNS = ("table", "row", "column", "measure", "value", "withheld")


def as_data(report: Report) -> dict[str, Any]:
    """For JSON; what is withheld is null."""
    start, end = report.period
    return {
        "from": format_ms(start),
        "to": format_ms(end),
        "k": report.k,
        "rule": words.rule(report),
        "tables": [
            {
                "name": sheet.name,
                "by": sheet.by,
                "distinct_accounts": sheet.people,
                "figures": [
                    {
                        sheet.by: words.row_name(row),
                        "column": list(column),
                        "accounts": told.accounts if told else None,
                        **({sheet.events: told.events if told else None} if sheet.events else {}),
                    }
                    for (row, column), told in sheet.figures.items()
                    if column in sheet.columns
                ],
            }
            for sheet in report.sheets
        ],
        "conduct_after": _shares(report.again, "harm", "rung"),
        "overturned": _shares(report.overturned, "harm", "at"),
        "median_ms": {
            "hit_to_action": _medians(report.to_action),
            "appeal_to_decision": _medians(report.to_decision),
        },
        "rests_on": {
            topic: {"oldest": words.day(a), "newest": words.day(b)}
            for topic, (a, b) in report.covered.items()
        },
        "notes": list(report.notes),
    }


def as_csv(report: Report) -> str:
    """A line per figure: table, row, column, measure, value, and whether it is withheld."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(_COLUMNS)

    def line(table: str, row: str, column: str, measure: str, value: object) -> None:
        write((table, row, column, measure, "" if value is None else value, int(value is None)))

    for sheet in report.sheets:
        line(sheet.name, words.ALL, words.ALL, "distinct accounts", sheet.people)
        for (row, column), told in sheet.figures.items():
            if column in sheet.columns:
                where = sheet.name, words.row_name(row), words.column_name(column)
                line(*where, "accounts", told.accounts if told else None)
                if sheet.events:
                    line(*where, sheet.events, told.events if told else None)
    for name, shares in (("conduct_after", report.again), ("overturned", report.overturned)):
        for (row, what), one in shares.items():
            if one.whole != 0:
                value = None if one.share is None else round(one.share, 4)
                line(name, words.row_name(row), what, "share", value)
    for name, medians in (
        ("hit_to_action", report.to_action),
        ("appeal_to_decision", report.to_decision),
    ):
        for (by, what), ms in medians.items():
            line(name, by or words.ALL, what or words.ALL, "median ms", ms)
    return text.getvalue()


def _shares(
    shares: Mapping[tuple[str, str], Share], by: str, what: str
) -> list[dict[str, str | float | None]]:
    return [
        {
            by: words.row_name(row),
            what: name,
            "part": one.part,
            "whole": one.whole,
            "share": None if one.share is None else round(one.share, 4),
        }
        for (row, name), one in shares.items()
        if one.whole != 0
    ]


def _medians(medians: Mapping[tuple[str, str], int | None]) -> list[dict[str, str | int | None]]:
    return [
        {"by": by or words.ALL, "of": of or words.ALL, "ms": ms} for (by, of), ms in medians.items()
    ]
