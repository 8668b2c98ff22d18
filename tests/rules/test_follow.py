"""What a worker makes of the topic `rules`, whatever stands on it and in whatever order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from kafka import KafkaProducer

from streams.admin import create
from streams.patterns import RuleSet
from streams.patterns.versions import ruleset_hash
from streams.rules.follow import Follower, NothingLoads, Refusal
from streams.rules.published import (
    CURRENT_KEY,
    Current,
    PublishedSet,
    encode_current,
    encode_set,
    set_key,
    texts,
)
from streams.signals import Schema
from tests.faults.drill import PARTITIONS
from tests.rules import books

AT = "2026-01-01T00:00:00.000Z"


def published(**files: str) -> PublishedSet:
    book = books.book(**files)
    ruleset = ruleset_hash((file.name, file.contents) for file in book)
    return PublishedSet(ruleset=ruleset, files=texts(book), live=1, shadow=0, at=AT, by="ann")


PLAIN = published()
LADDER = published(ladder=books.ladder())
BROKEN = published(broken="title: no rule\n")
ABSENT = "a" * 26


class Topic:
    """The topic `rules` of a prefix, written to as by somebody who knows no publisher."""

    def __init__(self, kafka: str, prefix: str) -> None:
        create({"bootstrap_servers": kafka}, prefix=prefix, partitions=PARTITIONS)
        self.kafka, self.prefix = kafka, prefix
        self._producer = KafkaProducer(bootstrap_servers=kafka, acks="all")

    def close(self) -> None:
        self._producer.close()

    def put(self, *sets: PublishedSet) -> None:
        for one in sets:
            self._send(set_key(one.ruleset), encode_set(one))

    def current(self, ruleset: str, *before: str) -> None:
        current = Current(ruleset=ruleset, at=AT, by="ann", before=before)
        self._send(CURRENT_KEY, encode_current(current))

    def _send(self, key: bytes, value: bytes) -> None:
        self._producer.send(self.prefix + "rules", value, key).get(30)

    @asynccontextmanager
    async def follower(self, *, patience_s: float = 20.0):
        follower = Follower(
            {"bootstrap_servers": self.kafka}, prefix=self.prefix, partitions=PARTITIONS,
            schema=Schema(), patience_s=patience_s,
        )  # fmt: skip
        try:
            yield follower
        finally:
            await follower.close()


@pytest.fixture
def topic(kafka, prefix):
    topic = Topic(kafka, prefix)
    yield topic
    topic.close()


class Told:
    """What a follower told, awaited one by one."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[object] = asyncio.Queue()

    def switch(self, ruleset: RuleSet) -> None:
        self._queue.put_nowait(ruleset.hash)

    def refuse(self, refusal: Refusal | None) -> None:
        self._queue.put_nowait(refusal and refusal.ruleset)

    async def next(self) -> object:
        return await asyncio.wait_for(self._queue.get(), 30)


async def test_it_starts_with_the_current_set_also_when_that_record_comes_last(topic):
    topic.current(LADDER.ruleset)
    async with topic.follower() as follower:
        start = asyncio.create_task(follower.start())
        await asyncio.to_thread(topic.put, PLAIN, LADDER)
        assert (await start).hash == LADDER.ruleset
        assert follower.refusal is None


async def test_without_a_current_set_there_is_none_to_start_with(topic):
    topic.put(PLAIN)
    async with topic.follower() as follower:
        assert await follower.start() is None
        told = Told()
        following = asyncio.create_task(follower.follow(told))
        await asyncio.to_thread(topic.current, PLAIN.ruleset)
        assert await told.next() == PLAIN.ruleset
        following.cancel()


async def test_it_falls_back_on_the_newest_set_that_loads_and_goes_on_from_there(topic):
    topic.put(PLAIN, LADDER, BROKEN)
    topic.current(ABSENT, BROKEN.ruleset, LADDER.ruleset, PLAIN.ruleset)
    async with topic.follower(patience_s=0.2) as follower:
        assert (await follower.start()).hash == LADDER.ruleset
        assert follower.refusal.ruleset == ABSENT
        assert "publish it again" in follower.refusal.why
        told = Told()
        following = asyncio.create_task(follower.follow(told))
        for ruleset in (BROKEN.ruleset, PLAIN.ruleset, ABSENT):
            await asyncio.to_thread(topic.current, ruleset)
            assert await told.next() == ruleset
        # Back to what runs: nothing to load, and nothing is refused any more.
        await asyncio.to_thread(topic.current, PLAIN.ruleset)
        assert await told.next() is None
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def test_where_nothing_loads_it_says_why(topic):
    topic.put(BROKEN)
    topic.current(BROKEN.ruleset, ABSENT)
    async with topic.follower(patience_s=0.2) as follower:
        with pytest.raises(NothingLoads, match=rf"{BROKEN.ruleset} can't be run here.*broken\.yml"):
            await follower.start()
