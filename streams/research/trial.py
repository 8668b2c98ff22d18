"""Candidates as rules, run over the accounts that had no part in finding them.

What counts is the agent's own word: a candidate found an account if its rule detected something,
of an upheld account before the moment of its review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from math import exp
from typing import NamedTuple

import msgspec

from streams.agents.accounts import accounts_agent
from streams.agents.precision import wilson
from streams.engine.memory import NOT_HEARD, MemoryDriver
from streams.patterns import RuleFile, load_files
from streams.recording import Progress, Recording
from streams.research.candidates import Candidate
from streams.research.chance import fisher, holm
from streams.research.mining import LEAST_LIFT
from streams.research.sample import Sample, ordered
from streams.research.writing import file_name, pattern_id, rule_file
from streams.signals import Schema
from streams.signals.times import parse_ms

ALPHA = 0.01
"""The chance that even one candidate is proposed although none has to do with reviews."""


class Outcome(NamedTuple):
    """What a candidate's rule found among the accounts held out, and whether it stands.

    `hits` of the `upheld` upheld accounts, and `others` of the rest; of those this is what there
    would be without drawing, where only a share of them was looked at. `log_p` is the logarithm of
    Fisher's p.
    """

    candidate: Candidate
    hits: int
    upheld: int
    others: int
    lift: float
    log_p: float
    stands: bool

    @property
    def p(self) -> float:
        """The chance of so many hits, or more, among as many accounts drawn blindly."""
        return exp(self.log_p)

    @property
    def precision(self) -> float:
        """The share of upheld ones among the accounts found: at least, for most nobody reviewed."""
        return self.hits / (self.hits + self.others) if self.hits else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where it lies with 95 % confidence."""
        return wilson(self.hits, self.others)


class _Detection(msgspec.Struct):
    pattern: str
    account: str
    at: str
    retracts: str | None = None


def run(
    candidates: Sequence[Candidate],
    sample: Sample,
    recordings: Sequence[Recording],
    schema: Schema,
    progress: Progress,
) -> list[Outcome]:
    """The outcome of each candidate. Raises as `Recording.batches`."""
    found = _found(candidates, sample, recordings, schema, progress)
    upheld = sample.held_out & sample.since.keys()
    total = len(sample.held_out)
    counted = [
        (len(accounts & upheld), len(accounts))
        for accounts in (found.get(pattern_id(one), set()) for one in candidates)
    ]
    log_ps = [fisher(hits, fired, len(upheld), total) for hits, fired in counted]
    outcomes = []
    for candidate, (hits, fired), log_p, stands in zip(
        candidates, counted, log_ps, holm(log_ps, ALPHA), strict=True
    ):
        lift = hits * total / (fired * len(upheld)) if fired else 0.0
        others = round((fired - hits) / sample.share)
        stands = stands and lift >= LEAST_LIFT  # noqa: PLW2901 - the same question, asked further
        outcomes.append(Outcome(candidate, hits, len(upheld), others, lift, log_p, stands))
    return outcomes


def _found(
    candidates: Sequence[Candidate],
    sample: Sample,
    recordings: Sequence[Recording],
    schema: Schema,
    progress: Progress,
) -> Mapping[str, set[str]]:
    """The accounts held out that each candidate's rule found, by the rule's id."""
    files = [RuleFile(file_name(one), file_name(one), rule_file(one, "")) for one in candidates]
    agent = accounts_agent(load_files(files, schema), schema)
    driver = MemoryDriver([agent], within_ms=NOT_HEARD)
    decode = msgspec.json.Decoder(_Detection).decode
    keys = {account.encode() for account in sample.held_out}
    records = chain.from_iterable(ordered(recordings, keys.__contains__, progress))
    found: dict[str, set[str]] = {}
    for output in driver.feed(records):
        if output.topic != "detections":
            continue
        told = decode(output.value)
        since = sample.since.get(told.account)
        if since is None or parse_ms(told.at) <= since:
            found.setdefault(told.pattern, set()).add(told.account)
    return found
