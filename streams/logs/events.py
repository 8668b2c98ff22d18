"""The closed list of what is logged, and the one way to log it."""

from __future__ import annotations

import logging
import traceback
from enum import Enum
from logging import DEBUG, ERROR, INFO, WARNING
from pathlib import PurePath
from typing import TypedDict, Unpack

_LOG = logging.getLogger("vigil")


class Event(Enum):
    """One line each: its level, and what it means and what to do, in words that never change.

    Its name in a line is the member's in small letters. The words are part of the line from
    warnings on. docs/operations.md lists them; a test compares.
    """

    CHECKPOINT = DEBUG, "what a partition did is committed"
    LAG_UNTOLD = DEBUG, "the group's offsets, which only lag tools read, could not be committed"
    TRACE = DEBUG, "where an internal error came from"

    SERVING = INFO, "the worker begins, and answers under this address"
    RULES_SWITCHED = INFO, "another rule set is in force"

    DEAD_LETTER = WARNING, "a record was refused, and what says so is committed: vigil dlq show"
    DEAD_LETTERS_MORE = WARNING, "as many more were refused in the same checkpoint: vigil dlq list"
    SIGNAL_FAILED = WARNING, "handling a signal raised twice, and it is dead-lettered"
    DUE_FAILED = WARNING, "what was due raised twice, and is given up"
    BREAKER_OPENED = (
        WARNING,
        ("a version is granted nothing more until a person looked: vigil queue --patterns"),
    )
    CHECKPOINT_FAILED = (
        WARNING,
        (
            "a transaction is not committed: its memory is dropped, and read back after the next"
            " assignment"
        ),
    )
    OPENING_FAILED = WARNING, "a partition could not be taken over yet: trying again"
    OFFSETS_UNANSWERED = WARNING, "where the inputs begin and end was not answered: trying again"
    READ_AGAIN = WARNING, "a chunk doesn't follow on: reading again where it should begin"
    READING_FAILED = WARNING, "reading met an error: trying again"
    GROUP_FAILED = WARNING, "the group met an error: trying again"
    GROUP_NOT_LEFT = WARNING, "the group was not told of the end: it misses this worker in a while"
    NAME_UNWATCHED = WARNING, "whether the name is still this worker's could not be asked"
    RULES_FINDING = WARNING, "something is wrong with a published rule set"
    RULES_UNFOLLOWED = WARNING, "the rule sets can't be followed: trying again"
    RULES_GIVEN_TOO = (
        WARNING,
        ("a published rule set wins: start this worker without --rules next time"),
    )
    DELIVERY_FAILED = WARNING, "a receiver didn't take a message: trying again"
    BRIDGE_OVERTAKEN = WARNING, "the group moved on: its new member does the last records again"
    LIBRARY = WARNING, "what a library logs; its level is its own"

    PATTERN_OFF = (
        ERROR,
        (
            "a pattern failed too often and is switched off in this worker: correct it and publish"
            " it, or restart the worker"
        ),
    )
    OFFSETS_DELETED = (
        ERROR,
        (
            "signals were deleted before they were read, and are lost: check retention (vigil doctor)"
        ),
    )
    RULES_REFUSED = ERROR, "the current rule set can't be run here, and what runs goes on"
    RULES_UNBELIEVED = ERROR, "a record of the topic rules is not believed, and changes nothing"
    DELIVERY_GIVEN_UP = ERROR, "a receiver took a message on no try, and the next goes on"
    NAME_TAKEN = (
        ERROR,
        ("another worker has taken this one's name: each needs a --worker-id of its own"),
    )
    KAFKA_REFUSED = ERROR, "Kafka refused what the worker needs, and it ends"
    PARTITIONS_CHANGED = ERROR, "topics have other partition counts now: start the worker again"
    STATE_UNREADABLE = ERROR, "state can't be read or kept, and the worker ends"
    INTERNAL_ERROR = (
        ERROR,
        ("the worker ends, and nothing of the last second was committed: please report it"),
    )

    def __init__(self, level: int, text: str) -> None:
        self.level = level
        self.text = text
        self.label = self.name.lower()


class Fields(TypedDict, total=False):
    """What may stand in a line, besides `key`. No field is for what a record says.

    `offset` is that of the record the line is about, `until` the first one that is not meant any
    more. `reason` is from a closed list, `error` an error's type, `why` words of ours about
    settings, rule files and Kafka's answers.
    """

    agent: str
    topic: str
    partition: int
    offset: int
    until: int
    reason: str
    fields: str
    error: str
    where: str
    pattern: str
    version: str
    ruleset: str
    was: str
    patterns: int
    signals: int
    failed: int
    outputs: int
    states: int
    size_bytes: int
    seconds: float
    count: int
    worker: str
    metrics: str
    receiver: str
    message: str
    tries: int
    of: int
    wait_s: float
    why: str


def is_told(event: Event) -> bool:
    """Whether it would be logged; to be asked where a line takes some working out."""
    return _LOG.isEnabledFor(event.level)


def tell(event: Event, *, key: str | None = None, **fields: Unpack[Fields]) -> None:
    """Log one event. `key` is the id of the account or entity it is about, left out unless asked for."""
    if is_told(event):
        extra = {"vigil_event": event, "vigil_key": key, "vigil_fields": fields}
        _LOG.log(event.level, event.label, extra=extra)


def where(error: BaseException | None) -> str:
    """The places an error came through, the innermost first. Its message isn't said: it may quote a record."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    places = [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]
    return " < ".join(reversed(places))
