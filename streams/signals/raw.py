"""The part of a Kafka record that the checks read."""

from collections.abc import Sequence
from typing import Protocol


class RawRecord(Protocol):
    """A record as it came from Kafka; a `streams.agents.contract.RawRecord` is one."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""

    @property
    def value(self) -> bytes | None:
        """The record's value, as it was sent."""

    @property
    def timestamp(self) -> int:
        """Kafka's timestamp of the record, ms since the epoch."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values; usually empty."""
