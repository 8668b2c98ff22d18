"""A story for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.signals.times import format_ms
from streams.workbench.explain.actions import Action, Step
from streams.workbench.explain.conditions import nearness
from streams.workbench.explain.moments import SIGNAL, Moment
from streams.workbench.explain.near import NearMiss
from streams.workbench.explain.story import Story


def as_data(story: Story) -> Mapping[str, Any]:
    """The story as JSON can hold it: times RFC 3339, all signals, also those of others that are part of it."""
    return {
        "asked": story.asked,
        "title": story.title,
        "detection": {**msgspec.to_builtins(story.detection), "title": story.title},
        "taken_back": story.taken_back,
        "about": msgspec.to_builtins(story.about),
        "condition": story.condition,
        "measured": story.measured,
        "notes": story.notes,
        "entity": story.entity,
        "sharing": story.sharing,
        "follows_from": [
            {**one._asdict(), "at": format_ms(one.at), "title": one.title or None}
            for one in story.behind
        ],
        "actions": [_action(one) for one in story.actions],
        "nothing": story.nothing or None,
        "looks": [_step(one) for one in story.looks],
        "signals": [_signal(one, story.end) for one in story.moments if one.kind == SIGNAL],
        "others": [
            {
                **msgspec.to_builtins(other.detection),
                "title": other.title,
                "taken_back": other.taken_back,
            }
            for other in story.others
        ],
        "near_misses": [_near(near) for near in story.near],
    }


def _action(action: Action) -> Mapping[str, Any]:
    expires_at = action.expires_at
    return {
        **msgspec.to_builtins(action),
        "expires_at": None if expires_at is None else format_ms(expires_at),
        "steps": [_step(one) for one in action.steps],
    }


def _step(step: Step) -> Mapping[str, Any]:
    return {**step._asdict(), "at": format_ms(step.at)}


def _signal(moment: Moment, end: int) -> Mapping[str, Any]:
    return {
        "topic": moment.topic,
        "at": format_ms(moment.at),
        "offset_ms": moment.at - end,
        "account": moment.account,
        "evidence": moment.evidence,
        "behind": moment.behind,
        "matched": moment.matched,
        "fields": {name: value for name, value in moment.fields.items() if name != "at"},
    }


def _near(near: NearMiss) -> Mapping[str, Any]:
    pattern = near.pattern
    return {
        "pattern": pattern.id,
        "title": pattern.title,
        "mode": pattern.mode,
        "group": near.group or None,
        "at": format_ms(near.at),
        "measures": pattern.measures,
        "measured": near.measured,
        "threshold": pattern.threshold,
        "share": round(near.share, 3),
        "independent_sources": near.sources,
        "held_back": near.held,
        "part": pattern.stages[near.stage].title if near.stage else None,
        "in_words": nearness(near),
    }
