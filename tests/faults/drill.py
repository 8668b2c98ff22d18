"""A drill: numbered signals into a real Kafka, real workers, faults, and a recount at the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.admin import create
from streams.engine.state_format import OFFSETS_KEY
from tests.faults import counting_worker as counting

PARTITIONS = 4
ACCOUNTS = 400
_PROGRAM = Path(counting.__file__)
_ROOT = Path(__file__).parents[2]


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = 60.0) -> None:
    """Poll until true; fail naming what was waited for."""
    deadline = time.monotonic() + deadline_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        pause.wait(0.1)


def read(brokers: str, topic: str, partitions: int = PARTITIONS) -> list[tuple[bytes, Any]]:
    """All committed records of a topic, as (key, value), in each partition's order."""
    return [one for part in read_apart(brokers, topic, partitions).values() for one in part]


def read_apart(brokers: str, topic: str, partitions: int) -> dict[int, list[tuple[bytes, Any]]]:
    """The same by partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=brokers, isolation_level="read_committed",
        enable_auto_commit=False, group_id=None,
    )  # fmt: skip
    try:
        tps = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        ends = consumer.end_offsets(tps)
        records: dict[int, list[tuple[bytes, Any]]] = {tp.partition: [] for tp in tps}
        while any(consumer.position(tp) < ends[tp] for tp in tps):
            for tp, batch in consumer.poll(timeout_ms=200).items():
                records[tp.partition] += [(record.key, record.value) for record in batch]
        return records
    finally:
        consumer.close()


class Count:
    """How many records of a topic are committed; each is read once, however often it is asked."""

    def __init__(self, brokers: str, topic: str, partitions: int = PARTITIONS) -> None:
        self._brokers, self._topic = brokers, topic
        self._begin(partitions)

    def _begin(self, partitions: int) -> None:
        self._tps = [TopicPartition(self._topic, number) for number in range(partitions)]
        self._consumer = KafkaConsumer(
            bootstrap_servers=self._brokers, isolation_level="read_committed",
            enable_auto_commit=False, group_id=None,
            reconnect_backoff_max_ms=500,  # a drill may kill the broker
        )  # fmt: skip
        self._consumer.assign(self._tps)
        self._consumer.seek_to_beginning(*self._tps)
        self._count = 0

    def now(self, partitions: int = PARTITIONS) -> int:
        """If there are more partitions than before, it is counted anew."""
        if partitions != len(self._tps):
            self.close()
            self._begin(partitions)
        ends = self._consumer.end_offsets(self._tps)
        while any(self._consumer.position(tp) < ends[tp] for tp in self._tps):
            self._count += sum(map(len, self._consumer.poll(timeout_ms=200).values()))
        return self._count

    def close(self) -> None:
        self._consumer.close()


def caught_up(
    brokers: str, prefix: str, topics: Sequence[str], partitions: int = PARTITIONS
) -> bool:
    """Whether the group's committed offsets stand at the end of every input."""
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    consumer = KafkaConsumer(bootstrap_servers=brokers)
    try:
        tps = [TopicPartition(prefix + t, number) for t in topics for number in range(partitions)]
        ends = consumer.end_offsets(tps)
        group = f"{prefix}vigil"
        try:
            told = admin.list_group_offsets(group)[group]
        except KafkaError:  # the first group on a fresh broker: its coordinator is being made
            return False
        return all(tp in told and told[tp].offset == ends[tp] for tp in tps)
    finally:
        consumer.close()
        admin.close()


