"""Replay: a recording in, the agents in memory, their outputs out. No Kafka, deterministic.

Records come by the time stamps of their lines; on ties the files and their lines keep their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.recording import Recording, by_time


def replay(
    driver: MemoryDriver, files: Sequence[Path], topics: Collection[str]
) -> Iterator[Output]:
    """Outputs of the files' records, in the order they would be committed.

    `topics` are those agents read; `-` reads standard input, `.gz` and `.zst` are unpacked. Raises
    LineError, and OSError for a file that can't be opened.
    """
    yield from driver.feed(by_time([Recording(path, topics) for path in files]))
