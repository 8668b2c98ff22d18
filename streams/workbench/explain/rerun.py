"""One account's signals through the agents again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.agents.accounts import accounts_agent
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.patterns import RuleSet
from streams.recording import Record
from streams.records import Detection
from streams.signals import Refused
from streams.workbench.explain.near import NearMiss, Watch
from streams.workbench.explain.recorded import History, Said, Understanding


class Rerun(NamedTuple):
    """What came of it: what Vigil says now, the accepted signals by event time, near misses."""

    said: list[Said]
    signals: list[Any]
    refused: int
    near: list[NearMiss]


def rerun(history: History, ruleset: RuleSet, id_: str) -> Rerun:
    """Play an account's signals.

    Time passes up to the recording's last record; if `id_` was not found by then, for as long as
    the rules remember, because it may have been waiting for something that never came.
    """
    watch = Watch(ruleset)
    driver = MemoryDriver([watch.watched(accounts_agent(ruleset, ruleset.schema))])
    outputs = [*driver.feed(history.signals), *driver.advance(history.newest)]
    if not any(id_.encode() in output.value for output in outputs):
        horizon = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        outputs += driver.advance(history.newest + horizon)
    understood = Understanding(ruleset.schema)
    said = [one for output in outputs if (one := understood(output.topic, output.value))]
    signals, refused = _accepted(history.signals, ruleset)
    return Rerun(said, signals, refused, watch.misses(_fired(said)))


def _fired(said: Sequence[Said]) -> set[str]:
    taken_back = {one.retracts for one in said if isinstance(one, Detection)}
    return {
        one.pattern
        for one in said
        if isinstance(one, Detection) and one.retracts is None and one.id not in taken_back
    }


def _accepted(records: Sequence[Record], ruleset: RuleSet) -> tuple[list[Any], int]:
    """The signals the decoders let through, each id of a topic once, and how many they refused."""
    decoders = {topic: ruleset.schema.decoder(topic) for topic in ruleset.schema.topics}
    found: dict[tuple[str, str], Any] = {}
    refused = 0
    for topic, key, value, ts in records:
        try:
            signal = decoders[topic](MemoryRecord(key, value, 0, ts))
        except Refused:
            refused += 1
        else:
            found.setdefault((topic, signal.id), signal)
    return sorted(found.values(), key=lambda signal: signal.at), refused
