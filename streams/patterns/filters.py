"""Filters: `filter:` documents that narrow rules from outside, without touching their files.

A filter has a log source, the rules it is about (names, ids, or the word ``any``) and searches with
a condition that a signal must meet beside the rule's own. It is no pattern itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.patterns.conditions import Condition
from streams.patterns.detections import read_searches
from streams.patterns.documents import Document, Lined, LinedList
from streams.signals import Field

ANY = "any"
"""Stands for every rule of the filter's log source."""


def read_filter(
    document: Document, topic: str, topics: Mapping[str, Mapping[str, Field]]
) -> tuple[Condition, tuple[str, ...]] | None:
    """The condition of a filter and whom it is about, () for all; None with the mistakes noted."""
    section = document.data["filter"]
    report = document.report
    if not isinstance(section, Lined):
        report.error(document.data.lines["filter"], "'filter' must be a mapping of searches")
        return None
    rules = section.get("rules")
    names = rules if isinstance(rules, LinedList) else [rules]
    if not names or not all(isinstance(name, str) and name for name in names):
        report.error(
            section.line_of("rules"),
            "a filter needs 'rules'",
            "list the rules it narrows, or write 'rules: any'",
        )
        return None
    condition = read_searches(document, section, topic, topics, beside=("rules",))
    if condition is None:
        return None
    every = rules == ANY
    return condition, () if every else tuple(names)


def searches_of(section: Mapping[str, object]) -> dict[str, object]:
    """What a filter matches, without the list of rules it is about."""
    return {key: value for key, value in section.items() if key != "rules"}
