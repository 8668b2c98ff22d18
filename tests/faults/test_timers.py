"""What waits, on a real broker: told when traffic stops, once, however often the worker is killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from streams.admin import create
from tests.faults import waiting_worker
from tests.faults.drill import PARTITIONS, read, wait_until

WAVE = 600
LONGEST_MS = 9_000
"""The last of a wave is due so long after it was written: the worker is killed before."""

_PROGRAM = Path(waiting_worker.__file__)
_ROOT = Path(__file__).parents[2]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(kafka: str, prefix: str, tmp_path: Path) -> Iterator[Start]:
    """Starts the worker; what still runs at the end is killed."""
    workers: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / "worker.log").open("ab")
        command = [sys.executable, str(_PROGRAM), "--brokers", kafka, "--prefix", prefix,
                   "--partitions", str(PARTITIONS), *options]  # fmt: skip
        env = os.environ | {"PYTHONPATH": str(_ROOT)}
        workers.append(subprocess.Popen(command, cwd=_ROOT, env=env, stdout=log, stderr=log))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def write(brokers: str, prefix: str, numbers: range, longest_ms: int) -> None:
    """A wave of signals that wait up to so long; nothing comes after it."""
    dice = random.Random(numbers.start)
    producer = KafkaProducer(bootstrap_servers=brokers, acks="all")
    for number in numbers:
        account = f"a{dice.randrange(100)}"
        signal = waiting_worker.Waiting(account, number, dice.randrange(1, longest_ms))
        producer.send(prefix + "activity", key=account.encode(), value=msgspec.json.encode(signal))
    producer.flush()
    producer.close()


@pytest.fixture
def topics(kafka: str, prefix: str) -> str:
    """A prefix whose topics exist."""
    create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
    return prefix


def told(brokers: str, prefix: str) -> list[waiting_worker.Over]:
    """What was told, in each partition's order."""
    decode = msgspec.json.Decoder(waiting_worker.Over).decode
    return [decode(value) for _, value in read(brokers, prefix + "detections")]


def test_what_waits_is_told_once_and_in_order_though_traffic_stopped_and_workers_were_killed(
    start: Start, kafka: str, topics: str
) -> None:
    written = 0
    for _ in range(2):
        worker = start()
        # One that is due at once shows that the worker is up, and has caught up.
        for count, longest_ms, goal in ((1, 2, 1), (WAVE, LONGEST_MS, WAVE // 20)):
            wave = range(written, written + count)
            write(kafka, topics, wave, longest_ms)
            written = wave.stop
            wait_until(lambda w=wave, g=goal: told_of(kafka, topics, w) >= g, f"{goal} to be told")
        worker.kill()
        worker.wait()
        assert told_of(kafka, topics, wave) < WAVE, "killed in the middle of it"
    start()
    wait_until(lambda: len(told(kafka, topics)) >= written, "all to be told")
    overs = told(kafka, topics)
    assert Counter(over.number for over in overs) == Counter(range(written))
    assert all(over.due <= over.now for over in overs)
    assert falls([(over.now, over.due) for over in overs]) < PARTITIONS, (
        "each partition's are in order"
    )
    remaining = dict(read(kafka, topics + "accounts-state"))
    assert not [key for key, value in remaining.items() if key[:1] == b"W" and value]


def told_of(brokers: str, prefix: str, numbers: range) -> int:
    return sum(over.number in numbers for over in told(brokers, prefix))


def falls(moments: list[tuple[int, int]]) -> int:
    return sum(after < before for before, after in pairwise(moments))


def test_the_count_notices_an_engine_that_forgets_that_it_called(
    start: Start, kafka: str, topics: str
) -> None:
    def most() -> int:
        return max(Counter(over.number for over in told(kafka, topics)).values(), default=0)

    write(kafka, topics, range(10), 100)
    worker = start("--broken")
    wait_until(lambda: most() > 0, "one to be told")
    worker.kill()
    worker.wait()
    start("--broken")
    wait_until(lambda: most() > 1, "one to be told again")
