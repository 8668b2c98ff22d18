"""Both rule sets over some accounts' records: whom there is anything to tell about.

The survey is the long part of a backtest, and any share of the accounts can have one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard

from streams.agents.accounts import INPUTS
from streams.engine.memory import MemoryRecord
from streams.patterns import RuleSet
from streams.recording import Mine, OutOfOrder, Progress, Record, Recording, Told, merged
from streams.signals import Refused, Schema
from streams.topics import BY_NAME, TABLE, Role
from streams.workbench.backtest.outcomes import OVERTURNED, UPHELD, Review
from streams.workbench.backtest.sides import NotExact, Sides

READ = tuple(topic for topic in INPUTS if BY_NAME[topic].role is Role.IN)
"""What is read of a recording; what agents told each other then, they tell each other anew."""
IGNORED = frozenset(topic.name for topic in TABLE).difference(READ)

_CHUNK_RECORDS = 2_000


class Survey(msgspec.Struct):
    """What a share of the accounts has to tell.

    `accounts` are the keys of those that either rule set found something about. `told` are
    recordings of what all of the share told of the entities they met, for the old and the new rule
    set (the same where that makes no difference). `refused` of the `signals` were dead-lettered.
    `first` and `last` are the least and the greatest time stamp, None without records; `newest` is
    the greatest of all accounts. `disordered` are the files that are not in the order of time.
    """

    accounts: set[bytes]
    told: tuple[Path, Path]
    reviews: list[Review]
    signals: int
    refused: int
    first: int | None
    last: int | None
    newest: int
    disordered: set[Path]


def survey(
    rulesets: tuple[RuleSet, RuleSet],
    files: Sequence[Path],
    mine: Mine,
    into: Path,
    progress: Progress,
) -> Survey:
    """Look at the records whose keys are `mine`; `into` is a directory for what is told."""
    recordings = [Recording(path, READ, ignored=IGNORED) for path in files]
    disordered: set[Recording] = set()
    apart = False
    while True:
        records = merged(
            [one.sorted(mine) if one in disordered else one.streamed(mine) for one in recordings]
        )
        try:
            sides = Sides(*rulesets, apart=apart)
            found = _survey(sides, recordings, records, into, progress)
        # Both are found out on the way, and rare; then it is done again from the start.
        except OutOfOrder as error:
            disordered.add(error.recording)
        except NotExact:
            apart = True
        else:
            found.disordered = {one.path for one in disordered}
            return found


def _survey(
    sides: Sides,
    recordings: Sequence[Recording],
    records: Iterator[Record],
    into: Path,
    progress: Progress,
) -> Survey:
    reviews = Reviews(sides.schema)
    progress_of, signals, first, last = Told(recordings, progress), 0, None, None
    paths = [into / name for name in (("both",) if sides.together else ("old", "new"))]
    paths = [path.with_suffix(".jsonl.zst") for path in paths]
    with ExitStack() as stack:
        told = [stack.enter_context(zstandard.open(path, "wb")) for path in paths]
        while chunk := list(islice(records, _CHUNK_RECORDS)):
            for file, lines in zip(told, sides.feed(chunk), strict=True):
                _write(file, lines)
            reviews.note(chunk)
            signals += len(chunk)
            first = chunk[0][3] if first is None else first
            last = chunk[-1][3]
            progress_of()
    progress_of(end=True)
    newest = max(one.newest for one in recordings)
    # Time has passed for these accounts up to the last record of any.
    sides.advance(newest)
    return Survey(
        sides.accounts,
        (paths[0], paths[-1]),
        list(reviews.latest.values()),
        signals,
        sides.refused,
        first,
        last,
        newest,
        set(),
    )


def _write(file: IO[bytes], records: Sequence[Record]) -> None:
    # Topics and keys are names and ids of ours: nothing in them needs escaping.
    file.write(
        b"".join(
            b'{"topic":"%s","key":"%s","value":%s,"ts":%d}\n' % (topic.encode(), key, value, ts)
            for topic, key, value, ts in records
        )
    )


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
