"""Today's code goes on from what the version before left, and no shape changes unseen.

What is to be done when one of these fails stands in docs/decisions/0046-upgrades.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import msgspec
import pytest

from streams.agents.contract import Kind
from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.engine.state_format import HEADER_BYTES, OFFSETS_KEY, Reader, Source, UnreadableState
from streams.engine.store import Store
from tests.upgrades import recorded_day, shapes


@cache
def agents():
    return recorded_day.agents()


def decided(outputs: list[Output]) -> dict[str, list[Output]]:
    by_topic: dict[str, list[Output]] = defaultdict(list)
    for one in outputs:
        by_topic[one.topic].append(one)
    return by_topic


def test_today_s_code_decides_from_recorded_state_as_if_it_had_never_stopped():
    without_a_break = MemoryDriver(agents())
    before = recorded_day.signals("before")
    list(without_a_break.feed(before))
    stores = {one.agent.name: one.store for one in without_a_break.processors}
    now = max(ts for topic, *_, ts in before if topic != "reviews")
    recorded_day.put_under_way(stores, now)
    wanted = decided(recorded_day.go_on(without_a_break))

    restored = MemoryDriver(agents())
    for processor in restored.processors:
        for one in recorded_day.state():
            if one.agent == processor.agent.name:
                processor.store.restore(one.key, one.value)
        processor.restored_offsets()
    found = decided(recorded_day.go_on(restored))

    assert found.keys() == wanted.keys()
    for topic, outputs in wanted.items():
        assert found[topic] == outputs, topic
    told = {topic for topic, outputs in wanted.items() if len(outputs) > 10}
    assert told >= {"detections", "enforcement", "review-queue", "account-signals", "proposals"}
    assert not wanted["dead-letters"]


def test_what_was_recorded_has_every_struct_and_is_written_back_byte_for_byte():
    kinds = {(agent.name, kind.tag): kind for agent in agents() for kind in agent.kinds}
    readers = {agent.name: Reader(agent.kinds) for agent in agents()}
    seen: Counter[type] = Counter()
    for one in recorded_day.state():
        if one.key == OFFSETS_KEY:
            continue
        kind = kinds[one.agent, one.key[:1]]
        record = readers[one.agent].decode(one.key, one.value, kind)
        seen[kind.struct] += 1
        if one.value[0] == kind.version:
            assert msgspec.msgpack.encode(record) == one.value[HEADER_BYTES:], kind
    assert seen.keys() == {kind.struct for kind in kinds.values()}


def test_no_record_changes_its_shape_under_its_version_and_every_version_stays_readable():
    kept, today = shapes.kept(), shapes.today(agents())
    for name, shape in today.items():
        assert kept.get(name) == shape, (
            f"{name} has another shape than shapes.txt says. A state record that changes gets a new "
            "version and a migration from the old one; what agents tell each other may only grow, "
            "and is read by one release before the next one writes it (docs/decisions/0046)"
        )
    readable = {f"engine O {version}" for version in (1, 2)} | today.keys()
    for agent in agents():
        for kind in agent.kinds:
            readable |= {f"{agent.name} {kind.tag.decode()} {v}" for v in kind.migrations or ()}
    assert kept.keys() <= readable, "a version that was once written has lost its migration"


def test_a_shape_that_changed_under_its_version_is_not_recorded(tmp_path):
    file = tmp_path / "shapes.txt"
    shapes.keep({"accounts A 1": "Old(a int)"}, file)
    with pytest.raises(ValueError, match="accounts A 1"):
        shapes.keep({"accounts A 1": "New(a int, b int)"}, file)
    shapes.keep({"accounts A 2": "New(a int, b int)"}, file)
    assert shapes.kept(file) == {"accounts A 1": "Old(a int)", "accounts A 2": "New(a int, b int)"}


# The engine's own record is the kind that has had two versions.
FIRST = b"\x01\0\0\0\0" + msgspec.msgpack.encode({"activity": 7})


def test_the_engine_goes_on_from_its_own_record_of_the_first_version():
    store = Store([])
    store.restore(OFFSETS_KEY, FIRST)
    assert store.source() == Source({"activity": 7}, 0)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x03" + FIRST[1:], "version 3, this Vigil reads 1, 2: a newer Vigil wrote it"),
        (b"\0" + FIRST[1:], "version 0, this Vigil reads 1, 2$"),
    ],
)
def test_a_version_nobody_here_knows_stops_the_restore_and_is_told(data, told):
    with pytest.raises(UnreadableState, match=told):
        Store([]).restore(OFFSETS_KEY, data)


def test_a_record_of_a_version_nobody_here_knows_stops_the_restore_before_anybody_asks_for_it():
    class Note(msgspec.Struct, array_like=True):
        number: int

    newer, older = Store([Kind(b"N", Note, version=2)]), Store([Kind(b"N", Note)])
    newer.put(Kind(b"N", Note, version=2), "a", Note(1), 0)
    ((full, data),) = newer.take_pending().items()
    older.restore(full, b"\x01" + (data or b"")[1:])
    with pytest.raises(UnreadableState, match="version 2, this Vigil reads 1: a newer Vigil"):
        older.restore(full, data)
