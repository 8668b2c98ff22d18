"""Everything there is to tell of one detection, and of what was done because of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.agents.known_material import REMOVAL
from streams.patterns import Pattern, RuleSet
from streams.patterns.pattern import SHADOW
from streams.recording import Progress
from streams.records import Detection, Proposal
from streams.signals.times import parse_ms
from streams.workbench.explain import builtin, notes, recorded
from streams.workbench.explain.about import About, about
from streams.workbench.explain.actions import VIGIL, Action, Step, actions
from streams.workbench.explain.conditions import Explained, measured
from streams.workbench.explain.marked import done, found, marked
from streams.workbench.explain.moments import Moment, heard
from streams.workbench.explain.near import NearMiss
from streams.workbench.explain.recorded import History, NotFound
from streams.workbench.explain.records import Chain, Records, follow, of_actions
from streams.workbench.explain.rerun import rerun
from streams.workbench.explain.understanding import TOPICS, Said

_TOPIC_OF = {struct: topic for topic, struct in TOPICS.items()}


class Other(NamedTuple):
    """Another detection of the same account (`at` in ms); `taken_back` if it was retracted."""

    at: int
    title: str
    detection: Detection
    taken_back: bool


class Behind(NamedTuple):
    """Something derived that the detection rests on (`at` in ms), and what it says.

    `title` and `detection` are of what led to it, empty where a hit on content did.
    """

    at: int
    what: str
    title: str
    detection: str
    id: str


class Story(msgspec.Struct, kw_only=True):
    """One detection, told. Times are ms since the epoch, lists are by time.

    `pattern` is None where the rules at hand have no such pattern, or another version of it: then
    `notes` say so, and what is told is what the recording says. `condition` is what had to be
    there, `measured` how much of it was. `entity` is what the account shares with `sharing` others,
    whose signals about it are among the moments. `nothing` says why nothing was done, if nothing was;
    `looks` are people asked to look at the detection itself.
    """

    asked: str
    detection: Detection
    pattern: Pattern | None
    title: str
    about: About
    condition: str
    measured: str
    at: int
    start: int
    end: int
    entity: str | None
    sharing: int
    moments: list[Moment]
    behind: list[Behind]
    actions: list[Action]
    nothing: str
    looks: list[Step]
    others: list[Other]
    near: list[NearMiss]
    taken_back: bool
    notes: list[str]
    files: tuple[Path, ...]


def tell(
    asked: str, files: Sequence[Path], ruleset: RuleSet, progress: Progress = lambda _: None
) -> Story:
    """The story of the record `asked` of Vigil's (a detection, an enforcement, …), from recordings.

    `progress` is told of a replay, where one is needed. Raises NotFound, and what reading a recording
    raises.
    """
    history = recorded.read(asked, files, ruleset, progress)
    before = history.records
    known_of = before.behind(asked)
    entities = follow(known_of, before).entities if known_of else set[str]()
    again = rerun(history, ruleset, asked, entities)
    records = _joined(history, again.said)
    detection = records.behind(asked)
    if detection is None:
        raise NotFound(
            f"the recording names {asked}, but not the detection behind it: add the recording of "
            "the topic detections with another --from"
        )
    behind, taken_back = follow(detection, records), records.taken_back
    reproduced = history.replayed or any(one.id == detection.id for _, one in again.said)
    known = {pattern.id: pattern for pattern in ruleset.patterns}
    titles = builtin.TITLES | {pattern.id: pattern.title for pattern in ruleset.patterns}
    pattern = known.get(detection.pattern)
    told = [
        *notes.of_the_rules(detection, pattern, ruleset, reproduced=reproduced),
        *notes.of_the_recording(history, behind, again.refused),
    ]
    if pattern is not None and pattern.version != detection.version:
        pattern = None
    rule = builtin.rule_of(detection)
    explained = Explained(pattern) if pattern else None
    start, end = parse_ms(detection.window.start), parse_ms(detection.window.end)
    meant = {
        detection.id,
        *(o.id for o in records.detections.values() if o.retracts == detection.id),
    }
    acts = actions(meant, records, again.signals, ruleset.policy, history.newest)
    first = [one for one in records.detections.values() if one.retracts is None]
    moments = marked(again, behind, explained, ruleset)
    sharing = {moment.account for moment in moments} - {detection.account}
    # Of the same time the signals come first.
    moments += found(first, titles)
    moments += done(of_actions(records, (one.id for one in acts)))
    others = [
        Other(parse_ms(one.at), titles.get(one.pattern, one.pattern), one, one.id in taken_back)
        for one in first
        if one.id != detection.id
    ]
    return Story(
        asked=asked,
        detection=detection,
        pattern=pattern,
        title=titles.get(detection.pattern, f"Pattern {detection.pattern}"),
        about=rule.about if rule else about(known.get(detection.pattern)),
        condition=rule.condition if rule else explained.condition if explained else "",
        measured=_measured(detection, pattern),
        at=parse_ms(detection.at),
        start=start,
        end=end,
        entity=detection.entity,
        sharing=len(sharing),
        moments=sorted(moments, key=lambda moment: moment.at),
        behind=list(_behind(behind, titles)),
        actions=acts,
        nothing="" if acts else _nothing(detection, pattern),
        looks=_looks(meant, records),
        others=sorted(others, key=lambda other: (other.at, other.title)),
        near=[near for near in again.near if near.pattern.id != detection.pattern],
        taken_back=detection.id in taken_back,
        notes=told,
        files=tuple(files),
    )


def _joined(history: History, now: Sequence[tuple[int, Said]]) -> Records:
    """What was said then, as far as it is known, and what is said now.

    Of a topic whose records are known nothing is worked out but detections; and of those none where a
    pattern decided in another version then: it would be the same thing told twice. Where it is known
    what was decided, proposals only add to that: without a verdict of then there was none.
    """
    version = {one.pattern: one.version for _, one in now if isinstance(one, Detection)}
    then = (one for _, one in history.said if isinstance(one, Detection))
    other = {one.pattern for one in then if version.get(one.pattern, one.version) != one.version}
    records = history.records
    decided = {"enforcement", "review-queue"} <= history.topics
    known = {*records.enforcement, *(item.proposal for _, item in records.items.values())}
    for ts, one in now:
        if isinstance(one, Detection):
            if one.pattern not in other:
                records.add(one, ts)
        elif _TOPIC_OF[type(one)] in history.topics:
            continue
        elif not (decided and isinstance(one, Proposal) and one.id not in known):
            records.add(one, ts)
    return records


def _behind(chain_: Chain, titles: dict[str, str]) -> Iterable[Behind]:
    for signal, cause in chain_.links:
        what = " ".join(filter(None, (heard(signal), signal.entity)))
        title = titles.get(cause.pattern, cause.pattern) if cause else ""
        yield Behind(parse_ms(signal.at), what, title, cause.id if cause else "", signal.id)


def _nothing(detection: Detection, pattern: Pattern | None) -> str:
    if detection.mode == SHADOW:
        if "crowd" in detection.values:
            return "nothing: a crowd shares this, which says nothing of any one of them"
        return "nothing: the pattern is a shadow, it is only being tried"
    if detection.pattern == REMOVAL.id:
        return "nothing: the same is removed already"
    if pattern is None:
        return "nothing that is recorded here"
    if pattern.block.action is None:
        return "nothing: it only detects"
    return (
        "nothing: the policy held it off (a snooze, the cool-down, a proposal of the same pattern that "
        "waits, a surface for data sets), or it is known material, which has actions of its own"
    )


def _looks(meant: set[str], records: Records) -> list[Step]:
    return [
        Step(ts, "a person is asked to look", VIGIL, item.id)
        for ts, item in records.items.values()
        if item.proposal in meant
    ]


def _measured(detection: Detection, pattern: Pattern | None) -> str:
    values = dict(detection.values)
    if pattern is not None:
        quantity = values.get(pattern.measures)
        return measured(pattern, quantity) if isinstance(quantity, int | float) else ""
    threshold = values.pop("threshold", None)
    told = [f"{name} {value}" for name, value in values.items()]
    return ", ".join(told) + (f" of {threshold}" if threshold is not None else "")
