"""Watches what is committed while the day is played, and keeps the time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from msgspec import json

from streams.signals.times import parse_ms
from streams.simulate.kafka import Sent
from streams.simulate.lines import ts_of
from streams.simulate.score import Score
from streams.tap.follow import Committed, Follower


class Audience:
    """Counts committed outputs, scores detections, measures how long they took.

    The latency of a detection is the time from handing the step that had its last signal to the
    producer until the detection was read back, committed.

    Args:
        score: takes each detection.
        begin_ms: of the day; what was detected of earlier signals has no latency.
        keep: file that every output is appended to, as JSON lines.
        show: called with each detection.
    """

    def __init__(
        self, score: Score, begin_ms: int, keep: Path, show: Callable[[Committed], None]
    ) -> None:
        self.outputs: Counter[str] = Counter()
        self.last_s = 0.0
        """Monotonic time of the last committed output."""
        self._score = score
        self._begin_ms = begin_ms
        self._keep = keep
        self._show = show
        self._detections: list[tuple[int, float]] = []  # time of the last signal, and when seen
        self._sent_last: list[int] = []  # of each step: timestamp of its last signal…
        self._sent_began: list[float] = []  # …and when it was handed over

    def sent(self, step: Sent) -> None:
        """Note that a step was sent; steps come in the order of their signals."""
        self._sent_last.append(ts_of(step.last))
        self._sent_began.append(step.began)

    async def watch(self, follower: Follower) -> None:
        """Take in outputs until cancelled."""
        with self._keep.open("wb") as file:
            async for record in follower.records():
                self.last_s = monotonic()
                self.outputs[record.topic] += 1
                line = {"topic": record.topic, "key": record.key, "value": record.value}
                file.write(json.encode(line | {"ts": record.ts}) + b"\n")
                file.flush()
                if record.topic == "detections":
                    self._detected(record)

    def _detected(self, record: Committed) -> None:
        at = parse_ms(record.value["at"])
        if at >= self._begin_ms:
            self._detections.append((at, self.last_s))
        self._score.note(record.value)
        self._show(record)

    def latency_s(self, share: float) -> float | None:
        """The latency that `share` (0 to 1) of the detections stayed within; None without any."""
        steps = ((bisect_left(self._sent_last, at), seen) for at, seen in self._detections)
        # What fires because nothing came is later than the last signal, and waited for none.
        took = sorted(
            seen - self._sent_began[step] for step, seen in steps if step < len(self._sent_began)
        )
        return took[min(len(took) - 1, int(share * len(took)))] if took else None
