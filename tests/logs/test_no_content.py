"""Free text and ids of accounts, fed wherever something can be fed, stand in no line at any level.

They were seen failing, each by one of: a library's text shown although it is no literal, its
arguments filled in as they are, an error shown with its message (ours, a library's), `key` shown
unasked.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections import Counter
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.agents.team import all_agents
from streams.engine.dead_letters import DeadLetter
from streams.engine.incidents import MAX_LETTERS, tell_committed
from streams.engine.memory import MemoryRecord
from streams.engine.outbox import Output
from streams.engine.processor import Checkpoint, Processor
from streams.patterns import load_rules
from streams.records import Breaker
from streams.signals import Schema
from streams.signals.times import format_ms
from tests.agents.governing import P, Play, outcome, proposal
from tests.logs.catching import caught
from tests.signals.poisoning import CANARY, poisoned
from tests.signals.records import GOOD, NOW_MS

SCHEMA = Schema.load()
AGENTS = all_agents(load_rules(["catalogue"], SCHEMA))
ACCOUNT = f"account-{CANARY}"
LIBRARIES = ("aiokafka.consumer.fetcher", "faust.transport.consumer", "mode.services", "asyncio",
             "kafka.net.manager", "aiohttp.server", "streams.engine.kafka.transport")  # fmt: skip


levels = st.sampled_from([logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])


class Quotes(Exception):
    """Raised by a handler with all it was given."""

    pattern = "6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff"


def quoting(state, signal, out):
    raise Quotes(repr(signal), state, out) from ValueError(repr(signal))


def handle(agent, index, records):
    """Have an agent take records of one input, and tell what came of it."""
    processor = Processor(agent, 0, 1)
    processor.inputs.add(index, records, len(records), len(records))
    while processor.step(100) is not None:
        pass
    tell_committed(agent.name, 0, processor.checkpoint(), 0.1)


def record(raw, offset=0):
    return MemoryRecord(raw.key, raw.value, offset, raw.timestamp, raw.headers)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(poisoned(), min_size=1, max_size=3), st.booleans())
def test_no_word_of_a_record_reaches_a_line_whether_it_is_refused_or_handling_it_raises(
    cases, raises
):
    with caught() as lines:
        for agent in AGENTS:
            made = replace(agent, handler=quoting) if raises else agent
            for index, topic in enumerate(made.inputs):
                records = [record(raw, at) for at, (of, raw) in enumerate(cases) if of == topic]
                handle(made, index, records)
    assert "event=checkpoint" in lines.text(ids=False)
    assert CANARY not in lines.text(ids=False)
    for line in map(json.loads, lines.json(ids=True)):
        line.pop("key", None)
        assert CANARY not in json.dumps(line)


def good(topic, **changes):
    value = {**GOOD[topic], "account": ACCOUNT, **changes}
    return MemoryRecord(ACCOUNT.encode(), json.dumps(value).encode(), 0, NOW_MS)


@pytest.mark.parametrize("topic", ["activity", "moderation-hits", "reviews"])
def test_the_account_of_a_signal_that_could_not_be_handled_stands_in_key_where_it_was_asked_for(
    topic,
):
    accounts = replace(AGENTS[0], handler=quoting)
    with caught() as lines:
        handle(accounts, accounts.inputs.index(topic), [good(topic)])
    assert CANARY not in lines.text(ids=False)
    told = list(map(json.loads, lines.json(ids=True)))
    assert [(one["event"], one.get("key")) for one in told] == [
        ("signal_failed", ACCOUNT), ("checkpoint", None), ("dead_letter", None),
    ]  # fmt: skip
    assert told[0]["error"] == "ValueError"
    assert (told[0]["topic"], told[0]["offset"], told[0]["pattern"]) == (topic, 0, Quotes.pattern)
    assert told[2]["reason"] == "handler_failed"
    assert sum(CANARY in json.dumps(one) for one in told) == 1


def committed(outputs, **refused):
    return Checkpoint({}, outputs, {}, len(outputs), Counter(refused))


def test_a_breaker_that_opens_is_told_and_the_account_that_set_it_off_only_where_asked_for():
    play = Play(Breaker(reviews=1)).feed(
        proposal("e1", account=ACCOUNT), outcome("r1", "e1", "overturned", 1, account=ACCOUNT)
    )
    with caught() as lines:
        tell_committed("governor", 2, committed(play.outputs), 0.1)
    assert CANARY not in lines.text(ids=False)
    (told,) = [one for one in map(json.loads, lines.json(ids=True)) if one["level"] == "warning"]
    assert told.pop("time")
    assert told.pop("text")
    assert told == {
        "level": "warning", "event": "breaker_opened", "agent": "governor", "partition": 2,
        "pattern": P, "version": "v1", "reason": "precision", "key": ACCOUNT,
    }  # fmt: skip


def test_of_a_flood_of_refused_records_a_few_are_told_and_how_many_more_there_are():
    letter = DeadLetter("activity", 0, 7, "not_json", (), format_ms(NOW_MS))
    output = Output("dead-letters", b"activity/0", msgspec.json.encode(letter), NOW_MS)
    with caught() as lines:
        tell_committed("accounts", 0, committed([output] * 1_000, not_json=1_000), 0.1)
    events = Counter(json.loads(line)["event"] for line in lines.json(ids=False))
    assert events == {"checkpoint": 1, "dead_letter": MAX_LETTERS, "dead_letters_more": 1}
    assert f"count={1_000 - MAX_LETTERS} " in lines.plain()[-1]


@given(st.text().map(lambda text: text + CANARY), st.sampled_from(LIBRARIES), levels)
def test_no_word_a_library_was_given_reaches_a_line_however_it_logs_it(words, name, level):
    log = logging.getLogger(name)
    with caught() as lines:
        log.log(level, words)
        log.log(level, f"sent {words}")
        log.log(level, "sent %s and %r and %s", words, words.encode(), {words: [words]})
        log.log(level, "sent %(what)s", {"what": words})
        log.log(level, words + " %s", words)
        log.log(level, ValueError(words))
        try:
            raise KeyError(words) from ValueError(words)
        except KeyError as error:
            log.log(level, "failed: %s", error, exc_info=True, stack_info=True)
    assert len(lines.plain()) == 7
    assert CANARY not in lines.text(ids=True)


@pytest.mark.filterwarnings("error")
def test_what_asyncio_says_of_a_task_nobody_asked_is_where_it_failed_and_not_its_message():
    async def fail():
        raise ValueError(CANARY)

    async def forget():
        asyncio.get_running_loop().call_soon(lambda: 1 / int(CANARY))
        task = asyncio.get_running_loop().create_task(fail())
        await asyncio.wait({task})  # which asks for no result
        del task
        gc.collect()

    with caught() as lines:
        asyncio.run(forget())
    told = [one for one in map(json.loads, lines.json(ids=True)) if one["level"] == "error"]
    assert [one["error"] for one in told] == ["ValueError"] * 2
    assert " fail" in told[1]["where"]
    assert CANARY not in lines.text(ids=True)
