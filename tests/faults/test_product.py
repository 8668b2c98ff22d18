"""The product itself, `vigil run`, on a real broker: killed under load, fed with rubbish, started
where it can't work."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from streams.admin import create
from streams.engine.partitioner import partition_of
from streams.simulate.campaigns import CAMPAIGNS
from streams.simulate.kafka import feed
from streams.simulate.lines import ACTIVITY, Line, as_json_lines, order_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from streams.simulate.rhythm import DAY_MS
from tests.faults.drill import PARTITIONS, caught_up, read, wait_until

INPUTS = ("activity", "moderation-hits", "reviews")
VIGIL = [sys.executable, "-m", "streams.cli"]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def topics(kafka: str, prefix: str) -> str:
    """A prefix whose topics exist."""
    create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
    return prefix


@pytest.fixture
def start(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Start]:
    """Starts `vigil run`; what still runs at the end is killed."""
    workers = []

    def start(name: str, *options: str, level: str = "info") -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{name}.log").open("ab")
        workers.append(
            subprocess.Popen(
                [*VIGIL, "--log-level", level, "run", "--brokers", kafka, "--prefix", prefix,
                 "--worker-id", name, "--web", free_address(), *options],
                stdout=log, stderr=log, env=os.environ | {"VIGIL_SESSION_TIMEOUT_S": "3"},
            )
        )  # fmt: skip
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def producer(kafka: str) -> Any:
    return KafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5)


def detections(kafka: str, prefix: str) -> list[dict[str, Any]]:
    return [json.loads(value) for _, value in read(kafka, prefix + "detections")]


def about_entities(one: dict[str, Any]) -> bool:
    """Whether accounts of several partitions had a part in it, whose order is nobody's promise."""
    return "entity" in one


WITNESS = """\
title: Any of {service}
id: 7d1b3c52-0000-4000-8000-0000000000{number}
status: stable
level: informational
logsource:
  product: vigil
  service: {service}
detection:
  any: {{account: '*'}}
  condition: any
vigil:
  cooldown: 0s
"""


def witnesses(directory: Path) -> Path:
    """Rules that tell every signal, so that none is lost or taken twice unseen."""
    directory.mkdir()
    for number, service in enumerate(INPUTS, 10):
        (directory / f"{service}.yml").write_text(WITNESS.format(service=service, number=number))
    return directory


def last_of_all(at_ms: int) -> list[Line]:
    """A signal for each partition: with it time has passed there as far as in the replay."""
    accounts = {partition_of(b"end%d" % number, PARTITIONS): f"end{number}" for number in range(64)}
    signals = [
        {"id": account, "account": account, "kind": "login.succeeded", "at": at_ms}
        for account in accounts.values()
    ]
    order = order_of(ACTIVITY, at_ms)
    return [(order, ACTIVITY, str(one["account"]), json.dumps(one)) for one in signals]


def write(kafka: str, prefix: str, lines: list[Line]) -> None:
    """Write signals to the inputs; returns when Kafka has them all."""

    async def write() -> None:
        async for _ in feed({"bootstrap_servers": kafka}, prefix, [lines]):
            pass

    asyncio.run(write())


