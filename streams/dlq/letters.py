"""Reads the topic `dead-letters` to its end."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition

from streams.admin import KafkaUnreachable
from streams.desk.topic import partitions_of
from streams.dlq.consumer import PATIENCE_S, POLL_MS, looking_on
from streams.engine.dead_letters import TOPIC, DeadLetter
from streams.signals import Reason
from streams.topics import full_name, logical_name

_parse = msgspec.json.Decoder(DeadLetter).decode


class NoPlace(ValueError):
    """A text that names no record."""


class Place(NamedTuple):
    """Where a record stands; `topic` is a logical name. Written ``activity/3/1234``."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str, prefix: str = "") -> Self:
        """Read one, its topic with or without the prefix. Raises `NoPlace`."""
        topic, *numbers = text.rsplit("/", 2)
        for before in ("", prefix):
            try:
                partition, offset = numbers
                return cls(logical_name(topic, before), int(partition), int(offset))
            except (KeyError, ValueError):
                continue
        raise NoPlace(f"{text!r} is no TOPIC/PARTITION/OFFSET, such as activity/3/1234")


class Letter(NamedTuple):
    """One dead letter: which record, why, the fields at fault, and its Kafka timestamp."""

    place: Place
    reason: Reason
    fields: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are asked for; what is empty excludes nothing."""

    reasons: Collection[str] = ()
    topics: Collection[str] = ()
    places: Collection[Place] = ()

    def __call__(self, letter: Letter) -> bool:
        """Whether this one is."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.place.topic in self.topics)
            and (not self.places or letter.place in self.places)
        )


class Letters:
    """What the topic holds by now, to be iterated over once.

    Args:
        connection: client settings, as `streams.config.Settings.connection` gives them.
        prefix: of topic names.
        since_ms: the least Kafka timestamp of refused records that are wanted.
    """

    def __init__(
        self, connection: Mapping[str, Any], *, prefix: str = "", since_ms: int = 0
    ) -> None:
        self.unreadable = 0
        """Records that are no dead letters of this deployment: only workers may write there."""
        self._connection = connection
        self._prefix = prefix
        self._since_ms = since_ms

    def __iter__(self) -> Iterator[Letter]:
        """Yield letters, those of one source partition in order.

        Raises `KafkaUnreachable`, `TopicsWrong`.
        """
        count = partitions_of(self._connection, TOPIC, self._prefix)
        name = full_name(TOPIC, self._prefix)
        with looking_on(self._connection) as consumer:
            for number in range(count):
                yield from self._of(consumer, TopicPartition(name, number))

    def _of(self, consumer: KafkaConsumer, partition: TopicPartition) -> Iterator[Letter]:
        end = consumer.end_offsets([partition])[partition]
        consumer.assign([partition])
        consumer.seek(partition, self._start(consumer, partition, end))
        deadline = time.monotonic() + PATIENCE_S
        # By position, not by the last record: a partition may end in control markers.
        while consumer.position(partition) < end:
            records = consumer.poll(timeout_ms=POLL_MS).get(partition, ())
            if records:
                deadline = time.monotonic() + PATIENCE_S
            elif time.monotonic() > deadline:
                raise KafkaUnreachable(
                    f"{partition.topic}/{partition.partition} gave nothing for {PATIENCE_S:g} s:"
                    " see vigil doctor"
                )
            for record in records:
                # Kafka finds commit markers by their own, later time: look at each record's.
                if record.offset < end and record.timestamp >= self._since_ms:
                    letter = self._letter(record.value)
                    if letter is not None:
                        yield letter

    def _start(self, consumer: KafkaConsumer, partition: TopicPartition, end: int) -> int:
        if not self._since_ms:
            start: int = consumer.beginning_offsets([partition])[partition]
            return start
        found = consumer.offsets_for_times({partition: self._since_ms})[partition]
        return end if found is None else int(found.offset)

    def _letter(self, value: bytes | None) -> Letter | None:
        try:
            found = _parse(value or b"")
            place = Place(logical_name(found.topic, self._prefix), found.partition, found.offset)
            return Letter(place, Reason(found.reason), found.fields, found.at)
        except (msgspec.MsgspecError, UnicodeError, KeyError, ValueError):
            self.unreadable += 1
            return None
