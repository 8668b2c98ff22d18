"""Everything there is to tell of one detection, and of what was done because of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streams.agents.known_material import REMOVAL
from streams.patterns import Pattern, RuleSet
from streams.patterns.pattern import SHADOW
from streams.recording import Progress
from streams.records import Detection
from streams.signals.times import parse_ms
from streams.workbench.explain import builtin, recorded
from streams.workbench.explain.about import About, about
from streams.workbench.explain.actions import VIGIL, Action, Step, actions
from streams.workbench.explain.conditions import Explained, measured
from streams.workbench.explain.moments import DECISION, DETECTION, Moment, heard, signal_moment
from streams.workbench.explain.near import NearMiss
from streams.workbench.explain.recorded import History, NotFound, named_by
from streams.workbench.explain.records import Chain, Records, follow, of_actions
from streams.workbench.explain.rerun import Rerun, rerun
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
    behind = follow(detection, records)
    reproduced = history.replayed or any(one.id == detection.id for _, one in again.said)
    known = {pattern.id: pattern for pattern in ruleset.patterns}
    titles = builtin.TITLES | {pattern.id: pattern.title for pattern in ruleset.patterns}
    pattern = known.get(detection.pattern)
    notes = list(_notes(detection, pattern, ruleset, reproduced=reproduced))
    notes += _of_the_recording(history, behind, again.refused)
    if pattern is not None and pattern.version != detection.version:
        pattern = None
    rule = builtin.rule_of(detection)
    explained = Explained(pattern) if pattern else None
    start, end = parse_ms(detection.window.start), parse_ms(detection.window.end)
    meant = {
        detection.id,
        *(o.id for o in records.detections.values() if o.retracts == detection.id),
    }
    done = actions(meant, records, again.signals, ruleset.policy, history.newest)
    others = [
        Other(
            parse_ms(one.at),
            titles.get(one.pattern, one.pattern),
            one,
            one.id in records.taken_back,
        )
        for one in records.detections.values()
        if one.id != detection.id and one.retracts is None
    ]
    signals = _signals(again, behind, explained, ruleset)
    sharing = {moment.account for moment in signals if moment.account} - {detection.account}
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
        moments=_moments(signals, detection, others, _done(records, done), titles),
        behind=list(_behind(behind, titles)),
        actions=done,
        nothing="" if done else _nothing(detection, pattern),
        looks=_looks(meant, records),
        others=sorted(others, key=lambda other: (other.at, other.title)),
        near=[near for near in again.near if near.pattern.id != detection.pattern],
        taken_back=detection.id in records.taken_back,
        notes=notes,
        files=tuple(files),
    )


def _joined(history: History, now: Sequence[tuple[int, Said]]) -> Records:
    """What was said then, as far as it is known, and what is said now.

    Of a topic whose records are known nothing is worked out but detections; and of those none where a
    pattern decided in another version then: it would be the same thing told twice.
    """
    version = {one.pattern: one.version for _, one in now if isinstance(one, Detection)}
    then = (one for _, one in history.said if isinstance(one, Detection))
    other = {one.pattern for one in then if version.get(one.pattern, one.version) != one.version}
    records = history.records
    for ts, one in now:
        if isinstance(one, Detection):
            if one.pattern not in other:
                records.add(one, ts)
        elif _TOPIC_OF[type(one)] not in history.topics:
            records.add(one, ts)
    return records


def _notes(
    detection: Detection, pattern: Pattern | None, ruleset: RuleSet, *, reproduced: bool
) -> Iterable[str]:
    rule = builtin.rule_of(detection)
    if pattern is None and rule is None:
        yield (
            f"The rules at hand have no pattern {detection.pattern}. What follows is what the "
            "recording says; name the rules of that time with --rules."
        )
    elif pattern is not None and pattern.version != detection.version:
        yield (
            f"This was decided by version {detection.version} of the pattern, and the rules at hand "
            f"have version {pattern.version}. Evidence and values are as recorded; name the rules "
            f"of that time (rule set {detection.ruleset}) with --rules to see which rule each "
            f"signal matched."
        )
    elif not reproduced:
        yield (
            "The signals recorded here don't lead to this very detection: some are missing, or "
            "they came in another order then. Evidence and values are as recorded."
        )
    elif rule is None and detection.ruleset != ruleset.hash:
        yield "The rules at hand are another rule set, but have the same version of this pattern."


def _of_the_recording(history: History, behind: Chain, refused: int) -> Iterable[str]:
    if behind.missing:
        yield (
            f"{behind.missing:,} of the derived signals it rests on can't be followed back: they are "
            "not recorded here, and the signals recorded here don't lead to them."
        )
    if not {"enforcement", "review-queue"} & history.topics:
        yield (
            "What was decided is not recorded here. What follows is what the rules and policy at hand "
            "make of these accounts alone: a budget may have held it then."
        )
    if history.left_out:
        yield (
            f"{history.left_out:,} more accounts share it, whose signals are not shown; those with "
            "evidence come first."
        )
    if refused:
        yield f"{refused:,} records of this account were refused and are not shown."


def _signals(
    again: Rerun, behind: Chain, explained: Explained | None, ruleset: RuleSet
) -> list[Moment]:
    """The signals as moments, marked where the detection rests on them, at once or in the end."""
    detection = behind.detection
    telling = explained.fields if explained else set[str]()
    derived = set(detection.derived or ())
    heard = [signal for signal in again.heard if signal.id in derived]
    causes = [link.cause for link in behind.links if link.cause is not None]
    found = []
    for signal in sorted((*again.signals, *heard), key=lambda signal: signal.at):
        moment = signal_moment(signal, telling)
        if signal.id in derived or _is_evidence(signal, detection, ruleset):
            moment.matched = explained.matched(signal) if explained else []
            moment.evidence = bool(moment.matched) or explained is None
        elif any(_is_evidence(signal, cause, ruleset) for cause in causes):
            moment.behind = True
        found.append(moment)
    return found


def _is_evidence(signal: Any, detection: Detection, ruleset: RuleSet) -> bool:
    if signal.id not in detection.evidence:
        return False
    start, end = parse_ms(detection.window.start), parse_ms(detection.window.end)
    # What is held may have been confirmed long before it turned up here.
    if not start <= signal.at <= end and detection.pattern != REMOVAL.id:
        return False
    if detection.entity is None:
        return bool(signal.account == detection.account)
    return detection.entity in named_by(signal, ruleset.schema)


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


def _done(records: Records, done: Sequence[Action]) -> list[Moment]:
    """What was enforced, and what ended it."""
    return [
        Moment(at=parse_ms(one.at), kind=DECISION, what=one.action, topic="enforcement", id=one.id)
        for one in of_actions(records, (action.id for action in done))
    ]


def _measured(detection: Detection, pattern: Pattern | None) -> str:
    values = dict(detection.values)
    if pattern is not None:
        quantity = values.get(pattern.measures)
        return measured(pattern, quantity) if isinstance(quantity, int | float) else ""
    threshold = values.pop("threshold", None)
    told = [f"{name} {value}" for name, value in values.items()]
    return ", ".join(told) + (f" of {threshold}" if threshold is not None else "")


def _moments(
    signals: Iterable[Moment],
    detection: Detection,
    others: Iterable[Other],
    done: Iterable[Moment],
    titles: dict[str, str],
) -> list[Moment]:
    """Signals and what was found and done, by time; of the same time the signals come first."""
    found = [
        _found(one, titles.get(one.pattern, one.pattern))
        for one in (detection, *(other.detection for other in others))
    ]
    return sorted(chain(signals, found, done), key=lambda moment: moment.at)


def _found(detection: Detection, title: str) -> Moment:
    return Moment(
        at=parse_ms(detection.at),
        kind=DETECTION,
        what=title,
        topic="detections",
        id=detection.id,
        details=[detection.mode],
    )
