"""`vigil dlq` on a real broker: what was refused, what became of it, and writing it again."""

from __future__ import annotations

import json
import os
import time
from itertools import groupby

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from streams import admin
from streams.cli import main
from streams.dlq.consumer import looking_on
from streams.dlq.originals import Gone, read
from streams.engine.dead_letters import DeadLetter
from streams.engine.partitioner import partition_of
from streams.signals.times import format_ms
from tests.faults.drill import wait_until
from tests.rules.deployment import Deployment

PARTITIONS = 3
NOW_MS = int(time.time() * 1000)
HOUR_MS = 3_600_000
CANARY = "zq-canary"
HOME = partition_of(CANARY.encode(), PARTITIONS)
ASTRAY = (HOME + 1) % PARTITIONS


class Topics:
    """Topics under a prefix, what stands on them, and dead letters as workers write them."""

    def __init__(self, kafka, prefix, capsys):
        self.connection = {"bootstrap_servers": kafka}
        self.prefix, self._capsys = prefix, capsys
        self.producer = KafkaProducer(**self.connection, acks="all")
        admin.create(self.connection, prefix=prefix, partitions=PARTITIONS)

    def put(self, value, topic="activity", *, partition=HOME, ts=NOW_MS, headers=()):
        """A record that somebody wrote; returns where it stands."""
        value = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = self.producer.send(
            self.prefix + topic, value, CANARY.encode(), partition=partition, timestamp_ms=ts,
            headers=list(headers),
        ).get(timeout=30)  # fmt: skip
        return f"{topic}/{partition}/{sent.offset}"

    def refuse(self, place, reason, fields=(), *, ts=NOW_MS):
        """A worker's dead letter for a place."""
        topic, partition, offset = place.split("/")
        topic = self.prefix + topic
        letter = DeadLetter(
            topic, int(partition), int(offset), reason, tuple(fields), format_ms(ts)
        )
        self.producer.send(
            f"{self.prefix}dead-letters", msgspec.json.encode(letter),
            f"{topic}/{partition}".encode(), timestamp_ms=ts,
        ).get(timeout=30)  # fmt: skip
        return place

    def vigil(self, *arguments, code=0):
        """What `vigil dlq …` prints: its JSON, or on wrong use what it complains of."""
        where = ["--brokers", self.connection["bootstrap_servers"], "--prefix", self.prefix]
        as_json = () if code == 2 else ("--json",)
        assert main(["dlq", *arguments, *where, *as_json]) == code
        captured = self._capsys.readouterr()
        self.said = captured.err
        assert CANARY not in captured.out + captured.err, "neither payload nor account is shown"
        return json.loads(captured.out) if as_json else captured.err

    def standing(self, *arguments, code=0):
        """By place, how records stand after a command."""
        return {one["place"]: one["standing"] for one in self.vigil(*arguments, code=code)}

    def records(self, topic="activity"):
        """All there are."""
        consumer = KafkaConsumer(**self.connection, group_id=None, auto_offset_reset="earliest")
        places = [TopicPartition(self.prefix + topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found = []
        while any(consumer.position(one) < ends[one] for one in places):
            for batch in consumer.poll(timeout_ms=200).values():
                found += batch
        consumer.close()
        return found


@pytest.fixture
def topics(kafka, prefix, capsys):
    topics = Topics(kafka, prefix, capsys)
    yield topics
    topics.producer.close()


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "schema.toml"
    path.write_text('[activity]\nkinds = ["star.added"]')
    return ["--schema", str(path)]


def activity(number=1, **fields):
    return {
        "id": f"s{number}", "account": CANARY, "kind": "star.added", "at": NOW_MS, **fields
    }  # fmt: skip


def test_dead_letters_are_counted_by_topic_and_reason_and_filtered(topics):
    assert topics.vigil("list") == []
    for number in range(3):
        ts = NOW_MS - number * HOUR_MS
        topics.refuse(f"activity/1/{number}", "unknown_field", ["kind", "?"][: number + 1], ts=ts)
    topics.refuse("reviews/0/7", "null_key")
    topics.producer.send(f"{topics.prefix}dead-letters", b"rubbish").get(timeout=30)
    unknown, no_key = topics.vigil("list")
    assert "1 records of dead-letters are none" in topics.said
    assert unknown == {
        "topic": "activity",
        "reason": "unknown_field",
        "count": 3,
        "fields": ["kind", "?"],
        "first": format_ms(NOW_MS - 2 * HOUR_MS),
        "last": format_ms(NOW_MS),
        "newest": "activity/1/0",
    }
    assert (no_key["reason"], no_key["count"], no_key["fields"]) == ("null_key", 1, [])
    assert topics.vigil("list", "--topic", "reviews") == [no_key]
    assert topics.vigil("list", "--reason", "unknown_field") == [unknown]
    (since,) = topics.vigil(
        "list", "--reason", "unknown_field", "--since", str(NOW_MS - HOUR_MS - 1)
    )
    assert since["count"] == 2


def test_one_is_shown_with_where_its_record_is_and_whether_it_would_be_taken(topics, schema):
    place = topics.refuse(topics.put(activity()), "undeclared_value", ["kind"])
    shown = topics.vigil("show", place, code=1)
    assert shown["standing"] == "refused"
    assert "(undeclared_value: kind)" in shown["because"]
    shown = topics.vigil("show", topics.prefix + place, *schema)
    assert shown["place"] == place
    assert (shown["standing"], shown["belongs_on_partition"]) == ("ready", HOME)
    assert shown["at"] == format_ms(NOW_MS)


def test_what_was_mended_is_written_again_as_it_was_to_where_its_key_belongs(topics, schema):
    mended = topics.put(
        activity(), partition=ASTRAY, ts=NOW_MS - 5, headers=[("ce_id", b"s1"), ("trace", b"1")]
    )
    topics.refuse(mended, "wrong_partition", ts=NOW_MS - 5)
    still = topics.refuse(topics.put(b"rubbish"), "not_json")
    expected = {mended: "ready", still: "refused"}
    assert topics.standing("requeue", "--all", *schema, "--dry-run", code=1) == expected
    assert len(topics.records()) == 2, "a dry run writes nothing"
    assert topics.standing("requeue", "--all", *schema, code=1) == expected
    assert "1 of 2 records written" in topics.said
    first, copy = [one for one in topics.records() if one.value != b"rubbish"][::-1]
    if first.partition != ASTRAY:
        first, copy = copy, first
    assert (first.partition, copy.partition) == (ASTRAY, HOME)
    assert first[4:5] + first[6:9] == copy[4:5] + copy[6:9], "timestamp, key, value, headers"


def test_what_retention_deleted_never_was_or_was_replaced_is_told_and_not_written(topics, schema):
    deleted = topics.refuse(topics.put(activity(1)), "undeclared_value")
    replaced = topics.refuse(topics.put(activity(2)), "undeclared_value", ts=NOW_MS - 1)
    topics.put(activity(3))
    absent = topics.refuse(f"activity/{HOME}/9", "undeclared_value")
    no_partition = topics.refuse("activity/9/0", "undeclared_value")
    internal = topics.refuse("account-signals/0/0", "handler_failed")
    client = KafkaAdminClient(**topics.connection)
    client.delete_records({TopicPartition(f"{topics.prefix}activity", HOME): 1})
    client.close()
    before = len(topics.records())
    found = topics.vigil("requeue", "--all", *schema, code=1)
    assert {one["place"]: one["standing"] for one in found} == {
        deleted: "deleted",
        replaced: "replaced",
        absent: "absent",
        no_partition: "absent",
        internal: "internal",
    }
    (because,) = [one["because"] for one in found if one["place"] == deleted]
    assert because == "Kafka has deleted it: its topic's retention is over"
    assert not any(one["written"] for one in found)
    assert len(topics.records()) == before


def test_a_record_that_was_refused_twice_is_written_once(topics, schema):
    twice = [topics.refuse(topics.put(activity()), "undeclared_value") for _ in range(2)]
    other = topics.refuse(topics.put(activity(2)), "undeclared_value")
    expected = {twice[0]: "ready", twice[1]: "repeated", other: "ready"}
    assert topics.standing("requeue", "--topic", "activity", *schema) == expected
    assert len(topics.records()) == 5


def test_what_was_ahead_of_its_time_is_taken_with_the_present_one(topics):
    early = activity(kind="prompt.refused", at=NOW_MS)
    place = topics.put(early, ts=NOW_MS - HOUR_MS)
    topics.refuse(place, "in_future", ["at"], ts=NOW_MS - HOUR_MS)
    assert topics.standing("requeue", place, code=1) == {place: "refused"}
    assert topics.standing("requeue", place, "--now") == {place: "ready"}
    times = sorted(one.timestamp for one in topics.records())
    assert times[0] == NOW_MS - HOUR_MS
    assert times[1] >= NOW_MS


def test_wrong_use_is_told_and_nothing_is_written(topics):
    known = topics.refuse(topics.put(activity()), "undeclared_value")
    for arguments, message in (
        ([], "name records, or filter"),
        ([known, "--all"], "one of these"),
        (["--all", "--reason", "not_json"], "one of these"),
        (["activity/1"], "is no TOPIC/PARTITION/OFFSET"),
        (["nowhere/0/1"], "is no TOPIC/PARTITION/OFFSET"),
        ([known, "activity/0/99"], "no dead letter names activity/0/99"),
    ):
        assert message in topics.vigil("requeue", *arguments, code=2)
    assert len(topics.records()) == 1


def test_people_see_one_row_for_all_that_stand_alike(topics, schema, capsys):
    for number in range(3):
        topics.refuse(topics.put(activity(number)), "undeclared_value", ["kind"])
    where = ["--brokers", topics.connection["bootstrap_servers"], "--prefix", topics.prefix]
    assert main(["dlq", "requeue", "--all", *schema, *where]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["count", "standing", "topic", "reason", "because"]
    assert row.split("\t")[:4] == ["3", "ready", "activity", "undeclared_value"]


def test_single_records_are_read_by_offset_past_what_was_aborted(kafka, prefix):
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=1)
    place = TopicPartition(f"{prefix}activity", 0)
    producer = KafkaProducer(**connection, transactional_id=f"{prefix}test")
    producer.init_transactions()
    standing = {}
    for committed, runs in groupby("ccaacaac", key=lambda one: one == "c"):
        producer.begin_transaction()
        for _ in runs:
            offset = producer.send(place.topic, b"v", b"k").get(timeout=30).offset
            standing[offset] = committed
        (producer.commit_transaction if committed else producer.abort_transaction)()
    producer.close()
    asked = range(max(standing) + 5)
    with looking_on(connection) as consumer:
        found = dict(read(consumer, place, asked))
    assert found.keys() == set(asked)
    for offset, record in found.items():
        assert (record is not Gone.NEVER) == standing.get(offset, False), offset
        assert record is Gone.NEVER or record.offset == offset


RULE = """\
title: A refusal
id: 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a
status: stable
logsource: {product: vigil, service: activity}
detection:
  refused: {kind: prompt.refused}
  condition: refused
"""


def test_a_worker_takes_what_was_refused_for_its_partition_once(kafka, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rule.yml").write_text(RULE)
    with Deployment(kafka, f"dlq{os.getpid()}.", tmp_path) as deployment:
        deployment.start("w1", "--rules", rules)
        deployment.wait_until_ready("w1")
        account = next(f"a{n}" for n in range(99) if partition_of(f"a{n}".encode(), 4) != 0)
        record = {"id": "s1", "account": account, "kind": "prompt.refused", "at": NOW_MS}
        producer = KafkaProducer(bootstrap_servers=kafka)
        producer.send(
            f"{deployment.prefix}activity", json.dumps(record).encode(), account.encode(),
            partition=0,
        )  # fmt: skip
        producer.close()
        wait_until(lambda: deployment.json("dlq", "list") != [], "the record to be refused")
        (row,) = deployment.json("dlq", "list")
        assert (row["reason"], row["newest"]) == ("wrong_partition", "activity/0/0")
        for _ in range(2):
            (done,) = deployment.json("dlq", "requeue", "--reason", "wrong_partition")
            assert done["written"]
        deployment.finish()
        (detection,) = deployment.detections()
        assert (detection["account"], detection["evidence"]) == (account, ["s1"])
        assert deployment.json("dlq", "list") == [row], "nothing was refused again"
