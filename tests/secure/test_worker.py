"""A worker on a broker with TLS, SCRAM and ACLs: it does all its work, and where it can't work it
says why in one line and ends with exit code 3."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.admin.rights import Kind, Operation, needed
from streams.topics import Party
from tests.kafka.waiting import until
from tests.secure.secured import PARTITIONS

WORKERS = "vigil-workers"


def write(secured, user, topic, *values):
    with contextlib.closing(KafkaProducer(**secured.connection(user), acks="all")) as producer:
        for value in values:
            key = value["account"].encode()
            producer.send(topic, json.dumps(value).encode(), key).get(timeout=10)


def hit(name):
    return {
        "id": f"h-{name}", "account": f"a-{name}", "at": int(time.time() * 1000),
        "source": "hash_match", "category": "csam", "verdict": "confirmed", "surface": "upload",
        "content_ref": f"c-{name}",
    }  # fmt: skip


def told(secured, user, topic):
    """The values of a topic's committed records, as its reader reads them."""
    with contextlib.closing(
        KafkaConsumer(**secured.connection(user), isolation_level="read_committed", group_id=None)
    ) as consumer:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        values = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=200).values():
                values += [json.loads(record.value) for record in records]
        return values


def works(secured, prefix, name, **login):
    """Start a worker, give it a hit and take the detection; it leaves cleanly. Returns its log."""
    with secured.worker(prefix, name, level="debug", **login) as worker:
        write(secured, "vigil-moderation", prefix + "moderation-hits", hit(name))
        detections = prefix + "detections"
        until(
            lambda: (
                f"a-{name}"
                in {one["account"] for one in told(secured, "vigil-reviewers", detections)}
            )
        )
        worker.process.terminate()
        assert worker.process.wait(timeout=15) == 0
    return worker.log.read_text()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_worker_does_its_work_with_the_shipped_rights_and_logs_neither_password_nor_signal(
    secured, granted, mechanism
):
    log = works(secured, granted, mechanism.lower(), sasl_mechanism=mechanism)
    assert "Authorization" not in log
    assert f"h-{mechanism.lower()}" not in log


def test_a_worker_may_log_in_with_a_certificate(secured, prefix):
    certificate = secured.authority.sign("vigil-by-certificate")
    secured.grant(prefix, workers="User:CN=vigil-by-certificate")
    works(
        secured, prefix, "mutual",
        brokers=secured.mutual, security_protocol="SSL", ssl_certfile=str(certificate),
        sasl_username="", sasl_password="", sasl_mechanism="",
    )  # fmt: skip


def refused(secured, prefix, **changed):
    run = secured.vigil(
        WORKERS, "run", "--worker-id", "refused", "--prefix", prefix, "--web", "127.0.0.1:0",
        **changed,
    )  # fmt: skip
    assert run.returncode == 3, run.stderr
    (line,) = run.stderr.splitlines()
    return line


def test_a_wrong_password_is_told(secured, granted):
    wrong = "not-the-password-0123456789"
    line = refused(secured, granted, sasl_password=wrong)
    assert (
        "refused the login of User:vigil-workers: check VIGIL_SASL_USERNAME, VIGIL_SASL_PASS"
        in line
    )
    assert wrong not in line


def test_a_mechanism_the_broker_does_not_know_is_told(secured, granted):
    line = refused(secured, granted, sasl_mechanism="SCRAM-SHA-256")
    assert "knows no SCRAM-SHA-256 on this listener: check VIGIL_SASL_MECHANISM" in line


def test_an_expired_certificate_is_told(secured, granted):
    line = refused(secured, granted, brokers=secured.expired)
    assert f"the certificate of {secured.expired} has expired: renew it" in line


def test_an_unknown_authority_is_told(secured, granted):
    line = refused(secured, granted, ssl_cafile=str(secured.stranger.file))
    assert "signed by no authority trusted here: set VIGIL_SSL_CAFILE" in line


def test_a_certificate_for_another_name_is_told(secured, granted):
    line = refused(secured, granted, brokers=secured.address.replace("127.0.0.1", "localhost"))
    assert "is for another name than localhost" in line


def test_a_listener_that_speaks_no_tls_is_told(secured, granted, kafka):
    line = refused(secured, granted, brokers=kafka)
    assert "speaks no TLS: is security_protocol what its listener speaks?" in line


def test_a_client_certificate_is_a_login_and_an_expired_one_is_told(secured, granted):
    mutual = {"brokers": secured.mutual, "security_protocol": "SSL"}
    own = secured.authority.sign("vigil-client")
    run = secured.vigil(
        WORKERS, "topics", "check", "--prefix", granted, **mutual, ssl_certfile=str(own)
    )
    assert run.returncode == 1, "it is let in, and sees nothing"
    assert "may not be seen, an ACL is missing" in run.stdout
    stale = secured.authority.sign("stale-client", days=(-30, -1))
    line = refused(secured, granted, **mutual, ssl_certfile=str(stale))
    assert f"{secured.mutual} refuses this client's certificate" in line


def right(prefix, operation, kind, name):
    (found,) = [
        one
        for one in needed(prefix)
        if (one.party, one.operation, one.kind, one.name)
        == (Party.WORKERS, operation, kind, prefix + name)
    ]
    return found


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (
            (Operation.READ, Kind.TOPIC, "activity"),
            "{}activity: may not be seen, an ACL is missing",
        ),
        ((Operation.DESCRIBE_CONFIGS, Kind.TOPIC, "reviews"), "needs of the settings of {}reviews"),
        ((Operation.READ, Kind.GROUP, "vigil"), "needs of the group {}vigil"),
        ((Operation.READ, Kind.GROUP, "vigil.worker."), "needs of the group {}vigil.worker.denied"),
        (
            (Operation.WRITE, Kind.TRANSACTIONAL_ID, "vigil.accounts."),
            "needs of the transactional id {}vigil.accounts.",
        ),
        ((Operation.READ, Kind.TOPIC, "accounts-state"), "needs of the topic {}accounts-state"),
        ((Operation.WRITE, Kind.TOPIC, "accounts-state"), "needs of the topic {}accounts-state"),
    ],
    ids=["input", "settings", "group", "name", "transactional id", "restore", "checkpoint"],
)
def test_a_missing_right_ends_a_worker_with_one_line_that_names_it(secured, granted, one, told):
    # So that there is something to commit.
    write(secured, "vigil-moderation", granted + "moderation-hits", hit("denied"))
    with (
        secured.without(right(granted, *one)),
        secured.worker(granted, "denied") as worker,
    ):
        assert worker.process.wait(timeout=45) == 3, worker.log.read_text()
    errors = [line for line in worker.log.read_text().splitlines() if "vigil topics acls" in line]
    (line,) = errors
    assert told.format(granted) in line
