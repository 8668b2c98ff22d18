"""The store against an obvious model: a dict of (value, expiry), copied at each savepoint."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.contract import NEVER, Kind, Queue
from streams.engine.state_format import (
    MAX_RECORD_BYTES,
    OFFSETS_KEY,
    StateTooLarge,
    UnreadableState,
)
from streams.engine.store import Store


class Note(msgspec.Struct, array_like=True, gc=False):
    numbers: list[int]


class OldNote(msgspec.Struct, array_like=True, gc=False):
    number: int


NOTE = Kind(b"N", Note, queue=Queue("held", lambda note: note.numbers[-1]))
OTHER = Kind(b"X", Note)

keys = st.sampled_from(["a", "b", "c"])
subs = st.sampled_from(["", "s1", "s2"])
kinds = st.sampled_from([NOTE, OTHER])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), kinds, keys, subs, st.integers(0, 9), st.integers(0, 20)),
        st.tuples(st.just("change_without_put"), kinds, keys, subs),
        st.tuples(st.just("delete"), kinds, keys, subs),
        st.tuples(st.just("savepoint")),
        st.tuples(st.just("rollback")),
        st.tuples(st.just("checkpoint")),
        st.tuples(st.just("now"), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(operations, st.integers(0, 3))
@settings(max_examples=400)
def test_the_store_behaves_like_a_dict_with_savepoints(steps: list[tuple], hot_limit: int) -> None:
    store = Store([NOTE, OTHER], hot_limit=hot_limit)
    model: dict = {}
    kept: dict = {}
    topic: dict[bytes, bytes] = {}
    for name, *arguments in steps:
        if name == "append":
            kind, key, sub, number, expiry_s = arguments
            note = store.get(kind, key, sub) or Note([])
            note.numbers.append(number)
            store.put(kind, key, note, expiry_s * 1000, sub)
            numbers, expires = model.get((kind.tag, key, sub), ([], 0))
            if expires and expires * 1000 <= store.now:
                numbers = []
            model[kind.tag, key, sub] = ([*numbers, number], expiry_s)
        elif name == "change_without_put":
            # Broken handlers do this before they raise; the rollback must undo it as well.
            kind, key, sub = arguments
            store.savepoint()
            kept = copy.deepcopy(model)
            note = store.get(kind, key, sub)
            if note is not None:
                note.numbers.append(-1)
            store.rollback()
        elif name == "delete":
            kind, key, sub = arguments
            store.delete(kind, key, sub)
            model.pop((kind.tag, key, sub), None)
        elif name == "savepoint":
            store.savepoint()
            kept = copy.deepcopy(model)
            assert_oldest(store)
        elif name == "rollback":
            store.rollback()
            model = copy.deepcopy(kept)
        elif name == "now":
            store.now = arguments[0] * 1000
        else:
            write(topic, store.take_pending())
            kept = copy.deepcopy(model)
            assert_oldest(store)
        assert_same(store, model)
    write(topic, store.take_pending())
    restored = Store([NOTE, OTHER])
    restored.now = store.now
    for full, data in topic.items():
        restored.restore(full, data)
    assert_same(restored, model)
    assert dict(restored.items()) == dict(store.items()) == topic
    assert_oldest(store)
    assert_oldest(restored)


def assert_oldest(store: Store) -> None:
    """The first that waits, of all that is kept; 0 is a record that doesn't wait."""
    decode = msgspec.msgpack.Decoder(Note).decode
    kept = [decode(data[5:]).numbers[-1] for full, data in store.items() if full[:1] == NOTE.tag]
    assert store.queues.oldest() == {"held": min(filter(None, kept), default=None)}


def write(topic: dict[bytes, bytes], pending: dict[bytes, bytes | None]) -> None:
    for full, data in pending.items():
        if data is None:
            topic.pop(full, None)
        else:
            topic[full] = data


