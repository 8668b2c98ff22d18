"""Inline tests, pattern by pattern, with how long they took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from streams.engine.inline import play
from streams.patterns import Pattern, Result, RuleSet, run_tests
from streams.patterns.inline_reader import InlineTest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one pattern's tests. `took_s` is for all of them together."""

    pattern: Pattern
    results: tuple[Result, ...]
    took_s: float

    @property
    def failures(self) -> tuple[Result, ...]:
        """Those that did not find what they expect."""
        return tuple(result for result in self.results if not result.passed)


Wanted = Callable[[Pattern, InlineTest], bool]


def outcomes(ruleset: RuleSet, wanted: Wanted = lambda *_: True) -> Iterator[Outcome]:
    """Run the wanted tests, pattern by pattern; patterns none of whose tests is wanted are left out.

    With the default every pattern is told of, also one without tests.
    """
    for pattern in ruleset.patterns:
        every = ruleset.tests.get(pattern.id, ())
        tests = [test for test in every if wanted(pattern, test)]
        if every and not tests:
            continue
        alone = RuleSet([pattern], ruleset.schema, ruleset.hash, {pattern.id: tests})
        began = time.perf_counter()
        results = tuple(run_tests(alone, play))
        yield Outcome(pattern, results, time.perf_counter() - began)
