"""A Kafka record as the transport hands it on; aiokafka's parsed C record has this shape."""

from collections.abc import Sequence
from typing import Protocol


class RawRecord(Protocol):
    """A record as it came from Kafka, nothing decoded."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""

    @property
    def value(self) -> bytes | None:
        """The record's value, as it was sent."""

    @property
    def offset(self) -> int:
        """Its place in its partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's timestamp of the record, ms since the epoch."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values; usually empty."""
