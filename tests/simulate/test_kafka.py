"""Simulated records on a real broker: where Kafka's own clients would have put them."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain
from time import monotonic, time

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from streams import admin
from streams.simulate.kafka import feed
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from streams.topics import TABLE

PARTITIONS = 3


@pytest.fixture
def connection(kafka, prefix):
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=PARTITIONS)
    return connection


def on_the_broker(kafka, prefix):
    """Every record of every topic of the table: (topic, partition, key, value, ts), in order."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    places = [
        TopicPartition(prefix + topic.name, partition)
        for topic in TABLE
        for partition in range(PARTITIONS)
    ]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    found = []
    while any(consumer.position(place) < ends[place] for place in places):
        for place, records in consumer.poll(500).items():
            topic = place.topic.removeprefix(prefix)
            found += [(topic, place.partition, r.key, r.value, r.timestamp) for r in records]
    consumer.close()
    return found


async def test_every_record_is_there_once_in_order_on_its_keys_partition(connection, kafka, prefix):
    plan = Plan(
        accounts=500,
        signals=20_000,
        start_ms=int(time() * 1000) - 86_400_000,
        wanted=parse_campaigns("all"),
    )
    lines = list(chain.from_iterable(Simulation(plan).chunks()))
    sent = [step.records async for step in feed(connection, prefix, Simulation(plan).chunks())]
    assert sum(sent) == len(lines)

    expected = {}
    for order, topic, key, value in lines:
        partition = (murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS
        record = (key.encode(), value.encode(), ts_of(order))
        expected.setdefault((topic, partition), []).append(record)
    found = {}
    for topic, partition, *record in on_the_broker(kafka, prefix):
        found.setdefault((topic, partition), []).append(tuple(record))
    assert found == expected


async def test_a_rate_is_kept_by_the_clock(connection, prefix):
    lines = list(chain.from_iterable(Simulation(Plan(signals=1_500)).chunks()))
    began = monotonic()
    steps = [step async for step in feed(connection, prefix, [lines], rate=1_000)]
    assert sum(step.records for step in steps) == 1_500
    assert monotonic() - began >= 1.4
    assert [step.last for step in steps] == sorted(step.last for step in steps)


async def test_nothing_to_send_is_fine(connection, prefix):
    for rate in (None, 1_000):
        assert [step async for step in feed(connection, prefix, [[]], rate)] == []


async def test_a_missing_topic_is_named_before_anything_is_sent(kafka):
    with pytest.raises(admin.TopicsWrong, match=r"nowhere\.activity"):
        async for _ in feed({"bootstrap_servers": kafka}, "nowhere.", []):
            pass


def test_kafka_is_written_to_only_when_named_on_the_command_line(kafka):
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", "simulate", "--signals", "1000"],
        env={"VIGIL_BROKERS": kafka, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert len(run.stdout.splitlines()) == 1_000
