"""A recording of the input topics of a running deployment, up to now, to be backtested and deleted.

`vigil tap` shows what Vigil decided and never what it was told; so does this: what is read goes
into a file of the caller's, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.admin import KafkaUnreachable
from streams.tap.follow import places_of
from streams.topics import logical_name
from streams.workbench.backtest.survey import READ

_POLL_MS = 500
_BATCH_RECORDS = 5_000

_parse = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode


class InputTopics:
    """What topics hold by now, the input topics unless others are named; an async context manager.

    Args:
        connection: aiokafka's client settings, as `streams.config.Settings.connection` gives them.
        prefix: of topic names.
        since_ms: the least Kafka timestamp of records that are wanted.
        topics: logical names.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        prefix: str = "",
        since_ms: int = 0,
        topics: Sequence[str] = READ,
    ) -> None:
        self.total = 0
        """Offsets to be read; about as many as records."""
        self._connection = connection
        self._prefix = prefix
        self._since_ms = since_ms
        self._topics = topics

    async def __aenter__(self) -> Self:
        """Connect, and see how far the topics go.

        Raises:
            KafkaUnreachable: no broker answers, or it refuses to be read from.
            TopicsWrong: a topic isn't there.
        """
        places = await asyncio.to_thread(places_of, self._connection, self._topics, self._prefix)
        self._consumer = AIOKafkaConsumer(
            **self._connection,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # a reset to "latest" would race with the seeks below
            max_poll_records=_BATCH_RECORDS,
        )
        try:
            await self._consumer.start()
            self._consumer.assign(places)
            self._ends = await self._consumer.end_offsets(places)
            starts = await self._starts(places)
        except BaseException as error:
            await self._consumer.stop()
            if isinstance(error, KafkaError):
                raise self._unreadable(error) from error
            raise
        for place, offset in starts.items():
            self._consumer.seek(place, offset)
        self.total = sum(self._ends[place] - starts[place] for place in places)
        self._left = [place for place in places if starts[place] < self._ends[place]]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def record(self, path: Path, advance: Callable[[int], None]) -> int:
        """Write them to a ``.zst`` file; how many records that are.

        `advance` is told how many more offsets were read. Records that a line of a recording can't
        hold are left out, as workers refuse them anyway: a value that is not JSON, a key that is
        not text.

        Raises:
            KafkaUnreachable: the broker refuses to be read from.
        """
        written = 0
        with zstandard.open(path, "wb") as file:
            while self._left:
                try:
                    batches = await self._consumer.getmany(*self._left, timeout_ms=_POLL_MS)
                except KafkaError as error:
                    raise self._unreadable(error) from error
                for place, records in batches.items():
                    lines = self._lines(place, records)
                    file.write(b"".join(lines))
                    written += len(lines)
                    advance(len(records))
                self._left = [place for place in self._left if not await self._done(place)]
        return written

    async def _starts(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        starts: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(places)
        if not self._since_ms:
            return starts
        found = await self._consumer.offsets_for_times(dict.fromkeys(places, self._since_ms))
        return {one: found[one].offset if found.get(one) else self._ends[one] for one in places}

    async def _done(self, place: TopicPartition) -> bool:
        position: int = await self._consumer.position(place)  # also past control markers
        end: int = self._ends[place]
        return position >= end

    def _lines(self, place: TopicPartition, records: Sequence[Any]) -> list[bytes]:
        topic, end = logical_name(place.topic, self._prefix), self._ends[place]
        wanted = (one for one in records if one.offset < end and one.timestamp >= self._since_ms)
        return [line for one in wanted if (line := _line(topic, one)) is not None]

    def _unreadable(self, error: KafkaError) -> KafkaUnreachable:
        return KafkaUnreachable(
            f"{', '.join(self._topics)} at {self._connection['bootstrap_servers']} can't be read "
            f"({type(error).__name__}); see vigil topics check"
        )


def _line(topic: str, record: Any) -> bytes | None:
    try:
        key = None if record.key is None else record.key.decode()
        value = b"null" if record.value is None else bytes(_parse(record.value))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    # JSON has no line breaks within strings, so those there are mean nothing.
    whole = msgspec.Raw(value.replace(b"\n", b" ").replace(b"\r", b" "))
    line = {"topic": topic, "key": key, "value": whole, "ts": max(record.timestamp, 0)}
    return _encode(line) + b"\n"
