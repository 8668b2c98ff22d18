"""A signal on its way into an owner's windows, and how windows name it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.patterns.pattern import Pattern
from streams.signals import Signal

TAGS = {"activity": "a", "moderation-hits": "h", "reviews": "r", "account-signals": "s"}
"""Ids are unique per topic and account: in windows the topic's letter stands before them, and in
those of an entity, which several accounts meet in, ``@`` and the account behind them."""
REPORT = "u"
"""In place of a hit's letter where it is a user's report, for that is a word of its own kind."""


_FINDINGS = frozenset({TAGS["moderation-hits"], TAGS["reviews"]})
"""Letters of what a detector, a flagger or a person found."""


def tag_of(signal: Any) -> str:
    """The letter a signal has in windows."""
    topic = signal.topic
    if topic == "moderation-hits" and signal.source == "user_report":
        return REPORT
    return TAGS[topic]


class Arrival(NamedTuple):
    """A signal come to one owner, an account or an entity.

    `tagged` names it in windows; `newest` is the event time of the owner's newest signal, ms.
    `new` says that no window can hold it: all ids the owner ever met are remembered, and it is none
    of them. Otherwise it may be known to a window that remembers longer. `linked`: it is a report by
    an account that is linked to one whose report counted before (`reporters`).
    """

    signal: Signal
    owner: str
    tagged: str
    newest: int
    new: bool
    linked: bool = False


def id_of(tagged: str) -> str:
    """The signal's own id."""
    return tagged[1:].partition("@")[0]


def on_reports_alone(evidence: Sequence[str]) -> bool:
    """Whether users' reports are all that speaks against the account, beside what it did itself.

    What an account did is no finding: without the reports the pattern would not have fired.
    """
    letters = {tagged[0] for tagged in evidence}
    return REPORT in letters and letters.isdisjoint(_FINDINGS)


def is_derived(tagged: str) -> bool:
    """Whether the signal did not come in but was derived from what did."""
    return tagged[0] == TAGS["account-signals"]


def accounts_of(
    pattern: Pattern, owner: str, evidence: Sequence[str]
) -> tuple[Sequence[str], str | None]:
    """Whom a firing concerns, and the entity it is about (None: the account itself)."""
    if pattern.entity is None:
        return (owner,), None
    return sorted({tagged.partition("@")[2] for tagged in evidence}), owner
