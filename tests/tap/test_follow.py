"""Following a real broker: committed records only, from where it was asked to."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from aiokafka import AIOKafkaProducer
from msgspec import json

from streams import admin
from streams.tap.follow import Follower


@pytest.fixture
def connection(kafka, prefix):
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=2)
    return connection


async def commit(connection, topic, values, *, ts=None, abort=False):
    producer = AIOKafkaProducer(**connection, transactional_id=f"test-{topic}")
    await producer.start()
    await producer.begin_transaction()
    for value in values:
        encoded = json.encode(value)
        await producer.send_and_wait(topic, encoded, key=b"a1", timestamp_ms=ts)
    await (producer.abort_transaction() if abort else producer.commit_transaction())
    await producer.stop()


async def seen(follower):
    return [record.value["id"] async for record in follower.records(idle_s=1.5)]


async def test_what_was_aborted_is_never_shown(connection, prefix):
    topic = f"{prefix}detections"
    await commit(connection, topic, [{"id": "one"}])
    await commit(connection, topic, [{"id": "never"}], abort=True)
    await commit(connection, topic, [{"id": "two"}])
    async with Follower(connection, ["detections"], prefix=prefix, since_ms=0) as follower:
        assert not await follower.at_end()
        assert await seen(follower) == ["one", "two"]
        assert await follower.at_end()


async def test_it_begins_now_or_at_a_time_or_at_the_beginning(connection, prefix):
    topic = f"{prefix}enforcement"
    for number, ts in enumerate((1_795_000_000_000, 1_795_000_060_000), start=1):
        await commit(connection, topic, [{"id": f"at {number}"}], ts=ts)
    for since, expected in (
        (0, ["at 1", "at 2"]),
        (1_795_000_030_000, ["at 2"]),
        (1_795_000_090_000, []),
        (None, []),
    ):
        async with Follower(connection, ["enforcement"], prefix=prefix, since_ms=since) as follower:
            assert await seen(follower) == expected, since


async def test_a_missing_topic_is_named(kafka):
    with pytest.raises(admin.TopicsWrong, match=r"nowhere\.detections: is missing"):
        async with Follower({"bootstrap_servers": kafka}, ["detections"], prefix="nowhere."):
            pass


def test_the_command_writes_json_lines_and_stops_when_it_has_enough(connection, prefix):
    values = [{"id": f"d{n}", "account": "a1", "title": "Slow drip"} for n in range(5)]
    asyncio.run(commit(connection, f"{prefix}detections", values))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "streams.cli", "tap", "detections", "--from-beginning"),
            *("--brokers", connection["bootstrap_servers"], "--prefix", prefix),
            *("--pattern", "drip", "--account", "a1", "--max", "3"),
        ],
        capture_output=True,
        check=True,
        timeout=30,
    )
    records = [json.decode(line) for line in run.stdout.splitlines()]
    assert [record["value"] for record in records] == values[:3]
    assert {(record["topic"], record["key"]) for record in records} == {("detections", "a1")}
