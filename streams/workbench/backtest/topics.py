"""A recording of the input topics of a running deployment, up to now, to be backtested and deleted.

`vigil tap` shows what Vigil decided and never what it was told; so does this: what is read goes
into a file of the caller's, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.admin import KafkaUnreachable
from streams.agents.accounts import INPUTS
from streams.tap.follow import places_of
from streams.topics import logical_name

_POLL_MS = 500
_BATCH_RECORDS = 5_000

_parse = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode


async def record(
    connection: Mapping[str, Any],
    path: Path,
    *,
    prefix: str = "",
    since_ms: int = 0,
    progress: Callable[[int, int], None],
) -> int:
    """Write what the input topics hold by now to a ``.zst`` file; how many records that are.

    `since_ms` is the least Kafka timestamp; `progress` is told how many of how many offsets were
    read. Records that a line of a recording can't hold are left out, as workers refuse them anyway:
    a value that is not JSON, a key that is not text.

    Raises:
        KafkaUnreachable: no broker answers, or it refuses to be read from.
        TopicsWrong: a topic isn't there.
    """
    places = await asyncio.to_thread(places_of, connection, INPUTS, prefix)
    consumer = AIOKafkaConsumer(
        **connection,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # a reset to "latest" would race with the seeks below
        max_poll_records=_BATCH_RECORDS,
    )
    try:
        await consumer.start()
        consumer.assign(places)
        with zstandard.open(path, "wb") as file:
            return await _read(consumer, places, file, prefix, since_ms, progress)
    except KafkaError as error:
        raise KafkaUnreachable(
            f"{', '.join(INPUTS)} at {connection['bootstrap_servers']} can't be read "
            f"({type(error).__name__}); see vigil topics check"
        ) from error
    finally:
        await consumer.stop()


async def _read(  # noqa: PLR0917 - what `record` has put together
    consumer: AIOKafkaConsumer,
    places: list[TopicPartition],
    file: IO[bytes],
    prefix: str,
    since_ms: int,
    progress: Callable[[int, int], None],
) -> int:
    ends = await consumer.end_offsets(places)
    starts = await consumer.beginning_offsets(places)
    if since_ms:
        found = await consumer.offsets_for_times(dict.fromkeys(places, since_ms))
        starts = {one: found[one].offset if found.get(one) else ends[one] for one in places}
    for place in places:
        consumer.seek(place, starts[place])
    total = sum(ends[place] - starts[place] for place in places)
    written = 0
    left = [place for place in places if starts[place] < ends[place]]
    while left:
        for place, records in (await consumer.getmany(*left, timeout_ms=_POLL_MS)).items():
            topic = logical_name(place.topic, prefix)
            lines = [
                line
                for one in records
                if one.offset < ends[place] and one.timestamp >= since_ms
                for line in [_line(topic, one)]
                if line is not None
            ]
            file.write(b"".join(lines))
            written += len(lines)
        positions = {place: await consumer.position(place) for place in left}
        left = [place for place in left if positions[place] < ends[place]]
        progress(total - sum(ends[place] - positions[place] for place in left), total)
    return written


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
