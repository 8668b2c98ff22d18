"""Which of an account's signals the entities agent hears of, and what the account keeps for that.

An `entity-signal` is emitted for each entity that a signal names if

(a) the signal is one that a pattern about such entities looks for, or
(b) the account meets the entity anew, or for the first time in a week, or
(c) a hit on it is confirmed, or content comes in: uploaded, shared or sent. What was removed
    yesterday has to go again today, so content that comes in is never taken for known.

(b) is asked of every signal of every account. For each entity met the account keeps six bytes of a
digest over the reference and the number of the week: next week the same entity has another digest,
so nothing has to say when it was met. (An account's weeks begin on a day of its own, so that not
all of them meet everything anew on the same day.) Where the ring of `MET` has turned, an entity is
met anew, which does no harm. Content is much and mostly met once: only the last two are kept.

Entities of a type no pattern is about are met by nobody, content and data sets excepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from xxhash import xxh32_intdigest

from streams.agents.account_state import AccountRecord, digest
from streams.agents.contract import Out
from streams.agents.matching import PatternError
from streams.patterns import RuleSet
from streams.patterns.pattern import ENTITIES
from streams.patterns.plans import ANY, Plan
from streams.records import EntitySignal
from streams.signals import Signal

SIGNALS = "entity-signals"
"""The topic. Only what came in leads to it, never what is derived: guilt doesn't travel."""
TOLD = ("activity", "moderation-hits", "reviews")
"""Topics whose signals are told on."""

MET = 32
"""Entities an account remembers having met."""
MARK_BYTES = 6
"""Two references of one account are taken for the same about once in 10¹³ meetings."""
MET_BYTES = MET * MARK_BYTES
CONTENT_MET_BYTES = 2 * MARK_BYTES

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
YOUNG_MS = 7 * DAY_MS
"""How long after it was made an account is young."""

CONTENT = ("content_ref", "dataset_ref")
"""Entities whose holders must all be known: what is confirmed is removed everywhere."""
NOBODYS = frozenset({"detector"})
"""Entities that people don't share."""

COMES_IN = frozenset(
    {"upload.created", "content.shared", "message.sent", "finetune.created", "dataset.created"}
)
"""Kinds of activity that bring content in."""
NOT_HELD = frozenset({"report.filed"})
"""Kinds of activity that name somebody else's content."""

_CREATED = "account.created"


class _Place(NamedTuple):
    """A type of entity people share: how to read it, and the seed of its digests, less the week."""

    entity: str
    read: Callable[[Any], str | None]
    seed: int


def _place(entity: str, name: str) -> _Place:
    return _Place(entity, attrgetter(name), xxh32_intdigest(entity) << 16)


_CONTENT_PLACES = tuple(_place(entity, entity) for entity in CONTENT)


class _Wanted(NamedTuple):
    """A type of entity, how to read it, and what is looked for about it."""

    entity: str
    read: Callable[[Any], str | None]
    plans: Sequence[Plan]


class Meetings:
    """What accounts tell of the entities they meet, under one rule set."""

    def __init__(self, ruleset: RuleSet) -> None:
        schema = ruleset.schema
        shared = {pattern.entity for pattern in ruleset.patterns}.difference(CONTENT, NOBODYS)
        self._places = {
            topic: tuple(
                _place(entity, name)
                for entity, name in schema.entities.items()
                if entity in shared and name in schema.fields(topic)
            )
            for topic in TOLD[:2]
        }
        plans = ruleset.plans_of(ENTITIES)
        self._wanted = {
            topic: {value: _wanted(found) for value, found in plans[topic].items()}
            for topic in TOLD
        }
        self._encode = msgspec.json.Encoder().encode

    def tell(self, record: AccountRecord, signal: Any, out: Out) -> None:
        """Emit the entity-signals of an input signal; what is to be kept is noted in `record`.

        Raises `PatternError` for what a pattern raises.
        """
        topic = signal.topic
        found: dict[str, bool] = {}
        if topic == "reviews":
            value = ANY
        else:
            if topic == "activity":
                value = signal.kind
                if value == _CREATED:
                    record.created = signal.at // 1000
            else:
                value = signal.category
            week = (signal.at + ord(signal.account[-1]) * DAY_MS) // WEEK_MS
            met = record.met
            for entity, read, seed in self._places[topic]:
                ref = read(signal)
                if ref is not None:
                    mark = digest(ref, seed + week)[:MARK_BYTES]
                    if mark not in met:
                        record.met = met = (met + mark)[-MET_BYTES:]
                        found[f"{entity}:{ref}"] = True
            if signal.content_ref is not None or signal.dataset_ref is not None:
                _meet_content(record, signal, week, found)
        wanted = self._wanted[topic].get(value)
        if wanted is not None:
            _look(wanted, signal, found)
        if found:
            self._emit(record, signal, found, out)

    def _emit(
        self, record: AccountRecord, signal: Signal, found: Mapping[str, bool], out: Out
    ) -> None:
        at = signal.at
        young = bool(record.created) and at - record.created * 1000 < YOUNG_MS
        whole = msgspec.Raw(self._encode(signal))
        for entity, met in found.items():
            told = EntitySignal(
                id=signal.id,
                entity=entity,
                account=signal.account,
                at=at,
                topic=signal.topic,
                met=met,
                young=young,
                signal=whole,
            )
            out.emit(SIGNALS, entity, told)


def _meet_content(record: AccountRecord, signal: Any, week: int, found: dict[str, bool]) -> None:
    """Find the content and the data set a signal names, unless it is somebody else's."""
    if signal.topic == "activity":
        if signal.kind in NOT_HELD:
            return
        always = signal.kind in COMES_IN
    else:
        always = signal.verdict == "confirmed"
    for entity, read, seed in _CONTENT_PLACES:
        ref = read(signal)
        if ref is None:
            continue
        mark = digest(ref, seed + week)[:MARK_BYTES]
        met = mark not in record.content
        if met:
            record.content = (record.content + mark)[-CONTENT_MET_BYTES:]
        if met or always:
            found[f"{entity}:{ref}"] = met


def _wanted(plans: Sequence[Plan]) -> tuple[_Wanted, ...]:
    """Plans by the type of entity they are about."""
    by_entity: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        by_entity.setdefault((str(plan.pattern.entity), plan.owner), []).append(plan)
    return tuple(
        _Wanted(entity, attrgetter(name), tuple(found))
        for (entity, name), found in by_entity.items()
    )


def _look(wanted: Sequence[_Wanted], signal: Signal, found: dict[str, bool]) -> None:
    for entity, read, plans in wanted:
        ref = read(signal)
        if ref is None:
            continue
        name = f"{entity}:{ref}"
        if name not in found and any(_matches(plan, signal) for plan in plans):
            found[name] = False


def _matches(plan: Plan, signal: Signal) -> bool:
    try:
        return bool(plan.find(signal))
    except Exception as error:
        raise PatternError(plan.pattern.id) from error
