"""Topics on a real broker: made once, compared in full, and never waited for without an end."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams import admin
from streams.topics import BY_NAME, TABLE
from tests.kafka.waiting import until


@pytest.fixture
def connection(kafka):
    return {"bootstrap_servers": kafka}


@pytest.fixture
def client(kafka):
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka)) as client:
        yield client


def test_create_makes_the_whole_table_and_may_be_repeated(connection, prefix):
    made = admin.create(connection, prefix=prefix, partitions=3)
    assert made == [prefix + topic.name for topic in TABLE]
    assert admin.create(connection, prefix=prefix) == []
    assert admin.check(connection, prefix=prefix) == []
    assert admin.check(connection, prefix=prefix, partitions=3) == []
    assert admin.require(connection, prefix=prefix) == 3


def test_two_that_create_at_once_both_succeed(connection, prefix):
    failures = []

    def create():
        try:
            admin.create(connection, prefix=prefix, partitions=2)
        except admin.KafkaUnreachable as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert admin.check(connection, prefix=prefix, partitions=2) == []


def test_topics_added_later_get_the_partition_count_of_those_that_exist(connection, client, prefix):
    client.create_topics(
        {prefix + "activity": {"num_partitions": 5, "replication_factor": 1}},
        wait_for_metadata=True,
    )
    admin.create(connection, prefix=prefix)
    assert admin.require(connection, prefix=prefix) == 5


def test_without_topics_a_worker_is_told_what_to_run(connection, prefix):
    with pytest.raises(admin.TopicsWrong) as caught:
        admin.require(connection, prefix=prefix)
    assert {d.topic for d in caught.value.differences} == {prefix + name for name in BY_NAME}
    assert f"vigil topics create --brokers {connection['bootstrap_servers']}" in str(caught.value)
    assert f"--prefix {prefix}" in str(caught.value)


def test_one_topic_of_another_partition_count_stops_a_worker(connection, client, prefix):
    configs = dict(BY_NAME["reviews"].config)
    odd = {prefix + "reviews": {"num_partitions": 4, "replication_factor": 1, "configs": configs}}
    client.create_topics(odd, wait_for_metadata=True)
    admin.create(connection, prefix=prefix, partitions=3)
    (difference,) = admin.check(connection, prefix=prefix)
    assert difference.fatal
    assert difference.topic == prefix + "reviews"
    assert "4 partitions, the others have 3" in difference.problem
    with pytest.raises(admin.TopicsWrong, match="4 partitions"):
        admin.require(connection, prefix=prefix)
    wanted = admin.check(connection, prefix=prefix, partitions=4)
    assert len(wanted) == len(TABLE) - 1


def alter(client, name, key, value):
    """Change a setting and wait until the broker shows it: it is applied a little later."""
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={key: value})])
    until(
        lambda: (
            client.describe_configs([resource], config_filter="all")["topic"][name][key]["value"]
            == value
        )
    )


def test_a_state_topic_that_deletes_stops_a_worker_a_short_retention_is_only_told(
    connection, client, prefix
):
    admin.create(connection, prefix=prefix, partitions=1)
    alter(client, prefix + "activity", "retention.ms", "3600000")
    (difference,) = admin.check(connection, prefix=prefix)
    assert not difference.fatal
    assert "retention.ms is 3600000, should be 3888000000" in difference.problem
    assert "--add-config retention.ms=3888000000" in difference.remedy
    assert admin.require(connection, prefix=prefix) == 1

    alter(client, prefix + "activity", "retention.ms", "-1")
    assert admin.check(connection, prefix=prefix) == [], "keeping records longer is nobody's loss"

    alter(client, prefix + "accounts-state", "cleanup.policy", "delete")
    with pytest.raises(admin.TopicsWrong, match=r"cleanup\.policy is delete, should be compact"):
        admin.require(connection, prefix=prefix)


def test_replicas_that_cannot_be_had_are_an_error_not_a_wait(connection, prefix):
    with pytest.raises(admin.KafkaUnreachable, match="would not make"):
        admin.create(connection, prefix=prefix, replication=3)


def test_no_kafka_is_told_within_the_timeout():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        silent = f"127.0.0.1:{mute.getsockname()[1]}"
        for address in (nobody, silent, "no-such-host.invalid:9092"):
            began = time.monotonic()
            with pytest.raises(admin.KafkaUnreachable, match=f"no Kafka answered at {address}"):
                admin.require({"bootstrap_servers": address}, timeout_s=1.0)
            assert time.monotonic() - began < 10
