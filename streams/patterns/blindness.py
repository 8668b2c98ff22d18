"""What a pattern can't do without: if it never comes, one of its searches finds nothing."""

from __future__ import annotations

from collections.abc import Iterable

from streams.patterns.conditions import Always, Condition, assume
from streams.patterns.pattern import STOP, Pattern


def hangs_on(pattern: Pattern, topic: str, field: str, values: Iterable[str]) -> frozenset[str]:
    """The `values` of a topic's enum field without which a search of the pattern finds nothing.

    A search that several values satisfy, or none at all, hangs on no single one. What would keep
    the pattern from being told (`unless`) doesn't count: without that it speaks up all the sooner.
    """
    values = tuple(values)
    found = set()
    for search in pattern.searches:
        if search.topic == topic and search.stage != STOP:
            able = [one for one in (*values, None) if _possible(search.condition, field, one)]
            if len(able) == 1 and able[0] is not None:
                found.add(able[0])
    return frozenset(found)


def _possible(condition: Condition, field: str, value: str | None) -> bool:
    return assume(condition, field, value) != Always(False)