def assert_same(store: Store, model: dict) -> None:
    for kind in (NOTE, OTHER):
        for key in ("a", "b", "c"):
            live = {}
            for sub in ("", "s1", "s2"):
                numbers, expires = model.get((kind.tag, key, sub), (None, 0))
                if expires and expires * 1000 <= store.now:
                    numbers = None
                note = store.get(kind, key, sub)
                assert (note.numbers if note is not None else None) == numbers
                if sub and numbers is not None:
                    live[sub] = numbers
            assert {sub: note.numbers for sub, note in store.scan(kind, key)} == live


def test_a_record_that_is_to_expire_after_all_or_sooner_does() -> None:
    store = Store([NOTE])
    store.put(NOTE, "never", Note([1]), NEVER)
    store.put(NOTE, "late", Note([1]), 400 * 86_400_000)
    store.take_pending()
    for key in ("never", "late"):
        store.put(NOTE, key, Note([2]), 3_600_000)
    store.take_pending()
    store.now = 4 * 3_600_000
    assert store.take_pending() == {b"Nnever": None, b"Nlate": None}


def test_expired_records_are_tombstoned_an_hour_after_and_not_before() -> None:
    store = Store([NOTE])
    store.put(NOTE, "a", Note([1]), 10_000)
    store.take_pending()
    store.now = 3_000_000
    assert store.take_pending() == {}
    store.now = 3 * 3_600_000
    assert store.take_pending() == {b"Na": None}
    assert store.size() == (0, 0)


def test_a_record_that_lives_on_survives_the_bucket_it_was_first_due_in() -> None:
    store = Store([NOTE])
    store.put(NOTE, "a", Note([1]), 10_000)
    store.take_pending()
    store.put(NOTE, "a", Note([2]), 100 * 3_600_000)
    store.take_pending()
    store.now = 3 * 3_600_000
    assert store.take_pending() == {}
    assert store.get(NOTE, "a") == Note([2])


def test_a_dirty_record_is_encoded_once_however_often_it_changed() -> None:
    store = Store([NOTE])
    for number in range(10):
        store.put(NOTE, "a", Note([number]), NEVER)
    pending = store.take_pending()
    assert list(pending) == [b"Na"]
    assert pending[b"Na"][:5] == b"\x01\0\0\0\0"


def test_a_record_of_an_older_version_is_migrated() -> None:
    old = Store([Kind(b"N", OldNote)])
    old.put(Kind(b"N", OldNote), "a", OldNote(7), NEVER)
    migrated = Kind(b"N", Note, version=2, migrations={1: lambda fields: Note([fields[0]])})
    new = Store([migrated])
    for full, data in old.take_pending().items():
        new.restore(full, data)
    assert new.get(migrated, "a") == Note([7])


@pytest.mark.parametrize(
    "data", [b"\x02\0\0\0\0\x91\x90", b"\x01\0\0\0\0\xc1", b"\x01\0\0\0\0"], ids=repr
)
def test_a_record_that_cannot_be_read_stops_instead_of_being_guessed_at(data: bytes) -> None:
    store = Store([NOTE])
    with pytest.raises(UnreadableState):  # noqa: PT012 - a version is looked at at once
        store.restore(b"Na", data)
        store.get(NOTE, "a")


def test_a_record_of_an_unknown_kind_stops_the_restore() -> None:
    with pytest.raises(UnreadableState, match="unknown kind"):
        Store([NOTE]).restore(b"Za", b"\x01\0\0\0\0\x91\x90")


def test_a_record_too_large_for_the_promise_is_refused_without_naming_the_account() -> None:
    store = Store([NOTE])
    store.put(NOTE, "account-7", Note([2**40] * (MAX_RECORD_BYTES // 9)), NEVER)
    with pytest.raises(StateTooLarge) as caught:
        store.savepoint()
    assert "account-7" not in str(caught.value)


def test_the_offsets_of_the_engine_are_no_record_of_a_handler() -> None:
    store = Store([NOTE])
    store.restore(OFFSETS_KEY, b"\x01\0\0\0\0\x80")
    assert store.raw(OFFSETS_KEY) == b"\x01\0\0\0\0\x80"
