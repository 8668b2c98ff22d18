"""Tells the log what a checkpoint committed: at debug that it did, and what a person should know."""

from __future__ import annotations

from itertools import islice

import msgspec

from streams.engine.dead_letters import TOPIC as DEAD_LETTERS
from streams.engine.dead_letters import DeadLetter
from streams.engine.outbox import Output
from streams.engine.processor import Checkpoint
from streams.logs import Event, is_told, tell

MAX_LETTERS = 20
"""Dead letters of one checkpoint that get a line each: a flood must not fill a disk."""


class _Item(msgspec.Struct):
    """What is told of a record of `review-queue`."""

    account: str = ""
    reason: str = ""
    pattern: str = ""
    version: str = ""
    held_by: str = ""


_letter = msgspec.json.Decoder(DeadLetter).decode
_item = msgspec.json.Decoder(_Item).decode


def tell_committed(agent: str, partition: int, checkpoint: Checkpoint, seconds: float) -> None:
    """Log a checkpoint that is durable, `seconds` after it began."""
    if is_told(Event.CHECKPOINT):
        tell(
            Event.CHECKPOINT,
            agent=agent,
            partition=partition,
            signals=checkpoint.records,
            outputs=len(checkpoint.outputs),
            states=len(checkpoint.states),
            size_bytes=_size_bytes(checkpoint),
            seconds=round(seconds, 3),
        )
    if checkpoint.refused:
        _tell_letters(agent, [one for one in checkpoint.outputs if one.topic == DEAD_LETTERS])
    for output in checkpoint.outputs:
        if output.topic == "review-queue":
            _tell_breaker(agent, partition, _item(output.value))


def _tell_letters(agent: str, letters: list[Output]) -> None:
    for output in islice(letters, MAX_LETTERS):
        letter = _letter(output.value)
        tell(
            Event.DEAD_LETTER,
            agent=agent,
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            reason=letter.reason,
            fields=",".join(letter.fields),
        )
    if len(letters) > MAX_LETTERS:
        tell(Event.DEAD_LETTERS_MORE, agent=agent, count=len(letters) - MAX_LETTERS)


def _tell_breaker(agent: str, partition: int, item: _Item) -> None:
    if item.reason == "breaker":
        tell(
            Event.BREAKER_OPENED,
            key=item.account,
            agent=agent,
            partition=partition,
            pattern=item.pattern,
            version=item.version,
            reason=item.held_by,
        )


def _size_bytes(checkpoint: Checkpoint) -> int:
    """What is written, without what Kafka adds to it."""
    states = sum(len(key) + len(value or b"") for key, value in checkpoint.states.items())
    return states + sum(len(one.key) + len(one.value) for one in checkpoint.outputs)
