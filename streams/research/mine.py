"""Candidate patterns that separate the accounts reviewers upheld from the rest of a recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.agents.accounts import INPUTS
from streams.recording import Progress, Recording
from streams.research import mining, trial
from streams.research.sample import Sample, draw
from streams.research.trial import Outcome
from streams.research.writing import file_name, rule_file
from streams.signals import Schema
from streams.topics import TABLE
from streams.workbench.words import counted

LEAST_UPHELD = 4
"""In each half: of fewer, nothing would ever stand."""

READS = 4
"""How often a recording is read: twice to draw, once to see if it is in order, once on trial."""


class TooFew(Exception):
    """Too few accounts to learn from; says how many there are, and how many it takes."""


@dataclass(frozen=True, slots=True)
class Mined:
    """What came of it: every candidate that was on trial, and how many accounts that rests on."""

    outcomes: tuple[Outcome, ...]
    upheld: tuple[int, int]
    """Mined, and held out."""
    rest: tuple[int, int]
    share: float
    """Of the rest, that was looked at."""

    @property
    def proposed(self) -> list[Outcome]:
        """Those that stand."""
        return [one for one in self.outcomes if one.stands]


def mine(
    files: Sequence[Path],
    schema: Schema,
    most: int,
    progress: Progress,
    advance: Callable[[int], None],
) -> Mined:
    """Mine recordings for at most `most` candidates of each kind.

    `progress` is told bytes read, `READS` times the files' in all; `advance` the search's steps.
    Raises TooFew, and as `Recording.batches`.
    """
    ignored = frozenset(topic.name for topic in TABLE) - frozenset(INPUTS)
    recordings = [Recording(path, INPUTS, ignored=ignored) for path in files]
    sample = draw(recordings, schema, progress)
    upheld, rest = _sizes(sample)
    if min(upheld) < LEAST_UPHELD or min(rest) < LEAST_UPHELD:
        raise TooFew(
            f"{counted(sum(upheld), 'account')} with an upheld review (halves of {upheld[0]} and {upheld[1]}) "
            f"among {sum(upheld) + sum(rest)}: each half needs {LEAST_UPHELD} of them, and as many "
            "others; take longer recordings, and those that hold the reviews"
        )
    candidates = mining.search(sample, most, advance)
    sample.done.clear()  # the trial needs none of it
    outcomes = trial.run(candidates, sample, recordings, schema, progress) if candidates else []
    return Mined(tuple(outcomes), upheld, rest, sample.share)


def write(mined: Mined, directory: Path) -> list[Path]:
    """Write what is proposed, a file each, into a directory, which is made; their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for outcome in mined.proposed:
        path = directory / file_name(outcome.candidate)
        path.write_bytes(rule_file(outcome.candidate, _said(outcome, mined)))
        paths.append(path)
    return paths


def _said(one: Outcome, mined: Mined) -> str:
    low, high = one.interval
    return (
        f"Found: of accounts held out, in {one.hits} of {one.upheld} upheld ones and {one.others} of "
        f"{round(mined.rest[1] / mined.share)} others;\n"
        f"precision at least {one.precision:.0%} (95 % interval {low:.0%} to {high:.0%}), "
        f"lift {one.lift:.1f}, p {one.p:.1g}."
    )


def _sizes(sample: Sample) -> tuple[tuple[int, int], tuple[int, int]]:
    held = len(sample.held_out & sample.since.keys())
    upheld = len(sample.since) - held, held
    return upheld, (len(sample.done) - upheld[0], len(sample.held_out) - held)
