"""Takes fetched batches from aiokafka as lists of its parsed C records, without an object each.

aiokafka wraps every record in a ConsumerRecord inside a generator (2 µs a record, measured); this
walks its fetch results batch by batch instead. Same semantics as `PartitionRecords._unpack_records`
and `Fetcher.fetched_records` of aiokafka 0.14 in read_committed mode: aborted transactions and
control batches are left out, positions move past them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException

from streams.signals.raw import RawRecord


class Chunk(NamedTuple):
    """Consecutive records of one topic partition.

    `start` is the consumer's position before the chunk, `next_offset` the one after it, past any
    control markers behind the last record. `known_end` is the last stable offset the broker told
    with it.
    """

    start: int
    records: list[RawRecord]
    next_offset: int
    known_end: int


async def fetch_chunks(
    consumer: Any, wanted: Collection[Any], timeout_s: float
) -> dict[Any, Chunk]:
    """One chunk for each wanted topic partition that has data; waits for data at most once.

    `consumer` is a started AIOKafkaConsumer; runs in its loop. Returns {} on time-out or `wake`.
    Raises what the fetcher met (authorisation, corrupt records), ConsumerStoppedError when closed.
    """
    fetcher = consumer._fetcher
    if consumer._closed or fetcher._closed:
        raise ConsumerStoppedError
    subscriptions = fetcher._subscriptions
    with subscriptions.fetch_context():
        if subscriptions.reassignment_in_progress:
            await subscriptions.wait_for_assignment()
        chunks = _take(fetcher, wanted)
        if chunks:
            return chunks
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=timeout_s)
        if not done:
            waiter.cancel()
            return {}
        waiter.result()
        if fetcher._closed:
            raise ConsumerStoppedError
        return _take(fetcher, wanted)


def wake(consumer: Any) -> None:
    """End the wait of `fetch_chunks` early: what is wanted has changed. Call in its loop."""
    fetcher = consumer._fetcher
    for waiter in list(fetcher._fetch_waiters):
        fetcher._notify(waiter)


def _take(fetcher: Any, wanted: Collection[Any]) -> dict[Any, Chunk]:
    chunks: dict[Any, Chunk] = {}
    for tp in list(fetcher._records):
        if tp not in wanted:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records[tp]
        if type(result) is not FetchResult:
            if chunks:
                break  # hand over what there is; the error comes up next time
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
            result.check_raise()
            continue
        chunk = _drain(result)
        del fetcher._records[tp]
        fetcher._notify(fetcher._wait_consume_future)
        if chunk is not None:
            chunks[tp] = chunk
    return chunks


def _drain(result: Any) -> Chunk | None:
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return None
    unpacked = result._partition_records
    start = unpacked.next_fetch_offset
    records = unpack(unpacked)
    state = result._assignment.state_value(result._topic_partition)
    state.consumed_to(unpacked.next_fetch_offset)
    known_end = unpacked.next_fetch_offset if state.lso is None else state.lso
    return Chunk(start, records, unpacked.next_fetch_offset, known_end)


def unpack(partition_records: Any) -> list[RawRecord]:
    """All records of an aiokafka `PartitionRecords`, moving its `next_fetch_offset` to the end.

    Raises CorruptRecordException for a batch whose checksum is wrong.
    """
    batches = partition_records._records
    records: list[RawRecord] = []
    while batches.has_next():
        batch = batches.next_batch()
        if partition_records._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {partition_records._tp}")
        if batch.producer_id is not None:
            partition_records._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and partition_records._contains_abort_marker(batch):
                partition_records._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and (
                batch.producer_id in partition_records._aborted_producers
            ):
                partition_records.next_fetch_offset = batch.next_offset
                continue
        if not batch.is_control_batch:
            start = partition_records.next_fetch_offset
            if batch.base_offset >= start:
                records.extend(batch)
            else:
                records.extend(record for record in batch if record.offset >= start)
        partition_records.next_fetch_offset = batch.next_offset
    return records
