"""Running inline tests: each against its own pattern alone, on a synthetic clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from streams.patterns.inline_reader import NEVER, START_MS, InlineTest, Record
from streams.patterns.ruleset import RuleSet
from streams.signals.durations import format_duration
from streams.signals.times import parse_ms


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test; `expected` and `found` are texts such as ``5m, 2h``."""

    pattern: str
    title: str
    test: InlineTest
    passed: bool
    expected: str
    found: str

    def __str__(self) -> str:
        outcome = "passed" if self.passed else f"expected {self.expected}, found {self.found}"
        return f"{self.test.file}:{self.test.line}: {self.title}: {self.test.name}: {outcome}"


Play = Callable[[RuleSet, Sequence[Record]], Iterable[tuple[str, bytes]]]
"""Runs records through the accounts agent with a rule set; yields outputs as (topic, JSON)."""


def run_tests(ruleset: RuleSet, play: Play) -> list[Result]:
    """Run every inline test against its own pattern alone, on fresh state.

    `play` brings the driver, so that the same handlers run as in deployment. What was taken back
    (`unless`) counts as not found, what an entity's pattern says of several accounts, once, and
    what it says of those that join them later, not at all.
    """
    results = []
    for pattern in ruleset.patterns:
        alone = ruleset.only({pattern.id})
        for test in ruleset.tests.get(pattern.id, ()):
            detections = [
                msgspec.json.decode(data, type=_Detection)
                for topic, data in play(alone, test.records)
                if topic == "detections"
            ]
            # What is in the code tells of known material, whatever pattern is tested.
            own = [one for one in detections if one.pattern == pattern.id]
            found = _moments_found(own, test.expected)
            results.append(
                Result(
                    pattern.id,
                    pattern.title,
                    test,
                    _as_expected(test.expected, found),
                    _moments(test.expected),
                    _moments(found),
                )
            )
    return results


class _Detection(msgspec.Struct):
    id: str
    pattern: str
    account: str
    at: str
    values: dict[str, str | float | bool]
    entity: str | None = None
    retracts: str | None = None


def _moments_found(
    detections: Sequence[_Detection], expected: Sequence[tuple[str | None, int]]
) -> list[tuple[str, int]]:
    retracted = {one.retracts for one in detections}
    standing = [
        one
        for one in detections
        if one.id not in retracted and one.retracts is None and "joined" not in one.values
    ]
    if any(account is None for account, _ in expected):
        # An entity's pattern says the same of each account it concerns: that is one moment.
        standing = list({(one.entity or one.id, one.at): one for one in standing}.values())
    return [(one.account, parse_ms(one.at) - START_MS) for one in standing]


def _as_expected(
    expected: Sequence[tuple[str | None, int]], found: Sequence[tuple[str, int]]
) -> bool:
    if any(account is None for account, _ in expected):
        return sorted(at for _, at in expected) == sorted(at for _, at in found)
    return sorted(map(str, expected)) == sorted(map(str, found))


def _moments(moments: Iterable[tuple[str | None, int]]) -> str:
    texts = [
        format_duration(at) + (f" ({account})" if account else "")
        for account, at in sorted(moments, key=lambda moment: moment[1])
    ]
    return ", ".join(texts) or NEVER
