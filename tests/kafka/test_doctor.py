"""What the doctor finds on a real broker, and that it stays quiet on a sound one."""

from __future__ import annotations

import contextlib
import json
import time
import zlib
from dataclasses import replace

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams import admin
from streams.doctor import Deployment, Severity, broker, examine
from streams.engine.partitioner import partition_of
from streams.patterns import load_rules
from streams.signals import Schema
from tests.kafka.waiting import until

PARTITIONS = 3
DAY_MS = 86_400_000


@pytest.fixture
def deployment(kafka, prefix):
    connection = {"bootstrap_servers": kafka}
    admin.create(connection, prefix=prefix, partitions=PARTITIONS)
    return Deployment(connection, prefix=prefix, window_ms=7 * DAY_MS)


@pytest.fixture
def producer(kafka):
    with contextlib.closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
        yield producer


def findings(deployment):
    return [f for f in examine(deployment) if f.severity is not Severity.NOTE]


def test_a_sound_deployment_has_no_findings_but_notes(deployment, producer):
    for number in range(100):
        key = f"a{number}".encode()
        producer.send(deployment.prefix + "activity", b"{}", key)
    producer.flush()
    assert findings(deployment) == []
    open_to_all, nobody = examine(deployment)
    assert "check no ACLs" in open_to_all.problem
    assert "no worker is in the group" in nobody.problem


def test_a_producer_that_partitions_by_crc32_is_named_with_the_setting_it_needs(
    deployment, producer
):
    for number in range(60):
        key = f"a{number}".encode()
        partition = zlib.crc32(key) % PARTITIONS
        producer.send(deployment.prefix + "activity", b"{}", key, partition=partition)
    producer.flush()
    (finding,) = findings(deployment)
    assert finding.severity is Severity.PROBLEM
    assert "where CRC32 puts them as librdkafka does" in finding.problem
    assert "partitioner=murmur2_random" in finding.remedy


def test_records_from_before_the_topics_got_more_partitions_are_a_note(deployment, producer):
    for number in range(60):
        key = f"a{number}".encode()
        partition = partition_of(key, PARTITIONS - 1)
        producer.send(deployment.prefix + "activity", b"{}", key, partition=partition)
    producer.flush()
    assert findings(deployment) == []
    (note,) = (f for f in examine(deployment) if f.about == deployment.prefix + "activity")
    assert note.problem.endswith("lie where their keys belonged when it had 2 partitions")
    assert "vigil topics repartition" in note.remedy


def test_a_clock_that_is_ahead_is_told(deployment, producer):
    producer.send(deployment.prefix + "reviews", b"{}", b"a1")
    producer.flush()
    behind = Deployment(
        deployment.connection, prefix=deployment.prefix, clock=lambda: 1_700_000_000.0
    )
    (finding,) = findings(behind)
    assert finding.about == deployment.prefix + "reviews"
    assert "ahead of this machine's clock" in finding.problem


def test_a_worker_whose_clock_is_ahead_is_told_by_the_state_it_wrote(deployment, producer):
    ahead_ms = int(time.time() * 1000) + 3_600_000
    topic = deployment.prefix + "governor-state"
    producer.send(topic, b"", b"Pp1", partition=1, timestamp_ms=ahead_ms)
    producer.flush()
    (finding,) = findings(deployment)
    assert finding.about == "workers"
    assert finding.problem.startswith("the newest record of their state is 3")
    assert "timedatectl" in finding.remedy


def test_known_material_that_does_not_say_where_it_was_found_is_told(deployment, producer):
    known = {"source": "hash_match", "category": "csam", "verdict": "confirmed"}
    hits = [
        known,
        known | {"surface": None},
        known | {"surface": "upload"},
        known | {"source": "classifier"},
    ]
    for hit in hits:
        producer.send(deployment.prefix + "moderation-hits", json.dumps(hit).encode(), b"a1")
    producer.flush()
    (finding,) = findings(deployment)
    assert finding.about == deployment.prefix + "moderation-hits"
    assert finding.problem.startswith("of 3 hits on known child sexual abuse material looked at, 2")
    assert "say surface: one of input, output, upload, message" in finding.remedy


def test_brokers_too_old_for_the_engine_are_a_problem():
    assert list(broker.old(broker.OLDEST)) == []
    assert list(broker.old((4, 1))) == []
    (finding,) = broker.old((2, 4))
    assert finding.severity is Severity.PROBLEM
    assert finding.problem == "speak Kafka 2.4"
    assert finding.remedy.startswith("Upgrade to 2.5 or newer")


def test_dead_letters_are_counted_by_reason_and_nothing_else_of_them_is_said(deployment, producer):
    for body in (b'{"reason": "malformed_id"}', b'{"reason": "free text"}', b"free text"):
        producer.send(deployment.prefix + "dead-letters", body, b"activity/0")
    producer.flush()
    (finding,) = findings(deployment)
    assert "malformed_id 1" in finding.problem
    assert "unreadable 2" in finding.problem
    assert "free text" not in str(finding)


def test_a_source_that_fell_silent_is_told_with_the_patterns_that_are_blind_without_it(
    deployment, producer
):
    """A hash match every three minutes; a classifier's hit every minute until six hours ago."""
    now_ms = int(time.time() * 1000)

    def send(topic, minute, **value):
        at = now_ms - 60_000 * minute
        body = json.dumps(value).encode()
        producer.send(deployment.prefix + topic, body, b"a1", timestamp_ms=at)

    for minute in range(400, -1, -1):
        if minute % 3 == 0:
            send("moderation-hits", minute, source="hash_match", surface="upload")
        if minute in range(360, 400):
            send("moderation-hits", minute, source="classifier", surface="upload")
            send("reviews", minute)
    producer.flush()
    catalogue = load_rules(("catalogue",), Schema())
    reviews, hits = findings(replace(deployment, patterns=catalogue.patterns))
    assert reviews.about == deployment.prefix + "reviews"
    assert "no record for 6.0 h, of the newest one came every 60 s" in reviews.problem
    assert hits.about == deployment.prefix + "moderation-hits"
    assert "no hit of source classifier for 6.0 h" in hits.problem
    assert hits.problem.endswith(
        "blind without: Accumulated suspicion, Probing just below the threshold"
    )
    assert "docs/runbooks/VigilDetectorSilent.md" in hits.remedy


def test_a_retention_shorter_than_the_longest_window_is_told(deployment, kafka):
    name = deployment.prefix + "activity"
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka)) as client:
        change = ConfigResource(
            ConfigResourceType.TOPIC, name, configs={"retention.ms": str(DAY_MS)}
        )
        client.alter_configs([change])
    told = "keeps records 24 h, the longest window of the rules is 168 h"
    # The broker applies a changed setting a little later.
    until(lambda: any(told in finding.problem for finding in findings(deployment)))


def test_a_session_timeout_the_broker_does_not_allow_is_a_problem(deployment):
    impatient = Deployment(deployment.connection, prefix=deployment.prefix, session_timeout_s=0.5)
    (finding,) = findings(impatient)
    assert "allows session timeouts of 1000 to" in finding.problem


def test_missing_topics_are_findings_with_the_command_that_makes_them(kafka, prefix):
    found = findings(Deployment({"bootstrap_servers": kafka}, prefix=prefix))
    assert all("vigil topics create" in f.remedy for f in found)
    assert len(found) == 17
