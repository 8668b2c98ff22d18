"""Everything there is to tell of one detection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.patterns import Pattern, RuleSet
from streams.recording import Progress
from streams.records import Detection, Enforcement
from streams.signals.times import parse_ms
from streams.workbench.explain import recorded
from streams.workbench.explain.conditions import Explained, measured
from streams.workbench.explain.moments import DECISION, DETECTION, Moment, signal_moment
from streams.workbench.explain.near import NearMiss
from streams.workbench.explain.recorded import NotFound, Said
from streams.workbench.explain.rerun import rerun

_SECTION = re.compile(r"^(Why|Review|Thresholds):\s*", re.MULTILINE)


class About(msgspec.Struct):
    """What a rule says of itself. `text` is its description where it has no such parts."""

    why: str = ""
    review: str = ""
    thresholds: str = ""
    text: str = ""
    falsepositives: tuple[str, ...] = ()


class Other(NamedTuple):
    """Another detection of the same account (`at` in ms); `taken_back` if it was retracted."""

    at: int
    title: str
    detection: Detection
    taken_back: bool


class Decision(NamedTuple):
    """Something done because of the detection, or a reviewer's word about it (ms since the epoch).

    `action` is what an enforcement record says is to be done, or what the reviewer found.
    """

    at: int
    action: str
    id: str
    by: str


class Story(msgspec.Struct, kw_only=True):
    """One detection, told. Times are ms since the epoch, lists are by time.

    `pattern` is None where the rules at hand have no such pattern, or another version of it: then
    `notes` say so, and what is told is what the recording says. `condition` is what had to be
    there, `measured` how much of it was.
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
    moments: list[Moment]
    decisions: list[Decision]
    others: list[Other]
    near: list[NearMiss]
    taken_back: bool
    notes: list[str]
    files: tuple[Path, ...]


def tell(
    asked: str, files: Sequence[Path], ruleset: RuleSet, progress: Progress = lambda _: None
) -> Story:
    """The story of the detection or enforcement `asked`, from recordings.

    `progress` is told of a replay, where one is needed to find it. Raises NotFound, and what reading a recording raises.
    """
    account = recorded.find(asked, files, ruleset, progress)
    history = recorded.read(account, files, ruleset.schema)
    again = rerun(history, ruleset, asked)
    said = _joined(history.said, again.said)
    detection = _detection(asked, said)
    reproduced = any(one.id == detection.id for one in again.said)
    known = {pattern.id: pattern for pattern in ruleset.patterns}
    pattern = known.get(detection.pattern)
    notes = list(_notes(detection, pattern, ruleset, again.refused, reproduced=reproduced))
    if pattern is not None and pattern.version != detection.version:
        pattern = None
    explained = Explained(pattern) if pattern else None
    start, end = parse_ms(detection.window.start), parse_ms(detection.window.end)
    telling = explained.fields if explained else set[str]()
    signals = [signal_moment(signal, telling) for signal in again.signals]
    for moment, signal in zip(signals, again.signals, strict=True):
        if moment.id in detection.evidence and start <= moment.at <= end:
            moment.matched = explained.matched(signal) if explained else []
            moment.evidence = bool(moment.matched) or explained is None
    taken_back = {one.retracts for one in said if isinstance(one, Detection) and one.retracts}
    titles = {pattern.id: pattern.title for pattern in ruleset.patterns}
    others = [
        Other(parse_ms(one.at), titles.get(one.pattern, one.pattern), one, one.id in taken_back)
        for one in said
        if isinstance(one, Detection) and one.id != detection.id and one.retracts is None
    ]
    decisions = sorted(_decisions(detection, said, again.signals))
    return Story(
        asked=asked,
        detection=detection,
        pattern=pattern,
        title=titles.get(detection.pattern, f"Pattern {detection.pattern}"),
        about=_about(known.get(detection.pattern)),
        condition=explained.condition if explained else "",
        measured=_measured(detection, pattern),
        at=parse_ms(detection.at),
        start=start,
        end=end,
        moments=_moments(signals, detection, others, decisions, titles),
        decisions=decisions,
        others=sorted(others, key=lambda other: (other.at, other.title)),
        near=[near for near in again.near if near.pattern.id != detection.pattern],
        taken_back=detection.id in taken_back,
        notes=notes,
        files=tuple(files),
    )


