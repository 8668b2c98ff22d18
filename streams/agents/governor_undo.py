"""Undo: every action of a version that stands, or one action by its id.

A version may have been granted a million actions. They are walked over in buckets, some at a time:
the first ones at once, the others as time passes, so that no transaction grows. Actions that were
granted after the order aren't touched, however long the walk takes: grants are numbered.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.agents.contract import Out, State
from streams.agents.governor_state import (
    BUCKETS,
    DECISION,
    GRANTED,
    KEPT_MS,
    UNDO,
    VERSION,
    Decision,
    Undo,
    bucket_key,
)
from streams.agents.governor_verdicts import Place, Word, decision_at, review_item, undo

STEP = 200
"""Actions that are undone in one go, if nothing else is said."""

PACE_MS = 100
"""Between two steps, by the partition's progress."""

MATERIAL = frozenset({"content.remove", "dataset.quarantine", "preserve"})
"""Actions on material, not on a person. Where zero tolerance covers them they are never undone in
bulk, for confirmed material would be out again: a person looks at each."""


class Walk(NamedTuple):
    """Where an undo of a version is ordered: by which command about which pattern."""

    pattern: str
    command: str


def undo_version(state: State, walk: Walk, order: Undo, step: int, out: Out) -> None:
    """Undo the next `step` actions of a version, and leave what remains for later."""
    if _undo_next(state, walk.pattern, order, step, out):
        state.delete(UNDO, walk.pattern, walk.command)
        return
    order.due = state.now + PACE_MS
    state.put(UNDO, walk.pattern, order, order.due + KEPT_MS, walk.command)


def undo_one(state: State, pattern: str, id_: str, word: Word, out: Out) -> None:
    """Undo one action, if it stands, whatever it is."""
    for version, _ in state.scan(VERSION, pattern):
        place = Place(pattern, version, id_)
        decision = decision_at(state, place)
        if decision is not None and decision.status == GRANTED:
            undo(state, place, decision, word, out)


def _undo_next(state: State, pattern: str, order: Undo, step: int, out: Out) -> bool:
    """Whether there were no more than `step`."""
    word = Word(order.at, order.reviewer)
    done = 0
    while order.bucket < BUCKETS:
        key = bucket_key(pattern, order.version, order.bucket)
        for id_, decision in state.scan(DECISION, key):
            if id_ <= order.after or decision.status != GRANTED or decision.number > order.until:
                continue
            if done == step:
                return False
            done += 1
            order.after = id_
            _undo(state, Place(pattern, order.version, id_), decision, word, out)
        order.bucket += 1
        order.after = ""
    return True


def _undo(state: State, place: Place, decision: Decision, word: Word, out: Out) -> None:
    if decision.zero and decision.action in MATERIAL:
        item = review_item(place, decision, "needs_review", word.at)
        out.emit("review-queue", decision.account, item)
    else:
        undo(state, place, decision, word, out)
