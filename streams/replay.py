"""Replay: a recording in, the agents in memory, their outputs out. No Kafka, deterministic.

Files are merged by the time stamps of their lines, and so are the lines within one; on ties lines
keep their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.recording import Recording, merged


def replay(
    driver: MemoryDriver, files: Sequence[Path], topics: Collection[str]
) -> Iterator[Output]:
    """Outputs of the files' records, in the order they would be committed.

    `topics` are those agents read; `-` reads standard input, `.gz` and `.zst` are unpacked. One
    pass finds out whether a file is in order already, as most recordings are; then it is streamed,
    and only one out of order is sorted in memory. Raises LineError, and OSError for a file that
    can't be opened.
    """
    recordings = [Recording(path, topics) for path in files]
    sources = [
        recording.streamed() if recording.is_ordered() else recording.sorted()
        for recording in recordings
    ]
    yield from driver.feed(merged(sources))
