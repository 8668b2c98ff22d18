"""Who watches may look at dead letters; to requeue what they name takes rights nobody has for good."""

from __future__ import annotations

import contextlib
import json
import time

import msgspec
import pytest
from kafka import KafkaProducer

from streams.admin import acls
from streams.admin.rights import PRINCIPALS, Kind, Operation, Right
from streams.engine.dead_letters import DeadLetter
from streams.engine.partitioner import partition_of
from streams.signals.times import format_ms
from streams.topics import Party
from tests.kafka.waiting import until
from tests.secure.secured import ADMIN, PARTITIONS

WATCHERS, OPERATORS = "vigil-watchers", "vigil-operators"


@pytest.fixture(scope="module")
def place(secured, granted):
    """A refused record, and its dead letter."""
    now = int(time.time() * 1000)
    topic, key = f"{granted}activity", b"a-refused"
    value = {"id": "s1", "account": key.decode(), "kind": "prompt.refused", "at": now}
    partition = partition_of(key, PARTITIONS)
    with contextlib.closing(
        KafkaProducer(**secured.connection(ADMIN, mechanism="PLAIN"), acks="all")
    ) as producer:
        sent = producer.send(topic, json.dumps(value).encode(), key, None, partition, now)
        offset = sent.get(timeout=30).offset
        letter = DeadLetter(topic, partition, offset, "handler_failed", (), format_ms(now))
        producer.send(f"{granted}dead-letters", msgspec.json.encode(letter), b"k").get(timeout=30)
    return f"activity/{partition}/{offset}"


def test_who_watches_may_count_and_look(secured, granted, place):
    (row,) = secured.json(WATCHERS, "dlq", "list", "--prefix", granted)
    assert row["newest"] == place
    shown = secured.json(WATCHERS, "dlq", "show", place, "--prefix", granted)
    assert shown["standing"] == "ready"


def test_without_the_rights_nothing_is_written_and_the_missing_ones_are_named(
    secured, granted, place
):
    for user, words in (
        (WATCHERS, "may read dead-letters and the topic, and write to it"),
        (OPERATORS, f"{granted}activity: may not be seen, an ACL is missing"),
    ):
        run = secured.vigil(user, "dlq", "requeue", place, "--prefix", granted)
        assert run.returncode == 3
        assert words in run.stderr.splitlines()[-1]


def test_with_rights_granted_for_the_repair_it_is_written(secured, granted, place):
    rights = [
        Right(Party.OPERATORS, operation, Kind.TOPIC, f"{granted}activity", "a repair")
        for operation in (Operation.READ, Operation.WRITE)
    ]
    lent = [acls.acl_of(right, PRINCIPALS[right.party]) for right in rights]
    with secured.admin() as admin:
        assert not admin.create_acls(lent)["failed"]
        until(lambda: all(admin.describe_acls(one)[0] for one in lent))
        (done,) = secured.json(OPERATORS, "dlq", "requeue", place, "--prefix", granted)
        assert done["written"]
        check = ["topics", "acls", "--check", "--prefix", granted]
        excess = secured.json(ADMIN, *check, code=1)["excess"]
        assert len(excess) == 2, "what was lent is too much"
        admin.delete_acls(lent)
        until(lambda: not any(admin.describe_acls(one)[0] for one in lent))
