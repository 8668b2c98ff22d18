"""One account's signals through the agents again, with those of the accounts it shares with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.agents.contract import Agent
from streams.agents.governor import GOVERNOR
from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.patterns import RuleSet
from streams.patterns.pattern import ACCOUNTS
from streams.recording import Record, by_ts
from streams.records import Detection
from streams.signals import Refused
from streams.workbench.explain.near import NearMiss, Watch
from streams.workbench.explain.recorded import HEARD, INPUTS, History, named_by
from streams.workbench.explain.understanding import Said, Understanding


class Rerun(NamedTuple):
    """What came of it.

    `said` is what Vigil says of the account now, with its time stamps. `signals` are the accepted
    ones by event time: the account's, and of others those that name one of the entities. `refused`
    are the account's. `near` are its near misses.
    """

    said: list[tuple[int, Said]]
    signals: list[Any]
    heard: list[Any]
    refused: int
    near: list[NearMiss]


def rerun(history: History, ruleset: RuleSet, id_: str, entities: set[str]) -> Rerun:
    """Play an account's signals.

    Where it is known what the account heard from other agents, that is played to it, and the
    governor is left out: it would judge anew without knowing of all the other accounts. Time passes
    up to the recording's last record; if `id_` was not found by then, for as long as the rules
    remember, because it may have been waiting for something that never came.
    """
    watch = Watch(ruleset, history.account)
    driver = MemoryDriver(_agents(history, ruleset, watch))
    theirs = (*history.signals, *history.others, *history.heard)
    if HEARD not in history.topics:
        theirs += tuple(history.orders)
    outputs = [*driver.feed(sorted(theirs, key=by_ts)), *driver.advance(history.newest)]
    if not history.replayed and not any(id_.encode() in output.value for output in outputs):
        horizon = max((pattern.horizon for pattern in ruleset.patterns), default=0)
        waited = driver.advance(history.newest + horizon)
        outputs += (output for output in waited if output.topic == "detections")
    understood = Understanding(ruleset.schema)
    said = [
        (output.ts, one)
        for output in outputs
        if (one := understood(output.topic, output.value)) and one.account == history.account
    ]
    signals, refused = _accepted(history.signals, ruleset)
    others, _ = _accepted(history.others, ruleset)
    sharing = (one for one in others if named_by(one, ruleset.schema) & entities)
    every = sorted((*signals, *sharing), key=lambda signal: signal.at)
    heard, _ = _accepted(history.heard, ruleset)
    return Rerun(said, every, heard, refused, watch.misses(_fired(said)))


def _agents(history: History, ruleset: RuleSet, watch: Watch) -> list[Agent]:
    agents = all_agents(ruleset)
    if HEARD in history.topics:
        agents = [agent for agent in agents if agent.name != GOVERNOR]
    return [watch.watched(agent) if agent.name == ACCOUNTS else agent for agent in agents]


def _fired(said: Sequence[tuple[int, Said]]) -> set[str]:
    detections = [one for _, one in said if isinstance(one, Detection)]
    taken_back = {one.retracts for one in detections}
    return {one.pattern for one in detections if one.retracts is None and one.id not in taken_back}


def _accepted(records: Sequence[Record], ruleset: RuleSet) -> tuple[list[Any], int]:
    """The signals the decoders let through, each once, and how many they refused."""
    schema = ruleset.schema
    decoders = {topic: schema.decoder(topic) for topic in {*schema.topics, *INPUTS}}
    found: dict[tuple[str, str, str], Any] = {}
    refused = 0
    for topic, key, value, ts in records:
        try:
            signal: Any = decoders[topic](MemoryRecord(key, value, 0, ts))
        except Refused:
            refused += 1
        else:
            found.setdefault((topic, signal.account, signal.id), signal)
    return sorted(found.values(), key=lambda signal: signal.at), refused
