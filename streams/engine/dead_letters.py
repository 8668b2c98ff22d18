"""What is kept of a record that can't be processed: where it stood and why, never what it said."""

from __future__ import annotations

import msgspec

TOPIC = "dead-letters"


class DeadLetter(msgspec.Struct, gc=False):
    """A record of `dead-letters` (CONTRACT.md). `at` is the refused record's Kafka timestamp."""

    topic: str
    partition: int
    offset: int
    reason: str
    fields: tuple[str, ...]
    at: str
