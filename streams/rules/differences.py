"""What differs between two rule sets: pattern by pattern, and in the policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from streams.patterns import Pattern, RuleSet
from streams.patterns.block import Unless
from streams.policy import spelled
from streams.signals.durations import format_duration

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
POLICY = "policy"
"""Stands in a change for a pattern's id."""

_DURATIONS = frozenset({"cooldown", "lateness"})


@dataclass(frozen=True, slots=True)
class Change:
    """One pattern, or the policy, that is not the same in both.

    `what` maps what changed to (before, after).

    `windows` says what becomes of half-full windows: ``kept``, as long as the semantic version
    stays, or ``new``; empty where there is nothing to keep.
    """

    change: str
    pattern: str
    title: str
    windows: str = ""
    what: dict[str, tuple[str, str]] = field(default_factory=dict)


def differences(old: RuleSet, new: RuleSet) -> Iterator[Change]:
    """Every pattern added, removed or changed from `old` to `new`, by id, and then the policy.

    A change that neither the engine nor an output shows (a comment, a description, a test) is none.
    """
    before = {pattern.id: pattern for pattern in old.patterns}
    after = {pattern.id: pattern for pattern in new.patterns}
    for identifier in sorted(before.keys() | after.keys()):
        was, now = before.get(identifier), after.get(identifier)
        if was is None and now is not None:
            yield Change(ADDED, identifier, now.title, "new")
        elif was is not None and now is None:
            yield Change(REMOVED, identifier, was.title)
        elif was is not None and now is not None:
            what = _changed(_told(was), _told(now))
            if what:
                windows = "kept" if was.version == now.version else "new"
                yield Change(CHANGED, identifier, now.title, windows, what)
    what = _changed(spelled(old.policy), spelled(new.policy))
    if what:
        yield Change(CHANGED, POLICY, "What is done to whom", "kept", what)


def _changed(told: dict[str, str], told_now: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name: (told.get(name, "-"), told_now.get(name, "-"))
        for name in {**told, **told_now}
        if told.get(name) != told_now.get(name)
    }


def _told(pattern: Pattern) -> dict[str, str]:
    """What there is to say of a pattern that may change."""
    block = {
        one.name: _text(one.name, value)
        for one in fields(pattern.block)
        if one.name != "tests" and (value := getattr(pattern.block, one.name)) is not None
    }
    return {
        "version": pattern.version,
        "mode": pattern.mode,
        "severity": pattern.severity,
        "title": pattern.title,
        **block,
    }


def _text(name: str, value: Any) -> str:
    if isinstance(value, Unless):
        return f"{', '.join(value.rules)} within {format_duration(value.within)}"
    return format_duration(value) if name in _DURATIONS else str(value)
