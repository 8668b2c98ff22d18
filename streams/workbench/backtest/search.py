"""Both rule sets over some accounts' records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from streams.agents.accounts import INPUTS
from streams.engine.memory import MemoryRecord
from streams.patterns import RuleSet
from streams.recording import Mine, OutOfOrder, Progress, Record, Recording, Told, merged
from streams.signals import Refused, Schema
from streams.topics import TABLE
from streams.workbench.backtest.finds import Finds
from streams.workbench.backtest.outcomes import OVERTURNED, UPHELD, Review
from streams.workbench.backtest.sides import NotExact, Sides

_NOT_READ = frozenset(topic.name for topic in TABLE) - frozenset(INPUTS)
_CHUNK_RECORDS = 2_000


class Found(NamedTuple):
    """What both rule sets found in some accounts' records, and what these were.

    `refused` of the `signals` were dead-lettered. `first` and `last` are the least and the greatest time stamp, None without records.
    """

    old: Finds
    new: Finds
    reviews: Sequence[Review]
    signals: int
    refused: int
    first: int | None
    last: int | None


def search(
    rulesets: tuple[RuleSet, RuleSet], files: Sequence[Path], mine: Mine, progress: Progress
) -> Found:
    """Run both rule sets over the records whose keys are `mine`."""
    recordings = [Recording(path, INPUTS, ignored=_NOT_READ) for path in files]
    disordered: set[Recording] = set()
    apart = False
    while True:
        records = merged(
            [one.sorted(mine) if one in disordered else one.streamed(mine) for one in recordings]
        )
        try:
            sides, reviews = Sides(*rulesets, apart=apart), Reviews(rulesets[0].schema)
            return _search(sides, recordings, records, reviews, progress)
        # Both are found out on the way, and rare; then it is done again from the start.
        except OutOfOrder as error:
            disordered.add(error.recording)
        except NotExact:
            apart = True


def _search(
    sides: Sides,
    recordings: Sequence[Recording],
    records: Iterator[Record],
    reviews: Reviews,
    progress: Progress,
) -> Found:
    told = Told(recordings, progress)
    signals, first, last = 0, None, None
    while chunk := list(islice(records, _CHUNK_RECORDS)):
        sides.feed(chunk)
        reviews.note(chunk)
        signals += len(chunk)
        first = chunk[0][3] if first is None else first
        last = chunk[-1][3]
        told()
    told(end=True)
    # Time has passed for these accounts up to the last record of any.
    sides.advance(max(one.newest for one in recordings))
    said = list(reviews.latest.values())
    return Found(*sides.finds, said, signals, sides.refused, first, last)


class Reviews:
    """The latest word on each decision: `latest` by account and decision."""

    def __init__(self, schema: Schema) -> None:
        self.latest: dict[tuple[str, str], Review] = {}
        self._decode = schema.decoder("reviews")

    def note(self, chunk: Sequence[Record]) -> None:
        """Look for reviews among the records."""
        for topic, key, value, ts in chunk:
            if topic != "reviews":
                continue
            try:
                review: Any = self._decode(MemoryRecord(key, value, 0, ts))
            except Refused:
                continue  # the drivers count it
            if review.outcome in (UPHELD, OVERTURNED):
                decision = review.account, review.decision
                said = Review(*decision, review.outcome == UPHELD, review.at)
                before = self.latest.get(decision)
                if before is None or before.at <= said.at:
                    self.latest[decision] = said