def committed(web: str) -> float:
    """How many outputs the worker that listens there has committed; 0 while it doesn't answer."""
    try:
        with urlopen(f"http://{web}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0
    return sum(float(one.split()[-1]) for one in lines if one.startswith("vigil_outputs_total"))


def test_workers_killed_at_work_commit_the_detections_of_the_replay_each_once(
    kafka: str, topics: str, start: Start, tmp_path: Path
) -> None:
    # Within the retention: Kafka deletes by record timestamp.
    begin = int(time.time() * 1000) - 2 * DAY_MS
    wanted = parse_campaigns(",".join(CAMPAIGNS))
    plan = Plan(signals=60_000, accounts=800, start_ms=begin, wanted=wanted)
    lines = list(chain.from_iterable(Simulation(plan).chunks()))
    lines += last_of_all(begin + 2 * DAY_MS)
    recording = tmp_path / "recording.jsonl"
    recording.write_text(as_json_lines(lines))
    rules = ("--rules", "catalogue", "--rules", str(witnesses(tmp_path / "rules")))
    replay = subprocess.run(
        [*VIGIL, "replay", str(recording), *rules], capture_output=True, check=True
    )
    expected = [json.loads(line) for line in replay.stdout.splitlines()]
    wanted_all = [one["value"] for one in expected if one["topic"] == "detections"]
    ids = {one["id"]: one for one in wanted_all if not about_entities(one)}

    # Kafka has all of it before anybody reads, and so it is merged in order. Of signals written
    # meanwhile some would come late: a second of a week played in seconds is many hours.
    write(kafka, topics, lines)
    workers: dict[str, subprocess.Popen[bytes]] = {}
    at_work: list[str] = []
    numbers = count(1)

    def start_another() -> None:
        web = free_address()
        workers[web] = start(f"w{next(numbers)}", "--web", web, *rules)

    def somebody_is_at_work() -> bool:
        at_work[:] = filter(committed, workers)
        return bool(at_work)

    start_another()
    for _ in range(3):
        start_another()
        wait_until(somebody_is_at_work, "a worker to have committed something")
        victim = workers.pop(at_work[0])
        victim.kill()
        victim.wait()
        assert not caught_up(kafka, topics, INPUTS), "it was killed at work"
    wait_until(lambda: caught_up(kafka, topics, INPUTS), "everything to be handled")

    found_all = detections(kafka, topics)
    assert max(Counter(one["id"] for one in found_all).values()) == 1
    found = [one for one in found_all if not about_entities(one)]
    # A part of what differs: the whole would take pytest minutes to print.
    assert [one for one in found if one != ids.get(one["id"])][:5] == []
    assert sorted(ids.keys() - {one["id"] for one in found})[:5] == []
    assert len(ids) > len(lines) + 100, "every signal, and what the patterns find"
    # Days apart from each other, partitions get to an entity in no order: some comes too late.
    assert entities(found_all) & entities(wanted_all)
    # What zero tolerance does follows from one account's signals alone, and nothing holds it.
    done = [one["value"] for one in expected if one["topic"] == "enforcement"]
    enforced = [json.loads(value) for _, value in read(kafka, topics + "enforcement")]
    assert max(Counter(one["id"] for one in enforced).values()) == 1
    assert at_once(enforced) == at_once(done) != set()


def entities(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["pattern"], one["entity"]) for one in found if about_entities(one)}


def at_once(enforced: list[dict[str, Any]]) -> set[str]:
    return {one["id"] for one in enforced if one.get("why") == "zero_tolerance"}


