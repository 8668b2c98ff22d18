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

SIGNALS = 2_000
SHORTEST_MS, LONGEST_MS = 4_000, 14_000
"""Long enough that a worker is up before the first is due, and killed before the last."""

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


def write(brokers: str, prefix: str) -> None:
    """All signals at once; nothing comes after them."""
    create({"bootstrap_servers": brokers}, prefix=prefix, partitions=PARTITIONS)
    dice = random.Random(5)
    producer = KafkaProducer(bootstrap_servers=brokers, acks="all")
    for number in range(SIGNALS):
        account = f"a{dice.randrange(100)}"
        signal = waiting_worker.Waiting(account, number, dice.randrange(SHORTEST_MS, LONGEST_MS))
        producer.send(prefix + "activity", key=account.encode(), value=msgspec.json.encode(signal))
    producer.flush()
    producer.close()


def told(brokers: str, prefix: str) -> list[waiting_worker.Over]:
    """What was told, in each partition's order."""
    decode = msgspec.json.Decoder(waiting_worker.Over).decode
    return [decode(value) for _, value in read(brokers, prefix + "detections")]


def test_what_waits_is_told_once_and_in_order_though_traffic_stopped_and_workers_were_killed(
    start: Start, kafka: str, prefix: str
) -> None:
    write(kafka, prefix)
    for goal in (1, SIGNALS // 3, SIGNALS * 2 // 3):
        worker = start()
        wait_until(lambda goal=goal: len(told(kafka, prefix)) >= goal, f"{goal} to be told")
        worker.kill()
        worker.wait()
        assert len(told(kafka, prefix)) < SIGNALS, "killed in the middle of it"
    start()
    wait_until(lambda: len(told(kafka, prefix)) >= SIGNALS, "all to be told")
    overs = told(kafka, prefix)
    assert Counter(over.number for over in overs) == Counter(range(SIGNALS))
    assert all(over.due <= over.now for over in overs)
    assert falls([over.due for over in overs]) < PARTITIONS, "each partition's are in order"
    remaining = dict(read(kafka, prefix + "accounts-state"))
    assert not [key for key, value in remaining.items() if key[:1] == b"W" and value]


def falls(numbers: list[int]) -> int:
    return sum(after < before for before, after in pairwise(numbers))


def test_the_count_notices_an_engine_that_forgets_that_it_called(
    start: Start, kafka: str, prefix: str
) -> None:
    def most() -> int:
        return max(Counter(over.number for over in told(kafka, prefix)).values(), default=0)

    write(kafka, prefix)
    worker = start("--broken")
    wait_until(lambda: most() > 0, "one to be told")
    worker.kill()
    worker.wait()
    start("--broken")
    wait_until(lambda: most() > 1, "one to be told again")
