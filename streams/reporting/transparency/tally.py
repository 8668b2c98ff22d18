"""What the records say, counted: four passes over them, each needing what the one before found.

1. Reviews within the period, and which detections were taken back.
2. Actions within the period, and of all actions those the reviews speak of.
3. Of detections those that actions and reviews speak of, and when each person's conduct recurred.
4. Hits within the period, and when and where those were found that actions rest on.

So nothing is kept of what no action or review leads to, and records may come in any order. People
and ids are kept as digests of 8 bytes: two of ten million are the same with a probability under
one in 100,000.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from streams.policy import LADDER
from streams.policy.settling import APPEAL_STAGE, APPEALED, OVERTURNED, UPHELD
from streams.records import ACTIONS
from streams.reporting.transparency.stages import CONDUCT, FOUND_AT, stage_of
from streams.reporting.transparency.tables import Column, Table
from streams.reporting.transparency.times import Times
from streams.signals import Refused, Schema
from streams.signals.times import parse_ms

TOPICS = ("moderation-hits", "reviews", "detections", "enforcement")
"""What a report rests on."""

PASSES = 4

Record = tuple[str, bytes | None, bytes | None, int]
"""Topic, key, JSON value, Kafka timestamp (ms)."""

Read = Callable[[Collection[str]], Iterable[Record]]
"""Go over the records of these topics, in any order; may be called again."""

REST_MS = 3_600_000
"""Conduct within an hour after an action counts with what led to it (the ladder for child safety
has the same cool-down): several patterns see the same hour."""

AGAIN, NOT_AGAIN = "again", "not again"
UNDO = "undo"
SHOWN_ACTIONS = (*LADDER, *(one for one in ACTIONS if one not in (*LADDER, "expire")))
FIRST, APPEAL, OPEN = "first look", "appeal", "open"

_ACTION_COLUMNS: tuple[Column, ...] = tuple(
    column
    for action in SHOWN_ACTIONS
    for column in (((action, AGAIN), (action, NOT_AGAIN)) if action in LADDER else ((action,),))
)
_REVIEW_COLUMNS: tuple[Column, ...] = (
    (FIRST, UPHELD),
    (FIRST, OVERTURNED),
    (APPEAL, UPHELD),
    (APPEAL, OVERTURNED),
    (APPEAL, OPEN),
)

LED_TO: Column = ("acted on",)
"""The one column of the table whose rows are what actions rest on."""

_NO_HARM = "none stated"


class Period(NamedTuple):
    """From (ms, included) to (excluded)."""

    start: int
    end: int

    def __contains__(self, at: object) -> bool:
        """Whether a time lies within."""
        return isinstance(at, int) and self.start <= at < self.end


class _Detection(msgspec.Struct, gc=False):
    """What is needed of a detection."""

    id: str
    account: str
    at: str
    harm: str
    mode: str
    evidence: tuple[str, ...]
    entity: str | None = None
    end_user: str | None = None
    retracts: str | None = None


class _Enforcement(msgspec.Struct, gc=False):
    """What is needed of an enforcement."""

    id: str
    account: str
    at: str
    harm: str
    action: str
    detections: tuple[str, ...]
    end_user: str | None = None
    undoes: str | None = None


_SAID: Mapping[str, Callable[[bytes], Any]] = {
    "detections": msgspec.json.Decoder(_Detection).decode,
    "enforcement": msgspec.json.Decoder(_Enforcement).decode,
}


class _Done(msgspec.Struct, gc=False, array_like=True):
    """An action: `person` and what it rests on as digests, `subject` of person and harm."""

    person: int
    subject: int
    harm: str
    action: str
    at: int
    detections: tuple[int, ...]


class _Judged:
    """What reviews say of a decision. Times in ms, None for never."""

    def __init__(self) -> None:
        self.harm: str | None = None
        self.person = 0
        self.first: str | None = None
        self.appealed: int | None = None
        self.decided: int | None = None
        self.appeal: str | None = None

    def hear(self, stage: str, outcome: str, at: int) -> None:
        """A review more. What was overturned stays so."""
        if outcome == APPEALED:
            self.appealed = at if self.appealed is None else min(at, self.appealed)
        elif outcome in (UPHELD, OVERTURNED):
            if stage == APPEAL_STAGE:
                self.appeal = outcome if self.appeal != OVERTURNED else OVERTURNED
                self.decided = at if self.decided is None else min(at, self.decided)
            else:
                self.first = outcome if self.first != OVERTURNED else OVERTURNED


class Tally:
    """All that is counted; make it with `count`."""

    def __init__(self) -> None:
        self.found = Table([(stage,) for stage in FOUND_AT])
        self.done = Table(_ACTION_COLUMNS)
        self.acted_on = Table([LED_TO])
        self.reviewed = Table(_REVIEW_COLUMNS)
        self.to_action: defaultdict[tuple[str, str], Times] = defaultdict(Times)
        """From hit to action, by ``("harm", …)``, ``("stage", …)`` and ``("action", …)``."""
        self.to_decision: defaultdict[tuple[str, str], Times] = defaultdict(Times)
        """From appeal to decision, by ``("harm", …)``; ``("", "")`` is of all, in both."""
        self.covered: dict[str, tuple[int, int]] = {}
        """Oldest and newest Kafka timestamp of each topic that has records."""
        self.unreadable: Counter[str] = Counter()
        """Records left out because they are none of their topic."""
        self.unknown_decisions = False
        """Whether a review speaks of a decision that isn't there."""