def test_each_kind_of_rubbish_gives_one_dead_letter_and_one_line_and_the_traffic_goes_on(
    kafka: str, topics: str, start: Start, tmp_path: Path
) -> None:
    now = int(time.time() * 1000)
    good = {"id": "s1", "account": "a1", "kind": "login.succeeded", "at": now}
    rubbish: dict[str, tuple[bytes | None, bytes | None]] = {
        "not JSON": (b"a1", b"{nonsense"),
        "not an object": (b"a1", b"[1,2]"),
        "trailing bytes": (b"a1", json.dumps(good).encode() + b"x"),
        "not UTF-8": (b"a1", b'{"id":"\xff"}'),
        "NaN": (b"a1", b'{"id":"s1","account":"a1","at":NaN,"kind":"login.succeeded"}'),
        "infinity": (b"a1", b'{"id":"s1","account":"a1","at":1e999,"kind":"login.succeeded"}'),
        "too deep": (b"a1", b"[" * 10_000 + b"]" * 10_000),
        "unknown field": (b"a1", json.dumps(good | {"prompt": "secret-text"}).encode()),
        "missing field": (b"a1", json.dumps({"id": "s1", "account": "a1"}).encode()),
        "wrong type": (b"a1", json.dumps(good | {"kind": 7}).encode()),
        "malformed id": (b"a1", json.dumps(good | {"device": "secret text"}).encode()),
        "undeclared kind": (b"a1", json.dumps(good | {"kind": "secret.kind"}).encode()),
        "time without offset": (b"a1", json.dumps(good | {"at": "2026-01-01T00:00:00"}).encode()),
        "in the future": (b"a1", json.dumps(good | {"at": now + 3_600_000}).encode()),
        "null value": (b"a1", None),
        "null key": (None, json.dumps(good).encode()),
        "key is not the account": (b"a2", json.dumps(good).encode()),
        "too large": (b"a1", json.dumps(good | {"device": "x" * 70_000}).encode()),
    }
    writer = producer(kafka)
    for key, value in rubbish.values():
        # All on one partition, so that their order is known.
        writer.send(topics + "activity", key=key, value=value, partition=0)
    # a1 belongs on partition 3 of 4.
    writer.send(topics + "activity", key=b"a1", value=json.dumps(good).encode(), partition=1)
    for number in range(3):
        hit = {"id": f"h{number}", "account": "a9", "at": now + number, "source": "classifier",
               "category": "csam", "verdict": "suspected", "surface": "output"}  # fmt: skip
        writer.send(topics + "moderation-hits", key=b"a9", value=json.dumps(hit).encode())
    writer.close()
    worker = start("w1", level="debug")
    wait_until(lambda: caught_up(kafka, topics, INPUTS), "everything to be handled")

    raw = [value for _, value in read(kafka, topics + "dead-letters")]
    letters = [json.loads(value) for value in raw]
    first = {letter["offset"]: letter for letter in letters if letter["partition"] == 0}
    assert sorted(first) == list(range(len(rubbish)))
    assert len(letters) == len(rubbish) + 1
    assert [one["reason"] for one in letters if one["partition"] == 1] == ["wrong_partition"]
    reasons = {what: first[offset]["reason"] for offset, what in enumerate(rubbish)}
    assert {what for what, reason in reasons.items() if reason == "handler_failed"} == set()
    assert reasons["unknown field"] == "unknown_field"
    assert reasons["key is not the account"] == "key_mismatch"
    assert b"secret" not in b"".join(raw)
    assert [one["account"] for one in detections(kafka, topics)] == ["a9"], "traffic goes on"
    assert worker.poll() is None

    log = (tmp_path / "w1.log").read_text()
    told = re.findall(r" event=dead_letter .* partition=(\d+) offset=(\d+) reason=(\w+)", log)
    assert sorted(told) == sorted(
        (str(one["partition"]), str(one["offset"]), one["reason"]) for one in letters
    )
    assert {" event=checkpoint ", " event=library "} <= set(re.findall(" event=[a-z]+ ", log))
    assert "secret" not in log
    assert re.findall(r"\b(?:a[129]|s1|h[012])\b", log) == [], "not even where aiokafka is at debug"


def test_an_unreadable_state_record_ends_the_worker_with_5_naming_its_place(
    kafka: str, topics: str, start: Start, tmp_path: Path
) -> None:
    writer = producer(kafka)
    writer.send(topics + "accounts-state", key=b"Za1", value=b"\x01\0\0\0\0\x90", partition=2)
    writer.close()
    worker = start("w1")
    assert worker.wait(timeout=40) == 5
    said = (tmp_path / "w1.log").read_text()
    assert f"{topics}accounts-state/2 offset 0" in said


def test_idling_the_group_stands_at_the_end_within_five_seconds_and_outputs_within_one(
    kafka: str, topics: str, start: Start
) -> None:
    start("w1")
    wait_until(lambda: caught_up_or_new(kafka, topics), "the worker to have joined")
    send_hits(kafka, topics, range(3))
    written = time.monotonic()
    # The deadline leaves room for what reading takes on a busy machine.
    wait_until(lambda: bool(detections(kafka, topics)), "the detection", 1.0 + 3.0)
    wait_until(
        lambda: caught_up(kafka, topics, ("moderation-hits",)),
        "the group's offsets",
        max(0.5, written + 5.0 + 3.0 - time.monotonic()),
    )


