"""Inline tests on the handlers that run in deployment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from streams.agents.trial import agent_for
from streams.engine.memory import MemoryDriver
from streams.patterns import Pattern, Result, RuleSet, run_tests
from streams.patterns.inline_reader import InlineTest, Record


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


def play(ruleset: RuleSet, records: Sequence[Record]) -> Iterator[tuple[str, bytes]]:
    """The records through the agent that runs the pattern, in memory; its outputs as (topic, JSON).

    This is what `streams.patterns.run_tests` asks for. After the last record time passes for as
    long as anything is remembered, as it does where nothing comes any more.
    """
    driver = MemoryDriver([agent_for(ruleset)])
    end = max((record.timestamp for record in records), default=0)
    horizon = max((pattern.horizon for pattern in ruleset.patterns), default=0)
    for output in chain(driver.feed(records), driver.advance(end + horizon)):
        # The reader of inline tests has shown each signal to the decoders already.
        assert output.topic != "dead-letters", output
        yield output.topic, output.value
