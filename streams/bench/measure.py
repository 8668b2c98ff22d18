"""One measured run of one engine: topics, traffic, worker, samples, recount, and tidying up."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.bench.engine import PARTITIONS, Engine, Run
from streams.bench.preload import preload, stream_records
from streams.bench.progress import Sample, watch
from streams.bench.stream import Stream, recount

STALLED_S = 90.0

INPUT_SETTINGS = {"retention.ms": "-1"}
"""The traffic's times lie where they lie: Kafka would delete old records within minutes."""


def say(text: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def create_topics(brokers: str, topics: dict[str, dict[str, str]]) -> None:
    """Create topics and wait until every partition has a leader."""
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        wanted = {
            name: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": settings}
            for name, settings in topics.items()
        }
        admin.create_topics(wanted, wait_for_metadata=True)
    finally:
        admin.close()


def delete_topics(brokers: str, prefix: str) -> None:
    """Delete every topic that starts with `prefix`; what can't be deleted is left, and said."""
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        mine = [name for name in admin.list_topics() if name.startswith(prefix)]
        if mine:
            admin.delete_topics(mine)
    except KafkaError as fault:
        say(f"topics of {prefix} stay: {type(fault).__name__}")
    finally:
        admin.close()


@contextlib.contextmanager
def fresh_run(brokers: str, name: str, stream: Stream, core: int) -> Iterator[Run]:
    """A run with a prefix and a directory of its own; both are gone afterwards."""
    prefix = f"bench-{name}-{uuid.uuid4().hex[:8]}."
    with tempfile.TemporaryDirectory(prefix=prefix) as directory:
        run = Run(brokers, prefix, stream, Path(directory), core)
        try:
            yield run
        finally:
            delete_topics(brokers, prefix)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The samples of a run whose committed result stood up to the recount."""

    engine: str
    stream: Stream
    samples: Sequence[Sample]

    @property
    def rss_mb(self) -> float:
        """The highest resident memory seen."""
        return max(sample.rss_mb for sample in self.samples)


def measure(brokers: str, engine: Engine, stream: Stream, core: int) -> Measurement:
    """Preload, run until everything is committed, stop, recount.

    Raises `WrongResult` if what was committed is wrong, `TimeoutError` if the engine stalls.
    """
    with fresh_run(brokers, engine.name, stream, core) as run:
        inputs = dict.fromkeys(run.inputs.values(), INPUT_SETTINGS)
        create_topics(brokers, inputs | engine.topics(run))
        say(f"{engine.name}: preloading {stream.signals:,} signals of {stream.accounts:,} accounts")
        preload(brokers, stream_records(stream, run.inputs, run.partitions))
        progress = engine.progress(run)
        try:
            say(f"{engine.name}: running")
            with engine.start(run) as process:
                samples = watch(progress, process, until=stream.signals, stalled_s=STALLED_S)
        finally:
            progress.close()
        say(f"{engine.name}: committed; recounting")
        engine.verify(run, recount(stream))
        return Measurement(engine.name, stream, samples)