def caught_up_or_new(kafka: str, prefix: str) -> bool:
    """A first signal handled end to end: the worker is at work."""
    writer = producer(kafka)
    now = int(time.time() * 1000)
    value = {"id": f"s{now}", "account": "a1", "kind": "login.succeeded", "at": now}
    writer.send(prefix + "activity", key=b"a1", value=json.dumps(value).encode())
    writer.close()
    return bool(read(kafka, prefix + "accounts-state"))


def test_a_worker_that_cannot_use_kafka_says_so_and_ends_with_3(kafka: str, prefix: str) -> None:
    create({"bootstrap_servers": kafka}, prefix=prefix, partitions=2)
    add_partition(kafka, prefix + "reviews")
    nobody = free_address()
    # Beside each other: a broker is waited for before it is given up.
    runs = {
        told: subprocess.Popen(
            [*VIGIL, "run", "--brokers", brokers, "--prefix", where, "--worker-id", "w1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for told, brokers, where in (
            (nobody, nobody, prefix),
            ("topics create", kafka, f"{prefix}none."),
            ("reviews", kafka, prefix),
        )
    }  # fmt: skip
    for told, run in runs.items():
        out, err = run.communicate(timeout=60)
        assert (run.returncode, out) == (3, ""), err
        assert told in err
        assert "Traceback" not in err


def add_partition(kafka: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_partitions({topic: 3})
    admin.close()


def test_a_worker_never_starts_on_half_a_rule_set(kafka: str, topics: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "good.yml").write_text(RULE)
    (rules / "bad.yml").write_text(RULE.replace("00000001", "00000002").replace("kind:", "knd:"))
    run = subprocess.run(
        [*VIGIL, "run", "--brokers", kafka, "--prefix", topics, "--worker-id", "w1",
         "--rules", str(rules)],
        capture_output=True, timeout=60, check=False, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert f"{rules}/bad.yml:9: " in run.stderr
    assert "kind" in run.stderr, "the suggestion"


RULE = """\
title: Any upload
id: 7d1b3c52-0000-4000-8000-000000000001
status: stable
level: low
logsource:
  product: vigil
  service: activity
detection:
  upload: {kind: upload.created}
  condition: upload
"""


def test_signals_deleted_before_they_were_read_are_told_and_the_traffic_goes_on(
    kafka: str, topics: str, start: Start, tmp_path: Path
) -> None:
    worker = start("w1")
    wait_until(lambda: caught_up_or_new(kafka, topics), "the worker to have joined")
    worker.send_signal(signal.SIGSTOP)
    send_hits(kafka, topics, range(100))
    delete_all(kafka, topics + "moderation-hits")
    worker.send_signal(signal.SIGCONT)
    # The first record after the gap shows it.
    wait_until(lambda: told_after_a_hit(kafka, topics, tmp_path / "w1.log"), "the loss to be told")
    wait_until(lambda: bool(detections(kafka, topics)), "a detection after the gap")
    assert worker.poll() is None


def told_after_a_hit(kafka: str, prefix: str, log: Path) -> bool:
    send_hits(kafka, prefix, range(1_000, 1_003))
    return "event=offsets_deleted" in log.read_text()


def send_hits(kafka: str, prefix: str, numbers: range) -> None:
    now = int(time.time() * 1000)
    writer = producer(kafka)
    for number in numbers:
        hit = {"id": f"h{now}.{number}", "account": "a9", "at": now, "source": "classifier",
               "category": "csam", "verdict": "suspected", "surface": "output"}  # fmt: skip
        writer.send(prefix + "moderation-hits", key=b"a9", value=json.dumps(hit).encode())
    writer.close()


def delete_all(kafka: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    consumer = KafkaConsumer(bootstrap_servers=kafka)
    tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    admin.delete_records(consumer.end_offsets(tps))
    consumer.close()
    admin.close()