class Load(threading.Thread):
    """Writes numbered signals until stopped; remembers what it wrote, in order, per account.

    A fifth of the signals go to `moderation-hits`, so that two inputs have to be merged. It goes on
    after those of another one that were `sent`.
    """

    def __init__(
        self,
        brokers: str,
        prefix: str,
        *,
        per_second: int = 3_000,
        sent: Sequence[tuple[str, int]] = (),
    ) -> None:
        super().__init__(daemon=True)
        self.sent = list(sent)
        self._prefix = prefix
        self._per_second = per_second
        self._ended = threading.Event()
        self._producer = KafkaProducer(
            bootstrap_servers=brokers, acks="all", enable_idempotence=True,
            delivery_timeout_ms=120_000, request_timeout_ms=5_000,
        )  # fmt: skip

    def run(self) -> None:
        dice = random.Random(7)
        while not self._ended.wait(0.05):
            for _ in range(self._per_second // 20):
                number = len(self.sent)
                account = f"a{dice.randrange(ACCOUNTS)}"
                value = b'{"account":"%s","number":%d}' % (account.encode(), number)
                # One topic per account: within a topic the order is fixed, across topics it
                # hangs on what had arrived when.
                hits = int(account[1:]) % 5 == 0
                topic = self._prefix + ("moderation-hits" if hits else "activity")
                self._producer.send(topic, key=account.encode(), value=value)
                self.sent.append((account, number))

    def end(self) -> None:
        """Stop writing; returns when everything written is acknowledged. May be called twice."""
        if self._ended.is_set():
            return
        self._ended.set()
        self.join()
        self._producer.flush()
        self._producer.close()


class Drill:
    """Topics of its own, a load, workers; `recount` compares what is committed with the input."""

    def __init__(
        self,
        brokers: str,
        directory: Path,
        *,
        session_timeout_s: float = 3.0,
        per_second: int = 3_000,
    ) -> None:
        self.brokers = brokers
        self._session_timeout_s = session_timeout_s
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self.partitions = PARTITIONS
        self._directory = directory
        self._workers: list[subprocess.Popen[bytes]] = []
        create({"bootstrap_servers": brokers}, prefix=self.prefix, partitions=PARTITIONS)
        self._per_second = per_second
        self.load = Load(brokers, self.prefix, per_second=per_second)
        self._decisions = Count(brokers, self.prefix + "detections")

    def __enter__(self) -> Self:
        self.load.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._decisions.close()
        self.load.end()
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()

    def worker(
        self, name: str, *, broken: str | None = None, program: Path = _PROGRAM
    ) -> subprocess.Popen[bytes]:
        """Start a worker process."""
        log = (self._directory / f"{name}.log").open("ab")
        command = [
            *(sys.executable, str(program), "--brokers", self.brokers, "--prefix", self.prefix),
            *("--worker-id", name, "--partitions", str(self.partitions)),
            *("--session-timeout-s", str(self._session_timeout_s)),
            *(("--broken", broken) if broken else ()),
        ]
        worker = subprocess.Popen(
            command, cwd=_ROOT, env=os.environ | {"PYTHONPATH": str(_ROOT)}, stdout=log, stderr=log
        )
        self._workers.append(worker)
        return worker

    def committed(self) -> int:
        """Decisions committed so far."""
        return self._decisions.now(self.partitions)

    def wait_for_decisions(self, more: int = 1, deadline_s: float = 60.0) -> None:
        """Wait until `more` further decisions are committed."""
        goal = self.committed() + more
        wait_until(lambda: self.committed() >= goal, f"{more} more decisions", deadline_s)

    def go_on(self) -> None:
        """Begin to write again after `finish`."""
        self.load = Load(
            self.brokers, self.prefix, per_second=self._per_second, sent=self.load.sent
        )
        self.load.start()

    def finish(self, deadline_s: float = 90.0) -> None:
        """End the load and wait until the group's offsets stand at the end of every input."""
        self.load.end()
        inputs = ("activity", "moderation-hits")
        wait_until(
            lambda: caught_up(self.brokers, self.prefix, inputs, self.partitions),
            "the group's offsets at the end of the inputs",
            deadline_s,
        )

    def recount(self) -> list[str]:
        """What is wrong: nothing, or a line for each kind of difference."""
        expected: dict[str, counting.Count] = {}
        decisions = []
        for account, number in self.load.sent:
            one = expected.setdefault(account, counting.Count())
            one.take(number)
            if one.seen % counting.EVERY == 0:
                decisions.append(f"{account}.{one.seen}")
        found = Counter(
            msgspec.json.decode(value, type=counting.Decision).id
            for _, value in read(self.brokers, self.prefix + "detections", self.partitions)
        )
        state = self._state()
        wrong = sum(state.get(account) != one for account, one in expected.items())
        doubled = sum(times - 1 for times in found.values() if times > 1)
        lost = len(set(decisions) - found.keys())
        invented = len(found.keys() - set(decisions))
        counts = {"wrong states": wrong, "doubled decisions": doubled,
                  "lost decisions": lost, "invented decisions": invented}  # fmt: skip
        return [f"{number} {what}" for what, number in counts.items() if number]

    def _state(self) -> dict[str, counting.Count]:
        states: dict[str, counting.Count] = {}
        topic = self.prefix + "accounts-state"
        for records in read_apart(self.brokers, topic, self.partitions).values():
            for key, value in dict(records).items():
                if value is not None and key != OFFSETS_KEY:
                    account = key[1:].decode()
                    # In two places it is wrong, whatever it says.
                    known = account in states
                    one = msgspec.msgpack.decode(value[5:], type=counting.Count)  # a next one's too
                    states[account] = counting.Count() if known else one
        return states
