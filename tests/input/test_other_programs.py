"""Signals written by programs that know nothing of Vigil are decided like those of a file."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import chain
from time import time

import pytest
from kafka import KafkaProducer
from msgspec import json

from streams import admin
from streams.demo.crew import Crew
from streams.demo.lag import caught_up
from streams.patterns import load_rules
from streams.signals import Schema
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, as_json_lines, ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from streams.simulate.rhythm import DAY_MS
from streams.tap.follow import Follower
from streams.workbench.backtest.topics import InputTopics

INPUTS = (ACTIVITY, HITS, REVIEWS)

# A console producer writes one topic after the other, so the hits arrive when all activity is there.
# The day lies within six hours, which most patterns allow signals to be late by.
PLAN = Plan(
    accounts=400,
    signals=6_000,
    days=0.22,
    # Today's: Kafka soon deletes records whose timestamp is older than the retention.
    start_ms=int(time() * 1000) - DAY_MS // 4,
    wanted=parse_campaigns(
        "hits-after-refusals,repeated-suspected-hits,confirmed-hash-match,surface-hopping,"
        "slow-drip:pace=40"
    ),
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A file of JSON lines, and its records."""
    lines = list(chain.from_iterable(Simulation(PLAN).chunks()))
    path = tmp_path_factory.mktemp("recording") / "signals.jsonl"
    path.write_text(as_json_lines(lines))
    return path, lines


@pytest.fixture(scope="module")
def replayed(recording):
    """What `vigil replay` finds in the file."""
    path, _ = recording
    return replay(path)


def replay(path):
    """The detections `vigil replay` finds in a file, by id."""
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    records = [json.decode(line) for line in run.stdout.splitlines()]
    found = own(one["value"] for one in records if one["topic"] == "detections")
    titles = {value["title"] for value in found.values()}
    assert titles >= {"Output hit after input refusals", "Repeated suspected hits", "Slow drip"}
    assert not [one for one in records if one["topic"] == "dead-letters"]
    return found


def own(detections):
    """Those that follow from one account's signals, by id.

    In what order accounts of several partitions get to an entity is nobody's promise.
    """
    return {one["id"]: one for one in detections if "entity" not in one}


def firsts(found):
    """When each pattern first fired for each account and group: what is promised under disorder.

    Of the patterns that allow signals so late, without what more of them can undo.
    """
    promised = {
        one.id
        for one in load_rules(["catalogue"], Schema()).patterns
        if not (one.words or one.absence)
        and all(stage.correlation.lateness > PLAN.days * DAY_MS for stage in one.stages)
    }
    first = {}
    for one in found.values():
        if one["pattern"] in promised:
            group = tuple(item for item in one["values"].items() if isinstance(item[1], str))
            place = (one["title"], one["account"], group)
            first[place] = min(one["at"], first.get(place, one["at"]))
    assert len(first) > 20, "the comparison compares something"
    return first


async def decided(kafka, prefix, directory, produce):
    """The detections two workers commit on what `produce` writes; each exactly once."""
    connection = {"bootstrap_servers": kafka}
    await asyncio.to_thread(admin.create, connection, prefix=prefix, partitions=3)
    await asyncio.to_thread(produce)
    options = ["--brokers", kafka, "--prefix", prefix]
    async with Crew(["one", "two"], options, directory) as crew:
        await crew.ready(60)
        assert await caught_up(connection, INPUTS, 60, prefix) == 0
        async with Follower(connection, ("detections",), prefix=prefix, since_ms=0) as follower:
            found = [record.value async for record in follower.records(idle_s=3)]
            assert await follower.at_end()
        assert await crew.stop() == [0, 0]
    assert len({value["id"] for value in found}) == len(found)
    return own(found)


async def test_kafkas_own_console_producer(kafka_node, prefix, tmp_path, recording, replayed):
    _, lines = recording
    kafka = kafka_node.address

    def produce():
        for topic in INPUTS:
            text = "".join(f"{key}|{value}\n" for _, name, key, value in lines if name == topic)
            subprocess.run(
                kafka_node.tool(
                    "org.apache.kafka.tools.ConsoleProducer",
                    *("--bootstrap-server", kafka, "--topic", prefix + topic),
                    *("--property", "parse.key=true", "--property", "key.separator=|"),
                ),
                input=text.encode(),
                check=True,
                capture_output=True,
                timeout=60,
            )

    found = await decided(kafka, prefix, tmp_path, produce)
    # Not the events' times but those of writing are what it stamps and Vigil merges by.
    stamped = tmp_path / "stamped.jsonl.zst"
    async with InputTopics({"bootstrap_servers": kafka}, prefix=prefix) as topics:
        assert await topics.record(stamped, lambda _: None) == len(lines)
    assert found == replay(stamped)
    assert firsts(found) == firsts(replayed)


async def test_kafka_python(kafka, prefix, tmp_path, recording, replayed):
    _, lines = recording

    def produce():
        producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=20)
        for order, topic, key, value in lines:
            producer.send(
                prefix + topic, key=key.encode(), value=value.encode(), timestamp_ms=ts_of(order)
            )
        producer.flush(60)
        producer.close()

    assert await decided(kafka, prefix, tmp_path, produce) == replayed