def count(read: Read, schema: Schema, period: Period) -> Tally:
    """Go over the records. Raises what `read` raises."""
    return _Counting(read, schema, period).run()


class _Counting:
    def __init__(self, read: Read, schema: Schema, period: Period) -> None:
        self._read = read
        self._period = period
        self._tally = Tally()
        self._signals = {name: schema.decoder(name) for name in ("moderation-hits", "reviews")}
        self._harms = frozenset(schema.fields("moderation-hits")["category"].values or ())
        self._judged: dict[int, _Judged] = {}
        self._taken_back: set[int] = set()
        self._done: list[_Done] = []
        self._wanted: dict[int, tuple[int, ...]] = {}
        self._last: dict[int, int] = {}
        self._hits: dict[int, tuple[str, int] | None] = {}
        self._seen: set[str] = set()

    def run(self) -> Tally:
        """Go over the records four times."""
        for topic, one in self._pass("reviews", "detections"):
            if topic == "reviews":
                if one.at in self._period:
                    decision = _digest(one.account, one.decision)
                    self._judged.setdefault(decision, _Judged()).hear(
                        one.stage, one.outcome, one.at
                    )
            elif one.retracts:
                self._taken_back.add(_digest(one.account, one.retracts))
        for _, one in self._pass("enforcement"):
            self._hear_of(one, _digest(one.account, one.id))
            if one.action in SHOWN_ACTIONS and (at := parse_ms(one.at)) in self._period:
                self._note(one, at)
        for _, one in self._pass("detections"):
            self._look_into(one)
        for _, one in self._pass("moderation-hits"):
            self._find(one)
        self._join()
        return self._tally

    def _note(self, one: _Enforcement, at: int) -> None:
        if one.action == UNDO and self._was_overturned(one):
            return  # it stands in the table of reviews, and one figure in two tables tells too much
        person, harm = _person(one), self._harm(one.harm)
        grounds = () if one.action == UNDO else one.detections
        detections = tuple(_digest(one.account, id_) for id_ in grounds)
        subject = _subject(person, harm)
        self._done.append(_Done(person, subject, harm, one.action, at, detections))
        self._wanted.update(dict.fromkeys(detections, ()))
        if one.action in LADDER:
            self._last[subject] = 0

    def _was_overturned(self, one: _Enforcement) -> bool:
        decisions = (_digest(one.account, id_) for id_ in (one.undoes or "", *one.detections))
        return any(
            OVERTURNED in (judged.first, judged.appeal)
            for decision in decisions
            if (judged := self._judged.get(decision)) is not None
        )

    def _hear_of(self, one: _Enforcement | _Detection, id_: int) -> None:
        judged = self._judged.get(id_)
        if judged is not None:
            judged.harm, judged.person = self._harm(one.harm), _person(one)

    def _look_into(self, one: _Detection) -> None:
        id_ = _digest(one.account, one.id)
        self._hear_of(one, id_)
        if one.retracts:
            return
        if id_ in self._wanted:
            evidence = tuple(_digest(one.account, signal) for signal in one.evidence)
            self._wanted[id_] = evidence
            self._hits.update(dict.fromkeys(evidence))
        subject = _subject(_person(one), self._harm(one.harm))
        if subject in self._last and one.mode == "live" and one.entity is None:
            at = parse_ms(one.at)
            if at < self._period.end and id_ not in self._taken_back:
                self._last[subject] = max(self._last[subject], at)

    def _find(self, one: Any) -> None:
        stage = stage_of(one.source, one.surface)
        if one.at in self._period:
            self._tally.found.add(one.category, (stage,), _person(one))
        id_ = _digest(one.account, one.id)
        if id_ in self._hits:
            self._hits[id_] = (stage, one.at)

    def _join(self) -> None:
        """Put together what the passes found."""
        tally = self._tally
        begun: dict[str, dict[int, int]] = {action: {} for action in LADDER}
        for done in self._done:
            if (since := begun.get(done.action)) is not None:
                since[done.subject] = min(done.at, since.get(done.subject, done.at))
        for done in self._done:
            column: Column = (done.action,)
            if done.action in LADDER:
                again = self._last[done.subject] > begun[done.action][done.subject] + REST_MS
                column = (done.action, AGAIN if again else NOT_AGAIN)
            tally.done.add(done.harm, column, done.person)
            if done.action != UNDO:
                self._trace(done)
        for judged in self._judged.values():
            if judged.harm is None:
                tally.unknown_decisions = True
            else:
                self._settle(judged.harm, judged)

    def _trace(self, done: _Done) -> None:
        """Which hit it goes back to, and how long that took: the newest of its evidence."""
        hits = [
            hit
            for detection in done.detections
            for signal in self._wanted[detection]
            if (hit := self._hits[signal]) is not None
        ]
        stage, at = max(hits, key=lambda hit: hit[1]) if hits else (CONDUCT, 0)
        self._tally.acted_on.add(stage, LED_TO, done.person)
        if hits:
            for by in (("", ""), ("harm", done.harm), ("stage", stage), ("action", done.action)):
                self._tally.to_action[by].add(done.person, done.at - at)

    def _settle(self, harm: str, judged: _Judged) -> None:
        reviewed = self._tally.reviewed
        if judged.first:
            reviewed.add(harm, (FIRST, judged.first), judged.person)
        if judged.appealed is not None or judged.appeal:
            reviewed.add(harm, (APPEAL, judged.appeal or OPEN), judged.person)
        if judged.appealed is not None and judged.decided is not None:
            for by in (("", ""), ("harm", harm)):
                took = judged.decided - judged.appealed
                self._tally.to_decision[by].add(judged.person, took)

    def _pass(self, *topics: str) -> Iterator[tuple[str, Any]]:
        """The records that can be read; what each topic covers is noted the first time."""
        new = set(topics) - self._seen
        self._seen |= new
        covered = self._tally.covered
        for topic, key, value, ts in self._read(topics):
            one = self._decoded(topic, key, value, ts)
            if topic in new:
                oldest, newest = covered.get(topic, (ts, ts))
                covered[topic] = (min(ts, oldest), max(ts, newest))
                self._tally.unreadable[topic] += one is None
            if one is not None:
                yield topic, one

    def _decoded(self, topic: str, key: bytes | None, value: bytes | None, ts: int) -> Any:
        try:
            if topic in self._signals:
                # As a worker would: what it refused was never counted anywhere else.
                raw = SimpleNamespace(key=key, value=value, offset=0, timestamp=ts, headers=())
                return self._signals[topic](raw)
            one = _SAID[topic](value or b"")
            parse_ms(one.at)
        except (Refused, msgspec.MsgspecError, UnicodeError, ValueError):
            return None
        return one

    def _harm(self, harm: str) -> str:
        # Words of a rule set that the schema at hand doesn't know must not get into a report.
        return harm if harm in self._harms else _NO_HARM


def _person(one: Any) -> int:
    """Whom it is about: the account, or the end user behind it."""
    return _digest(one.account, one.end_user or "")


def _subject(person: int, harm: str) -> int:
    return xxh3_64_intdigest(f"{person} {harm}".encode())


def _digest(account: str, id_: str) -> int:
    return xxh3_64_intdigest(f"{account}\0{id_}".encode())
