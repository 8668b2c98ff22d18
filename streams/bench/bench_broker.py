"""The broker the jobs share: an embedded Kafka of their own on the other core, or a given one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from streams.embedded import EmbeddedKafka

WORKER_CORE = 0
BROKER_CORE = 1


def pin_harness() -> None:
    """Keep this process, and what it starts unless told otherwise, off the workers' core."""
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {BROKER_CORE})


@contextlib.contextmanager
def broker(address: str | None) -> Iterator[str]:
    """`host:port` of the given broker, or of a fresh one that is gone afterwards.

    Call `pin_harness` first: the broker inherits the core. Raises what `EmbeddedKafka` raises.
    """
    if address:
        yield address
        return
    with (
        tempfile.TemporaryDirectory(prefix="vigil-bench-kafka-") as directory,
        EmbeddedKafka(Path(directory), tied=True) as kafka,
    ):
        yield kafka.address
