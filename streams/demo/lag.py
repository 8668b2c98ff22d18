"""Whether the workers have handled everything: the group's offsets against the topics' ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.tap.follow import places_of
from streams.topics import group_id

_POLL_S = 0.2


async def caught_up(
    connection: Mapping[str, Any], topics: tuple[str, ...], within_s: float, prefix: str = ""
) -> int:
    """Return 0 once the group has committed the end of every topic; else what is left after a time.

    `topics` are logical names. Belongs to no member: looking disturbs no assignment.
    """
    places = await asyncio.to_thread(places_of, connection, topics, prefix)
    # With a group but no subscription it reads the group's offsets and never joins.
    consumer = AIOKafkaConsumer(**connection, group_id=group_id(prefix), enable_auto_commit=False)
    await consumer.start()
    try:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while True:
            ends = await consumer.end_offsets(places)
            left = 0
            for place in places:
                left += int(ends[place]) - (await consumer.committed(place) or 0)
            if not left or loop.time() > deadline:
                return left
            await asyncio.sleep(_POLL_S)
    finally:
        await consumer.stop()
