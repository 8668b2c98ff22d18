"""The closed lists label values come from, so that no query asks for what can't be there."""

from streams.metrics.series import (
    MODES,
    NOWHERE,
    OUTCOMES,
    REVIEW_REASONS,
    STATES,
    STEPS,
    VERDICTS,
)
from streams.patterns.metadata import LEVELS
from streams.records import ACTIONS, BREAKERS, HELD_BY
from streams.signals import Reason
from streams.signals.records import CATEGORIES, SOURCES, SURFACES
from streams.topics import BY_NAME

_VALUES = {
    "action": set(ACTIONS),
    "cause": set(BREAKERS),
    "harm": set(CATEGORIES),
    "held_by": set(HELD_BY),
    "after": set(ACTIONS),
    "job": {"vigil"},
    "mode": set(MODES),
    "outcome": set(OUTCOMES),
    "reason": {reason.value for reason in Reason} | set(REVIEW_REASONS),
    "severity": set(LEVELS),
    "source": set(SOURCES),
    "surface": {*SURFACES, NOWHERE},
    "state": set(STATES),
    "step": set(STEPS),
    "topic": set(BY_NAME),
    "verdict": set(VERDICTS),
}


def possible(label: str, value: str) -> bool:
    """Whether a matcher's value, or all alternatives of its expression, can be there."""
    closed = _VALUES.get(label)
    return closed is None or value == ".+" or set(value.split("|")) <= closed
