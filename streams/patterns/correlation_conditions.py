"""The `condition:` of a correlation: a comparison (``gte: 5``), or words over its rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sigma.correlations import SigmaExtendedCorrelationCondition
from sigma.exceptions import SigmaError

from streams.patterns import correlation_types as types
from streams.patterns.documents import Document, Lined
from streams.patterns.thresholds import Threshold

OPERATORS = ("gte", "gt", "lte", "lt", "eq", "neq")
_MOST_PERCENT = 100


def words_of(
    document: Document, section: Lined, kind: str | None
) -> SigmaExtendedCorrelationCondition | None:
    """The condition in words, parsed; None with the mistake noted."""
    line = section.lines["condition"]
    if kind not in types.IN_WORDS:
        what = f"{kind} compares a number" if kind else "a condition in words needs a temporal type"
        document.report.error(line, what, "write, say, condition: {gte: 5}")
        return None
    try:
        return SigmaExtendedCorrelationCondition(str(section["condition"]))
    except SigmaError as error:
        place = re.search(r"\(at char (\d+)\)", str(error))
        rest = str(section["condition"])[int(place[1]) :] if place else ""
        where = f"from '{rest}' on" if rest else "at its end"
        document.report.error(
            line,
            f"the condition can't be read {where}",
            "join names of rules with and, or, not and brackets; names are letters, digits and _",
        )
        return None


def read_threshold(document: Document, section: Lined, kind: str, condition: Any) -> Threshold:
    """The comparison of pySigma's `condition`; what is wrong with it is noted."""
    report, line = document.report, section.line_of("condition")
    if kind == types.TEMPORAL_ORDERED:
        report.error(
            line,
            "temporal_ordered needs all its rules in order: it compares no number",
            "remove 'condition', or say it in words ('a and (b or c)')",
        )
    if condition.percentile is not None:
        if kind != types.VALUE_PERCENTILE:
            report.error(line, f"'percentile' means nothing in a {kind}", "remove it")
        elif not 0 <= condition.percentile <= _MOST_PERCENT:
            report.error(line, f"there is no percentile {condition.percentile}", "write 0 to 100")
    if kind in types.WITH_FIELD:
        if not isinstance(condition.fieldref, str):
            report.error(line, f"{kind} needs one 'field' whose values it counts")
    elif condition.fieldref is not None:
        report.error(line, f"{kind} counts no field", "remove 'field', or use value_count")
    threshold = Threshold(condition.op.name.lower(), condition.count)
    most = len(set(_rules(section))) if kind == types.TEMPORAL else None
    if kind not in types.NUMERIC and not threshold.possible(most):
        report.error(
            line,
            f"'{threshold.op}: {threshold.bound}' can never hold",
            "a window is judged at a record, so it counts at least 1"
            + (f", and at most its {most} rules" if most else ""),
        )
    return threshold


def read_percentile(kind: str, condition: Any) -> float:
    """Which percentile a condition is about, 0 to 100."""
    if kind == types.VALUE_PERCENTILE and condition.percentile is not None:
        return float(condition.percentile)
    return types.MEDIAN


def _rules(section: Mapping[str, Any]) -> list[str]:
    rules = section["rules"]
    return [rules] if isinstance(rules, str) else list(rules)
