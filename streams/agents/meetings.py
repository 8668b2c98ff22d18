"""Which of an account's signals the entities agent hears of, and what the account keeps for that.

An `entity-signal` is emitted for each entity that a signal names if

(a) the signal is one that a pattern about such entities looks for, or
(b) the account meets the entity anew, or for the first time in a week, or
(c) a hit on it is confirmed, or content comes in: uploaded, shared or sent. What was removed
    yesterday has to go again today, so content that comes in is never taken for known.

(b) is asked of every signal of every account, so it must cost next to nothing: an account that is
where it was with its last signal has met nothing new, and one comparison tells so. Otherwise it
looks for the entity among the digests of those it met; once a week it forgets them all. Where the
ring of `MET` has turned, an entity is met anew, which does no harm. Content is much and mostly met
once: only the last two are kept.

Entities of a type no pattern is about are met by nobody, content and data sets excepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from xxhash import xxh32_intdigest

from streams.agents.account_state import AccountRecord, digest
from streams.agents.contract import Out
from streams.agents.matching import PatternError
from streams.patterns import RuleSet
from streams.patterns.dispatch import Dispatch, dispatch
from streams.patterns.pattern import ENTITIES
from streams.patterns.plans import ANY, Plan
from streams.records import EntitySignal
from streams.signals import Signal

SIGNALS = "entity-signals"
"""The topic. Only what came in leads to it, never what is derived: guilt doesn't travel."""
TOLD = ("moderation-hits", "reviews", "activity")
"""Topics whose signals are told on, in tie order."""

MET = 32
"""Entities an account remembers having met."""
MARK_BYTES = 5
"""Two references of one account are taken for the same about once in 10¹¹ meetings."""
MET_BYTES = MET * MARK_BYTES
CONTENT_MET_BYTES = 2 * MARK_BYTES

DAY_S = 86_400
FORGETS_S = 7 * DAY_S
"""How often an account meets everything anew."""
YOUNG_S = 7 * DAY_S
"""How long after it was made an account is young."""

PLACES = ("device", "network", "payment")
CONTENT = ("content_ref", "dataset_ref")
"""Entities whose holders must all be known: what is confirmed is removed everywhere."""
NOBODYS = ("detector",)
"""Entities that people don't share."""

COMES_IN = frozenset(
    {"upload.created", "content.shared", "message.sent", "finetune.created", "dataset.created"}
)
"""Kinds of activity that bring content in."""
NOT_HELD = frozenset({"report.filed"})
"""Kinds of activity that name somebody else's content."""

CREATED = "account.created"


class Place(NamedTuple):
    """A type of entity that people share, and how to read it."""

    entity: str
    read: Callable[[Any], str | None]


class Sought(NamedTuple):
    """A type of entity, how to read it, and what may look for a signal that names one."""

    entity: str
    read: Callable[[Any], str | None]
    find: Dispatch


