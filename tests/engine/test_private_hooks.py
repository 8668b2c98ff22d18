"""The private parts of Faust and aiokafka that the engine stands on. If one of these tests fails
after an upgrade, read what changed there before touching anything here: the engine's promises
hang on these parts doing what they do.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import AIOKafkaConsumer, fetcher, group_coordinator
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from faust.app import base as app_base
from faust.tables import recovery
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver

from streams.engine.kafka.fetch import unpack


@pytest.mark.parametrize(
    ("package", "known"), [("faust-streaming", "0.15.3"), ("aiokafka", "0.14.0")]
)
def test_the_pinned_version_is_the_one_whose_private_parts_were_read(
    package: str, known: str
) -> None:
    assert version(package) == known


@pytest.mark.parametrize(
    ("place", "names"),
    [
        (driver.AIOKafkaConsumerThread, ["_create_worker_consumer", "_ensure_consumer", "call_thread"]),
        (
            faust_consumer.Consumer,
            ["_drain_messages", "seek_to_committed", "commit", "ack", "verify_event_path",
             "_get_active_partitions", "stop_flow"],
        ),
        (faust_consumer.ThreadDelegateConsumer, ["_new_consumer_thread"]),
        (app_base.App, ["_new_transport", "_create_directories"]),
        (fetcher.Fetcher, ["_create_fetch_waiter", "_notify"]),
        (FetchResult, ["check_assignment", "has_more"]),
        (PartitionRecords, ["_consume_aborted_up_to", "_contains_abort_marker"]),
        (group_coordinator.GroupCoordinator, ["request_rejoin", "_send_req", "check_errors"]),
        (TransactionManager, ["wait_for_transaction_end"]),
        (AIOKafkaClient, ["fetch_all_metadata"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_the_hooks_exist(place: type, names: list[str]) -> None:
    assert [name for name in names if not callable(getattr(place, name, None))] == []


def test_faust_seeks_right_after_the_signal_in_which_we_restore() -> None:
    source = inspect.getsource(recovery.Recovery._resume_streams)
    restore = source.index("on_rebalance_complete.send()")
    seek = source.index("perform_seek()")
    resume = source.index("resume_flow()")
    assert restore < seek < resume


def test_faust_stops_the_flow_before_the_signal_in_which_we_checkpoint() -> None:
    source = inspect.getsource(app_base.App._on_partitions_revoked)
    assert source.index("stop_flow") < source.index("self.on_partitions_revoked.send")


def test_aiokafka_reads_the_isolation_level_when_it_starts_not_when_it_is_made() -> None:
    assert "self._isolation_level" in inspect.getsource(AIOKafkaConsumer.start)


def test_a_batch_filled_through_its_builder_is_the_batch_filled_through_its_front() -> None:
    front, back = (
        BatchBuilder(1 << 16, 0, is_transactional=1, key_serializer=None, value_serializer=None)
        for _ in range(2)
    )
    for number in range(3):
        front.append(key=b"k%d" % number, value=b"v", timestamp=1_000)
        back._builder.append(number, 1_000, b"k%d" % number, b"v", [])
    back._relative_offset = 3
    assert back.record_count() == front.record_count() == 3
    assert back._build() == front._build()
    small = BatchBuilder(200, 0, is_transactional=1)
    assert small._builder.append(0, 1_000, b"k", b"v" * 150, []) is not None
    assert small._builder.append(1, 1_000, b"k", b"v" * 150, []) is None, "full"


def built(offset: int, numbers: range, *, transactional: bool = False, producer: int = -1) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, transactional, producer, 0, 0, 1 << 20)
    for index, number in enumerate(numbers):
        builder.append(index, 1_000 + number, b"k%d" % number, b"v", [])
    batch = bytearray(builder.build())
    batch[0:8] = offset.to_bytes(8, "big")
    return bytes(batch)


def partition_records(
    data: bytes, fetch_offset: int, aborted: list[tuple[int, int]]
) -> PartitionRecords:
    return PartitionRecords(
        TopicPartition("t", 0), MemoryRecords(data), aborted, fetch_offset, None, None,
        check_crcs=True, isolation_level=fetcher.READ_COMMITTED,
    )  # fmt: skip


@pytest.mark.parametrize("fetch_offset", [0, 1, 3, 5])
@pytest.mark.parametrize("aborted", [[], [(7, 3)]])
def test_unpacking_gives_the_records_and_position_that_aiokafka_gives(
    fetch_offset: int, aborted: list[tuple[int, int]]
) -> None:
    data = (
        built(0, range(3))
        + built(3, range(3, 5), transactional=True, producer=7)
        + built(5, range(5, 6), transactional=True, producer=8)
    )
    theirs = partition_records(data, fetch_offset, list(aborted))
    expected = [(record.offset, record.key, record.timestamp) for record in theirs]
    ours = partition_records(data, fetch_offset, list(aborted))
    assert [(r.offset, r.key, r.timestamp) for r in unpack(ours)] == expected
    assert ours.next_fetch_offset == theirs.next_fetch_offset == 6
    assert expected, "the comparison compares something"


def test_a_damaged_batch_is_not_handed_on() -> None:
    data = bytearray(built(0, range(3)))
    data[-1] ^= 0xFF
    with pytest.raises(fetcher.Errors.CorruptRecordException):
        unpack(partition_records(bytes(data), 0, []))


def test_a_raw_record_has_the_shape_the_contract_asks_for() -> None:
    (record,) = unpack(partition_records(built(0, range(1)), 0, []))
    assert SimpleNamespace(
        key=record.key, value=record.value, offset=record.offset, ts=record.timestamp,
        headers=list(record.headers),
    ) == SimpleNamespace(key=b"k0", value=b"v", offset=0, ts=1_000, headers=[])  # fmt: skip
