"""The forgery drill: with the shipped rights in force, nobody can tell Vigil, or decide in its name,
what is not theirs to tell. What holds here is refused by the broker, not by our clients."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from streams.topics import TABLE, Party, group_id, transactional_id, worker_group


@pytest.fixture(scope="module")
def drill(secured):
    """A prefix of its own with the shipped rights: what is written here no worker could read."""
    secured.grant("drill.")
    return "drill."


FORGERS = ["vigil-platform", "vigil-moderation", "vigil-reviewers", "vigil-watchers", "mallory"]


def writable(secured, user, prefix):
    """The topics of which the broker takes a record from this user."""
    with (
        contextlib.closing(
            KafkaProducer(
                **secured.connection(user), acks="all", enable_idempotence=False, retry_backoff_ms=5
            )
        ) as producer,
        # Each refusal is a while in coming.
        ThreadPoolExecutor(len(TABLE)) as at_once,
    ):

        def takes(topic):
            try:
                producer.send(prefix + topic.name, b"{}", b"a1", partition=0).get(timeout=10)
            except TopicAuthorizationFailedError:
                return False
            return True

        return {
            topic.name
            for topic, taken in zip(TABLE, at_once.map(takes, TABLE), strict=True)
            if taken
        }


@pytest.mark.parametrize("party", list(Party))
def test_each_topic_takes_records_from_its_one_writer_and_nobody_else(secured, drill, party):
    allowed = {topic.name for topic in TABLE if topic.writer is party}
    assert writable(secured, f"vigil-{party.value}", drill) == allowed


def test_a_stranger_with_a_password_may_write_nothing(secured, drill):
    assert writable(secured, "mallory", drill) == set()


@pytest.mark.parametrize("user", FORGERS)
def test_only_workers_can_use_their_transactional_ids(secured, drill, user):
    for agent in ("accounts", "entities", "governor"):
        with (
            contextlib.closing(
                KafkaProducer(
                    **secured.connection(user), transactional_id=transactional_id(agent, 0, drill)
                )
            ) as producer,
            pytest.raises(TransactionalIdAuthorizationFailedError),
        ):
            producer.init_transactions()


@pytest.mark.parametrize("user", FORGERS)
def test_only_workers_can_be_in_the_group_or_sign_for_a_name(secured, drill, user):
    for group in (group_id(drill), worker_group("w1", drill)):
        with contextlib.closing(
            KafkaConsumer(**secured.connection(user), group_id=group, enable_auto_commit=False)
        ) as consumer:
            place = TopicPartition(drill + "detections", 0)
            consumer.assign([place])
            with pytest.raises(GroupAuthorizationFailedError):
                consumer.commit({place: OffsetAndMetadata(0, "", -1)})


def test_a_reader_of_decisions_cannot_join_the_group_and_take_partitions_away(secured, drill):
    with (
        contextlib.closing(
            KafkaConsumer(
                drill + "detections",
                **secured.connection("vigil-reviewers"),
                group_id=group_id(drill),
            )
        ) as consumer,
        pytest.raises(GroupAuthorizationFailedError),
    ):
        consumer.poll(timeout_ms=10_000)