def _joined(before: Sequence[Said], now: Sequence[Said]) -> list[Said]:
    """What the recording says was decided, and what it leaves out, worked out.

    Of a pattern that decided in another version then, nothing is worked out: it would be the same
    thing told twice.
    """
    version = {one.pattern: one.version for one in now}
    other = {one.pattern for one in before if version.get(one.pattern, one.version) != one.version}
    added = (one for one in now if one.pattern not in other)
    return list({one.id: one for one in chain(added, before)}.values())


def _detection(asked: str, said: Iterable[Said]) -> Detection:
    """The detection meant by its own id, by that of an enforcement, or of what takes it back."""
    by_id = {one.id: one for one in said}
    one = by_id.get(asked)
    while one is not None:
        if isinstance(one, Enforcement):
            one = by_id.get(one.detections[0]) if one.detections else None
        elif one.retracts is not None:
            one = by_id.get(one.retracts)
        else:
            return one
    raise NotFound(
        f"the recording names {asked}, but not the detection behind it: add the recording of the "
        "topic detections with another --from"
    )


def _notes(
    detection: Detection,
    pattern: Pattern | None,
    ruleset: RuleSet,
    refused: int,
    *,
    reproduced: bool,
) -> Iterable[str]:
    if pattern is None:
        yield (
            f"The rules at hand have no pattern {detection.pattern}. What follows is what the "
            "recording says; name the rules of that time with --rules."
        )
    elif pattern.version != detection.version:
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
    elif detection.ruleset != ruleset.hash:
        yield "The rules at hand are another rule set, but have the same version of this pattern."
    if refused:
        yield f"{refused:,} records of this account were refused and are not shown."


def _about(pattern: Pattern | None) -> About:
    if pattern is None:
        return About()
    pieces = _SECTION.split(pattern.description)
    parts = {
        name.lower(): " ".join(text.split())
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }
    return About(**parts, text=" ".join(pieces[0].split()), falsepositives=pattern.falsepositives)


def _measured(detection: Detection, pattern: Pattern | None) -> str:
    values = dict(detection.values)
    if pattern is not None:
        quantity = values.get(pattern.measures)
        return measured(pattern, quantity) if isinstance(quantity, int | float) else ""
    threshold = values.pop("threshold", None)
    told = [f"{name} {value}" for name, value in values.items()]
    return ", ".join(told) + (f" of {threshold}" if threshold is not None else "")


def _decisions(
    detection: Detection, said: Iterable[Said], signals: Iterable[object]
) -> Iterable[Decision]:
    meant = {detection.id}
    for one in said:
        if isinstance(one, Detection) and one.retracts == detection.id:
            yield Decision(parse_ms(one.at), "taken back", one.id, "a signal that came late")
            meant.add(one.id)
    for one in said:
        if isinstance(one, Enforcement) and meant.intersection(one.detections):
            meant.add(one.id)
            by = {"fully": "Vigil", "partially": "Vigil and a person", "not": "a person"}
            yield Decision(parse_ms(one.at), one.action, one.id, by[one.automated])
    for signal in signals:
        if getattr(signal, "topic", "") == "reviews" and signal.decision in meant:  # type: ignore[attr-defined]
            yield Decision(signal.at, signal.outcome, signal.decision, "a reviewer")  # type: ignore[attr-defined]


def _moments(
    signals: Iterable[Moment],
    detection: Detection,
    others: Iterable[Other],
    decisions: Iterable[Decision],
    titles: dict[str, str],
) -> list[Moment]:
    """Signals and what was found and done, by time; of the same time the signals come first."""
    found = [
        _found(one, titles.get(one.pattern, one.pattern))
        for one in (detection, *(other.detection for other in others))
    ]
    done = [
        Moment(at=one.at, kind=DECISION, what=one.action, topic="enforcement", id=one.id)
        for one in decisions
        if one.by != "a reviewer"  # that is a signal of its own
    ]
    return sorted((*signals, *found, *done), key=lambda moment: moment.at)


def _found(detection: Detection, title: str) -> Moment:
    return Moment(
        at=parse_ms(detection.at),
        kind=DETECTION,
        what=title,
        topic="detections",
        id=detection.id,
        details=[detection.mode],
    )
