"""Adapters between topics of a real broker, and to a webhook through a `kill -9`.

It was seen failing: with offsets committed before a message was delivered, and with no commit at all.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka.partitioner.default import murmur2

from streams import admin
from streams.cli import main
from tests.adapters.formats import FIXTURES, KEY, expected, recorded
from tests.adapters.receiver import Receiver

WORDS = ("--dictionary", str(FIXTURES / "words.toml"))
IDLE = ("--timeout", "1.5")
PARTITIONS = 3
DECISIONS = [one for one in recorded("decisions") if one["topic"] in {"detections", "enforcement"}]


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("VIGIL_ADAPT_KEY", KEY.decode())
    monkeypatch.setenv("VIGIL_WEBHOOK_SECRET", "a secret of at least 16 bytes")


@pytest.fixture
def where(kafka, prefix):
    admin.create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(make_topic(kafka, f"{prefix}theirs"))
    return ["--brokers", kafka, "--prefix", prefix]


async def make_topic(kafka, name):
    client = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await client.start()
    await client.create_topics([NewTopic(name, PARTITIONS, 1)])
    await client.close()


async def write(kafka, records):
    """Write records of (topic, key, value, headers), one after the other."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    for topic, key, value, headers in records:
        await producer.send_and_wait(topic, value, key=key, headers=headers, partition=0)
    await producer.stop()


