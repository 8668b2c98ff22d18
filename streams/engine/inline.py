"""Inline tests on the memory driver: the handlers that run in deployment, on a synthetic clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from streams.agents.trial import agent_for
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet
from streams.patterns.inline_reader import Record


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
