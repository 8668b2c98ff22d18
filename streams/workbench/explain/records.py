"""What Vigil said of one account, by id, and what led from one record to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.records import AccountSignal, Detection, Enforcement, Proposal, ReviewItem
from streams.workbench.explain.understanding import Said

ENDS = ("undo", "expire")
"""Actions of an enforcement record that end another one."""


class Records:
    """The records of one account. Of several with one id the first counts: what was recorded."""

    def __init__(self) -> None:
        self.detections: dict[str, Detection] = {}
        self.enforcement: dict[str, Enforcement] = {}
        self.proposals: dict[str, Proposal] = {}
        self.items: dict[str, tuple[int, ReviewItem]] = {}
        """With when they were queued (ms), which they don't say themselves."""
        self.signals: dict[str, AccountSignal] = {}

    def add(self, said: Said, ts: int) -> None:
        """One more, with the time stamp of its line (ms)."""
        if isinstance(said, Detection):
            self.detections.setdefault(said.id, said)
        elif isinstance(said, Enforcement):
            self.enforcement.setdefault(said.id, said)
        elif isinstance(said, Proposal):
            self.proposals.setdefault(said.id, said)
        elif isinstance(said, ReviewItem):
            self.items.setdefault(said.id, (ts, said))
        else:
            self.signals.setdefault(said.id, said)

    @property
    def taken_back(self) -> set[str]:
        """Ids of detections that were retracted."""
        return {one.retracts for one in self.detections.values() if one.retracts is not None}

    def behind(self, id_: str) -> Detection | None:
        """The detection meant by the id of any record, None where it isn't there."""
        todo, met = [id_], set[str]()
        while todo:
            one = todo.pop(0)
            if one in met:
                continue
            met.add(one)
            detection = self.detections.get(one)
            if detection is None:
                todo += self._before(one)
            elif detection.retracts is None:
                return detection
            else:
                todo.append(detection.retracts)
        return None

    def _before(self, id_: str) -> Iterator[str]:
        for said in (self.enforcement.get(id_), self.proposals.get(id_)):
            yield from said.detections if said else ()
        if id_ in self.items:
            item = self.items[id_][1]
            yield from (*item.detections, item.proposal)
        if id_ in self.signals:
            signal = self.signals[id_]
            yield from filter(None, (signal.detection, signal.proposal))


class Link(NamedTuple):
    """Something derived that a detection rests on.

    `cause` is the detection it follows from, None where that is content which a hit on whomever
    confirmed, or where it isn't known.
    """

    signal: AccountSignal
    cause: Detection | None


class Chain(NamedTuple):
    """A detection and all it rests on beside input; `missing` derived signals aren't there."""

    detection: Detection
    links: list[Link]
    missing: int

    @property
    def entities(self) -> set[str]:
        """The entities (``TYPE:REF``) it is about: what others did there is part of it."""
        found = {one.entity for one in self._every if one.entity is not None}
        return found | {link.signal.entity for link in self.links if link.signal.entity}

    @property
    def evidence(self) -> set[str]:
        """Ids of all that came in and that it rests on, at once or in the end."""
        return {id_ for one in self._every for id_ in one.evidence}

    @property
    def _every(self) -> list[Detection]:
        causes = (link.cause for link in self.links)
        return [self.detection, *(one for one in causes if one is not None)]


def follow(detection: Detection, records: Records) -> Chain:
    """Follow what a detection rests on back to the input."""
    chain = Chain(detection, [], 0)
    todo, met = list(detection.derived or ()), set[str]()
    missing = 0
    while todo:
        id_ = todo.pop(0)
        if id_ in met:
            continue
        met.add(id_)
        signal = records.signals.get(id_)
        if signal is None:
            missing += 1
            continue
        cause = records.behind(id_)
        chain.links.append(Link(signal, cause))
        if cause is not None:
            todo += cause.derived or ()
    return chain._replace(missing=missing)


def of_actions(records: Records, ids: Iterable[str]) -> Iterator[Enforcement]:
    """The enforcement records about some actions, by id: what was done, and what ended it."""
    wanted = set(ids)
    for one in records.enforcement.values():
        if one.id in wanted or one.undoes in wanted:
            yield one