async def read(kafka, *topics):
    """Everything on some topics: (topic, key, value), by topic in their order."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    found = []
    for place in sorted(ends):
        while await consumer.position(place) < ends[place]:
            found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
    await consumer.stop()
    for one in found:  # a worker refuses what lies elsewhere
        assert one.partition == (murmur2(one.key) & 0x7FFFFFFF) % PARTITIONS
    return [(one.topic, one.key.decode(), json.loads(one.value)) for one in found]


def test_a_foreign_topic_comes_in_once_and_what_is_bad_is_a_dead_letter(
    kafka, prefix, where, capfd
):
    theirs = f"{prefix}theirs"
    lines = (FIXTURES / "ozone-events.jsonl").read_bytes().splitlines()
    bad = [b"{some words", b'{"id": 9, "event": {}}', None]
    asyncio.run(write(kafka, [(theirs, b"k", value, []) for value in [*lines, *bad]]))
    command = ["adapt", "ozone-events", "--from", theirs, *where, *WORDS, *IDLE]
    assert main(command) == 1
    err = capfd.readouterr().err
    assert f"topic={theirs} partition=0 offset=8 reason=not_json " in err
    assert "some words" not in err
    assert "ozone-events: 11 read, 7 written, 1 without meaning there, 3 refused" in err
    came = asyncio.run(read(kafka, f"{prefix}activity", f"{prefix}moderation-hits"))
    wanted = [(prefix + one["topic"], one["key"], one["value"]) for one in expected("ozone-events")]
    assert sorted(map(repr, came)) == sorted(map(repr, wanted))
    letters = asyncio.run(read(kafka, f"{prefix}dead-letters"))
    assert [(key, one["topic"], one["partition"], one["offset"], one["reason"], one["fields"])
            for _, key, one in letters] == [
        (f"{theirs}/0", theirs, 0, 8, "not_json", []),
        (f"{theirs}/0", theirs, 0, 9, "missing_field", ["event.$type"]),
        (f"{theirs}/0", theirs, 0, 10, "null_value", []),
    ]  # fmt: skip
    assert main(command) == 0
    assert "ozone-events: 0 read" in capfd.readouterr().err


def test_a_binary_cloud_event_is_read_by_its_headers(kafka, prefix, where, capfd):
    headers = {"ce_specversion": "1.0", "ce_id": "e1", "ce_source": "/auth", "ce_subject": "u1",
               "ce_type": "com.example.user.signed-in", "ce_time": "2026-03-02T15:00:04Z"}  # fmt: skip
    encoded = [(name, text.encode()) for name, text in headers.items()]
    asyncio.run(write(kafka, [(f"{prefix}theirs", None, b'{"device": "d-2"}', encoded)]))
    assert main(["adapt", "cloudevents", "--from", f"{prefix}theirs", *where, *WORDS, *IDLE]) == 0
    ((_, key, came),) = asyncio.run(read(kafka, f"{prefix}activity"))
    assert (key, came["account"], came["kind"], came["device"]) == (
        *("u1", "u1", "login.succeeded", "d-2"),
    )


def as_output(prefix, decisions):
    return [
        (prefix + one["topic"], one["key"].encode(), json.dumps(one["value"]).encode(), [])
        for one in decisions
    ]


def test_decisions_go_out_to_a_foreign_topic_keyed_by_account(kafka, prefix, where, capfd):
    asyncio.run(write(kafka, as_output(prefix, DECISIONS)))
    command = ["adapt", "ocsf-findings", "--to", f"{prefix}theirs", *where, *IDLE]
    assert main(command) == 0
    sent = asyncio.run(read(kafka, f"{prefix}theirs"))
    wanted = zip((one["key"] for one in DECISIONS), expected("ocsf-findings"), strict=False)
    assert sorted(map(repr, ((key, one) for _, key, one in sent))) == sorted(map(repr, wanted))


async def test_what_a_receiver_never_takes_is_a_dead_letter_and_the_next_goes_on(
    kafka, prefix, capfd
):
    connection = {"bootstrap_servers": kafka}
    await asyncio.to_thread(admin.create, connection, prefix=prefix, partitions=PARTITIONS)
    await write(kafka, as_output(prefix, DECISIONS[:3]))
    async with Receiver([500]) as receiver:
        command = ["webhook", "--to", receiver.url, "--tries", "1", "--prefix", prefix]
        assert await (await vigil_adapt(kafka, *command, *IDLE)).wait() == 1
    assert receiver.taken == [one["value"]["id"] for one in DECISIONS[1:3]]
    ((_, _, letter),) = await read(kafka, f"{prefix}dead-letters")
    assert (letter["topic"], letter["offset"], letter["reason"]) == (
        *(f"{prefix}detections", 0, "undeliverable"),
    )


async def test_a_killed_bridge_loses_nothing_and_repeats_one_message_at_most(kafka, prefix):
    """It takes as long as the group waits for the dead member: ten seconds."""
    connection = {"bootstrap_servers": kafka}
    await asyncio.to_thread(admin.create, connection, prefix=prefix, partitions=PARTITIONS)
    ids = [f"d{number:02}" for number in range(12)]
    decisions = [DECISIONS[3] | {"value": DECISIONS[3]["value"] | {"id": one}} for one in ids]
    await write(kafka, as_output(prefix, decisions))
    all_there = asyncio.Event()

    def look():
        if len(receiver.got) == 5:
            running.send_signal(signal.SIGKILL)
        if ids[-1] == receiver.got[-1].headers["webhook-id"]:
            all_there.set()

    async with Receiver([200] * 4 + ["hang up"], on_request=look) as receiver:
        command = ["webhook", "--to", receiver.url, "--prefix", prefix]
        running = await vigil_adapt(kafka, *command)
        assert await running.wait() == -signal.SIGKILL
        running = await vigil_adapt(kafka, *command)
        await asyncio.wait_for(all_there.wait(), 60)
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
    assert receiver.taken == ids
    assert len(receiver.got) == len(ids) + 1


async def vigil_adapt(kafka, *arguments):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "adapt", *arguments, "--brokers", kafka)
    )


def test_a_topic_that_is_not_there_is_named(kafka, prefix, where, capfd):
    assert main(["adapt", "ozone-events", "--from", f"{prefix}nowhere", *where]) == 3
    assert f"{prefix}nowhere: is missing. Create it, or correct" in capfd.readouterr().err
    assert main(["adapt", "ocsf-findings", *where]) == 2
    assert "with --brokers name the foreign topic: --to" in capfd.readouterr().err
    assert main(["adapt", "ocsf-findings", "--to", "x", "--from", "y", *where]) == 2
    assert "ocsf-findings needs no --from: that is Vigil's end" in capfd.readouterr().err