class Meetings:
    """What accounts tell of the entities they meet, under one rule set.

    Each method takes the account's record, in which it notes what is to be kept (it doesn't put
    it), and a signal of its topic; it raises `PatternError` for what a pattern raises.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        schema = ruleset.schema
        shared = {pattern.entity for pattern in ruleset.patterns}.difference(CONTENT, NOBODYS)
        places = {
            topic: tuple(
                Place(entity, attrgetter(name))
                for entity, name in schema.entities.items()
                if entity in shared and name in schema.fields(topic)
            )
            for topic in TOLD
        }
        self._places = places["activity"]
        self._places_of_hits = places["moderation-hits"]
        # Where an account is, beyond the built-in places.
        others = [one.read for one in self._places if one.entity not in PLACES]
        self._others = others or None
        wanted = sought(ruleset)
        self._activity = {CREATED: (), **wanted["activity"]}
        self._hits = wanted["moderation-hits"]
        self._reviews = wanted["reviews"].get(ANY, ())

    def activity(self, record: AccountRecord, signal: Any, out: Out) -> None:
        """Tell of an activity."""
        where = xxh32_intdigest(f"{signal.device}/{signal.network}/{signal.payment}")
        if self._others is not None:
            where ^= xxh32_intdigest("/".join(str(read(signal)) for read in self._others))
        kind = signal.kind
        wanted = self._activity.get(kind)
        moved = where != record.where or signal.at >= record.forgets * 1000
        has_content = signal.content_ref is not None or signal.dataset_ref is not None
        if not moved and wanted is None and not has_content:
            return
        found: dict[str, bool] = {}
        if moved:
            record.where = where
            _meet(record, signal, self._places, found)
        if has_content and kind not in NOT_HELD:
            _meet_content(record, signal, found, always=kind in COMES_IN)
        if wanted is not None:
            if kind == CREATED:
                record.created = signal.at // 1000
            look(wanted, signal, found)
        if found:
            self._emit(record, signal, found, out, patient=True)

    def hit(self, record: AccountRecord, signal: Any, out: Out) -> None:
        """Tell of a moderation hit; its account is who put the content there."""
        found: dict[str, bool] = {}
        _meet(record, signal, self._places_of_hits, found)
        _meet_content(record, signal, found, always=signal.verdict == "confirmed")
        look(self._hits.get(signal.category, ()), signal, found)
        if found:
            self._emit(record, signal, found, out)

    def review(self, record: AccountRecord, signal: Any, out: Out) -> None:
        """Tell of a review, where a pattern looks for it: a reviewer meets nothing."""
        found: dict[str, bool] = {}
        look(self._reviews, signal, found)
        if found:
            self._emit(record, signal, found, out)

    def _emit(
        self,
        record: AccountRecord,
        signal: Signal,
        found: dict[str, bool],
        out: Out,
        *,
        patient: bool = False,
    ) -> None:
        # Nearly every checkpoint's worth of activity has met something. If that hurried, state that
        # is encoded once a second now would be six times.
        ident, account, at, topic = signal.id, signal.account, signal.at, signal.topic
        young = at < (record.created + YOUNG_S) * 1000
        for entity, met in found.items():
            told = EntitySignal(ident, entity, account, at, topic, signal, met, young)
            out.emit(SIGNALS, entity, told, patient=patient)


def _meet(
    record: AccountRecord, signal: Any, places: Sequence[Place], found: dict[str, bool]
) -> None:
    """Add the places a signal names that the account hasn't met this week."""
    at = signal.at
    if at >= record.forgets * 1000:
        record.met = record.content = b""
        record.forgets = at // 1000 + FORGETS_S
    for entity, read in places:
        ref = read(signal)
        if ref is not None:
            name = f"{entity}:{ref}"
            mark = digest(name)[:MARK_BYTES]
            # Found across two others it would not be itself; that is rarer than another's digest.
            if mark not in record.met:
                record.met = (record.met + mark)[-MET_BYTES:]
                found[name] = True


def _meet_content(
    record: AccountRecord, signal: Any, found: dict[str, bool], *, always: bool
) -> None:
    for entity, ref in zip(CONTENT, (signal.content_ref, signal.dataset_ref), strict=True):
        if ref is not None:
            name = f"{entity}:{ref}"
            mark = digest(name)[:MARK_BYTES]
            new = mark not in record.content
            if new:
                record.content = (record.content + mark)[-CONTENT_MET_BYTES:]
            if new or always:
                found[name] = new


def look(wanted: Sequence[Sought], signal: Signal, found: dict[str, bool]) -> None:
    """Add the entities (``TYPE:REF``) that a pattern looks for such a signal about."""
    for entity, read, find in wanted:
        ref = read(signal)
        if ref is not None:
            name = f"{entity}:{ref}"
            if name not in found and any(_matches(plan, signal) for plan in find(signal)):
                found[name] = False


def _matches(plan: Plan, signal: Signal) -> bool:
    try:
        return bool(plan.find(signal))
    except Exception as error:
        raise PatternError(plan.pattern.id) from error


def sought(ruleset: RuleSet) -> dict[str, dict[str, tuple[Sought, ...]]]:
    """What patterns about entities look for, by topic and value of its dispatch field."""
    fields = ruleset.schema.fields
    found: dict[str, dict[str, tuple[Sought, ...]]] = {}
    for topic, by_value in ruleset.plans_of(ENTITIES).items():
        of_topic = found[topic] = {}
        for value, plans in by_value.items():
            own: dict[tuple[str, str], list[Plan]] = {}
            for plan in plans:
                own.setdefault((str(plan.pattern.entity), plan.owner), []).append(plan)
            of_topic[value] = tuple(
                Sought(entity, attrgetter(name), dispatch({value: some}, fields(topic))[value])
                for (entity, name), some in own.items()
            )
    return found
