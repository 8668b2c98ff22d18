"""More partitions in the middle of a day: everything remembered goes along, and decides as before."""

from __future__ import annotations

import random

import pytest

from streams.engine.partitioner import partition_of
from streams.engine.state_format import OFFSETS_KEY, home_of
from streams.repartition.moving import elsewhere
from streams.topics import Role
from tests.engine.test_agents_equal_replay import (
    AFTERWARDS_MS,
    SLICE_MS,
    Logs,
    Owner,
    agents,
    decoded,
    firsts,
    granted,
    named,
    recording,
    removed,
    replayed,
)


def settle(owners, dice):
    while sum(owner.work() for owner in dice.sample(owners, len(owners))):
        pass


def repartitioned(owners, logs, partitions, dice):
    """The owners of so many partitions, with the state of those before moved as the command does."""
    logs.partitions = partitions
    new = {(a.name, n): Owner(a, n, logs, dice) for a in agents() for n in range(partitions)}
    for old in owners:
        records = old._committed
        heir = new[old._agent.name, old._number]
        heir._committed |= records
        for there, full, data in elsewhere(records, Role.STATE, old._number, partitions):
            new[old._agent.name, there]._committed[full] = data
            del heir._committed[full]
    for owner in new.values():
        owner._start()
    return list(new.values())


@pytest.mark.parametrize(("before", "after"), [(2, 4), (2, 3)])
def test_a_day_repartitioned_in_the_middle_finds_what_a_replay_finds(before, after):
    seed, dice = 1, random.Random(before * 10 + after)
    lines = recording(seed)
    logs = Logs(before)
    owners = [Owner(agent, n, logs, dice) for agent in agents() for n in range(before)]
    end = 0
    for number, (topic, key, value, ts) in enumerate(lines):
        if ts // SLICE_MS != end // SLICE_MS or number == len(lines) // 2:
            settle(owners, dice)
        if number == len(lines) // 2:
            kinds = {(one._agent.name, full[:1]) for one in owners for full in one._committed}
            owners = repartitioned(owners, logs, after, dice)
        logs.write(topic, key, value, ts)
        end = max(end, ts)
    settle(owners, dice)
    while sum(owner.pass_time(end + AFTERWARDS_MS) for owner in owners):
        settle(owners, dice)

    found, wanted = logs.outputs, replayed(seed)
    assert not decoded(found, "dead-letters")
    assert firsts(found) == firsts(wanted)
    assert removed(found) == removed(wanted)
    assert named(found) == named(wanted)
    assert granted(found) == granted(wanted)
    # Windows, actions, what waits, decisions, holds, a day's budget.
    assert kinds >= {("accounts", b"W"), ("accounts", b"X"), ("entities", b"W"), ("entities", b"U")}
    assert kinds >= {("governor", b"D"), ("governor", b"H"), ("governor", b"B")}
    # By the same rule an agent finds a record: nobody's is where its key doesn't belong.
    for owner in owners:
        homes = {full: home_of(full) for full in owner._committed if full != OFFSETS_KEY}
        astray = [f for f, home in homes.items() if partition_of(home, after) != owner._number]
        assert astray == []


def test_the_engine_s_own_record_stays_with_its_partition():
    records = {OFFSETS_KEY: b"", b"Aa1": b"", b"Mdevice:d1/0f\0a1": b"", b"Bp1/2026": b""}
    assert {key for _, key, _ in elsewhere(records, Role.STATE, -1, 4)} == records.keys() - {b"O"}
    assert home_of(b"Aa1") == b"a1"
    assert home_of(b"Mdevice:d1/0f\0a1") == b"device:d1"
    assert home_of(b"Wa1\0pattern.0/group") == b"a1"
