"""What became of the records that dead letters name: still there, and would they be taken now?

A worker would decide by the record's own fields, its Kafka timestamp and the schema file; so does
this. It can't know what a handler does, and takes a mended pattern for granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Self

from kafka import TopicPartition

from streams.desk.topic import partitions_of
from streams.dlq.consumer import looking_on
from streams.dlq.letters import Letter
from streams.dlq.originals import Gone, read
from streams.engine.partitioner import partition_of
from streams.signals import Refused, Schema
from streams.signals.decoder import Decoder
from streams.signals.times import format_ms
from streams.topics import BY_NAME, Role, full_name


class Standing(StrEnum):
    """How a refused record stands."""

    READY = "ready"
    REFUSED = "refused"
    REPEATED = "repeated"
    DELETED = "deleted"
    ABSENT = "absent"
    REPLACED = "replaced"
    INTERNAL = "internal"


WORDS: Mapping[Standing, str] = MappingProxyType(
    {
        Standing.READY: "it is there, and would be taken now",
        Standing.REFUSED: "it would be refused again",
        Standing.REPEATED: "the same record, byte for byte, as another one of these",
        Standing.DELETED: "Kafka has deleted it: its topic's retention is over",
        Standing.ABSENT: "there is no record at its offset: was its topic made anew?",
        Standing.REPLACED: "another record stands at its offset: its topic was made anew",
        Standing.INTERNAL: "its topic is no input: only workers write there",
    }
)


@dataclass(frozen=True, slots=True)
class Examined:
    """One letter and its record.

    `again` is why the record would be refused now; `belongs` the partition its key belongs on,
    `size_bytes` that of its value, both None without a record (or a key).
    """

    letter: Letter
    standing: Standing
    again: str = ""
    belongs: int | None = None
    size_bytes: int | None = None
    record: Any = None

    def alone(self) -> Self:
        """The same without the record."""
        return replace(self, record=None)


class Examination:
    """Examines dead letters, reading their records.

    Args:
        connection: client settings, as `streams.config.Settings.connection` gives them.
        schema: the one workers use.
        prefix: of topic names.
        stamp_ms: judge records as if they had this Kafka timestamp; None: as they are.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        schema: Schema,
        *,
        prefix: str = "",
        stamp_ms: int | None = None,
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._prefix = prefix
        self._stamp_ms = stamp_ms
        self._seen: set[bytes] = set()

    def of(self, letters: Iterable[Letter]) -> Iterator[Examined]:
        """Yield each, by topic, partition and offset. Raises `KafkaUnreachable`, `TopicsWrong`."""
        in_order = sorted(letters, key=itemgetter(0))
        with looking_on(self._connection) as consumer:
            for topic, of_topic in groupby(in_order, key=lambda one: one.place.topic):
                if BY_NAME[topic].role is not Role.IN:
                    yield from (Examined(letter, Standing.INTERNAL) for letter in of_topic)
                    continue
                decode = self._schema.decoder(topic)
                partitions = partitions_of(self._connection, topic, self._prefix)
                name = full_name(topic, self._prefix)
                for number, group in groupby(of_topic, key=lambda one: one.place.partition):
                    by_offset = {letter.place.offset: letter for letter in group}
                    if number >= partitions:
                        yield from (Examined(one, Standing.ABSENT) for one in by_offset.values())
                        continue
                    place = TopicPartition(name, number)
                    for offset, record in read(consumer, place, by_offset):
                        yield self._one(by_offset[offset], record, decode, partitions)

    def _one(self, letter: Letter, record: Any, decode: Decoder, partitions: int) -> Examined:
        if isinstance(record, Gone):
            deleted = record is Gone.DELETED
            return Examined(letter, Standing.DELETED if deleted else Standing.ABSENT)
        if format_ms(record.timestamp) != letter.at:
            return Examined(letter, Standing.REPLACED)
        if self._stamp_ms is not None:
            record = record._replace(timestamp=self._stamp_ms)
        standing, again = Standing.READY, ""
        try:
            decode(record)
        except Refused as refused:
            standing, again = Standing.REFUSED, str(refused)
        if standing is Standing.READY and self._repeated(letter.place.topic, record):
            standing = Standing.REPEATED
        return Examined(
            letter,
            standing,
            again,
            None if record.key is None else partition_of(record.key, partitions),
            len(record.value or b""),
            record,
        )

    def _repeated(self, topic: str, record: Any) -> bool:
        # Hashes, for what was refused may be much; lengths, so that no two records look alike.
        key, value = record.key or b"", record.value or b""
        digest = sha256(f"{topic} {len(key)} ".encode() + key + value).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return known
