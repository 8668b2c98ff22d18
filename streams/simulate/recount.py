"""Whether what was really done is what a pattern looks for: counted again, by brute force.

Requirements are written from the catalogue's sentences, not from its files, and share no code with
`streams.patterns`: that the two agree says something about both. A requirement is put together
from small parts::

    within(HOUR_MS, many(3, act("prompt.refused")))
    one("content_ref", within(DAY_MS, ordered(act("upload.created"), hit(category=HARM))))

Times are ms after some common beginning. All of it costs the square of the number of acts and more:
it is for the few accounts of a campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

HARM = ("csam", "csem", "sexualisation_of_minor")
"""The categories most of the catalogue is about."""

LOW = 0.6
"""Most of the catalogue leaves out hits with a score below."""

SEEN = ("hash_match", "classifier", "trusted_flagger", "human")
"""The sources other than users, whose reports alone prove nothing."""

HIT = "hit"
REVIEW = "review"


class Act(NamedTuple):
    """One record as somebody who recounts sees it.

    `what` is the kind of an activity, or HIT or REVIEW; `fields` are its other fields.
    """

    at: int
    what: str
    account: str
    fields: dict[str, Any]


Which = Callable[[Act], bool]
"""Whether an act is one of those that count."""

Condition = Callable[[Sequence[Act]], bool]
"""Whether something holds for the acts of one window, in order of time."""

Requirement = Callable[[Sequence[Act], int], bool]
"""Whether a pattern is met by acts in order of time, watched until a time."""


def act(*kinds: str, **fields: str | tuple[str, ...]) -> Which:
    """Activities of one of the kinds; each field named has (one of) the values given."""
    return lambda one: one.what in kinds and _has(one, fields)


def hit(*, least: float = LOW, below: float = 2.0, **fields: str | tuple[str, ...]) -> Which:
    """Hits of moderation with a score from `least` to under `below`, or none at all."""
    return _hit(least, below, fields)


def harm(**fields: str | tuple[str, ...]) -> Which:
    """Hits of the categories most of the catalogue is about, low scores left out."""
    return _hit(LOW, 2.0, {"category": HARM, **fields})


def _hit(least: float, below: float, fields: dict[str, str | tuple[str, ...]]) -> Which:
    return lambda one: (
        one.what == HIT and least <= one.fields.get("score", LOW) < below and _has(one, fields)
    )


def review(**fields: str | tuple[str, ...]) -> Which:
    """Reviews."""
    return lambda one: one.what == REVIEW and _has(one, fields)


def _has(one: Act, fields: dict[str, str | tuple[str, ...]]) -> bool:
    return all(
        one.fields.get(name) in ((wanted,) if isinstance(wanted, str) else wanted)
        for name, wanted in fields.items()
    )


def many(count: int, which: Which) -> Condition:
    """At least so many."""
    return lambda window: sum(map(which, window)) >= count


def no(which: Which) -> Condition:
    """None at all."""
    return lambda window: not any(map(which, window))


def distinct(count: int, field: str, which: Which) -> Condition:
    """At least so many values of a field."""
    return lambda window: len(set(_values(field, which, window))) >= count


def total(least: float, field: str, which: Which) -> Condition:
    """The sum of a field is at least so much."""
    return lambda window: sum(_values(field, which, window)) >= least


def middle(least: float, field: str, which: Which) -> Condition:
    """The median of a field is at least so much."""

    def holds(window: Sequence[Act]) -> bool:
        values = _values(field, which, window)
        return bool(values) and median(values) >= least

    return holds


def _values(field: str, which: Which, window: Sequence[Act]) -> list[Any]:
    return [
        one.account if field == "account" else one.fields[field]
        for one in window
        if which(one) and (field == "account" or field in one.fields)
    ]


def ordered(*steps: Which) -> Condition:
    """The steps one after the other, each strictly later than the one before."""

    def holds(window: Sequence[Act]) -> bool:
        last = -1
        for step in steps:
            # The earliest one that will do leaves the most room for those to come.
            last = next((one.at for one in window if one.at > last and step(one)), -1)
            if last < 0:
                return False
        return True

    return holds


def within(span_ms: int, *conditions: Condition) -> Requirement:
    """At some act all conditions hold for what was done in the time before it, itself included.

    The window is (act − span, act], as `docs/patterns.md` has it.
    """

    def met(acts: Sequence[Act], _until: int) -> bool:
        for end in acts:
            window = [one for one in acts if end.at - span_ms < one.at <= end.at]
            if all(condition(window) for condition in conditions):
                return True
        return False

    return met


def one(field: str, requirement: Requirement) -> Requirement:
    """The requirement is met by the acts that share some one value of a field."""

    def met(acts: Sequence[Act], until: int) -> bool:
        values = dict.fromkeys(each.fields[field] for each in acts if field in each.fields)
        return any(
            requirement([each for each in acts if each.fields.get(field) == value], until)
            for value in values
        )

    return met


def unanswered(which: Which, answer: Which, span_ms: int) -> Requirement:
    """An act that no answer follows within the span, which passes while somebody watches."""

    def met(acts: Sequence[Act], until: int) -> bool:
        return any(
            which(first)
            and first.at + span_ms < until
            and not any(
                first.at < later.at <= first.at + span_ms and answer(later) for later in acts
            )
            for first in acts
        )

    return met


def opening(which: Which, quiet_ms: int, then: Requirement) -> Requirement:
    """Something such as has not been for a while, and then what `then` wants, from it on."""

    def met(acts: Sequence[Act], until: int) -> bool:
        return any(
            which(first)
            and not any(
                first.at - quiet_ms < before.at < first.at and which(before) for before in acts
            )
            and then([later for later in acts if later.at >= first.at], until)
            for first in acts
        )

    return met
