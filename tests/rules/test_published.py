"""Records of the topic `rules`: what is written is read back, and what was tampered with is not."""

from __future__ import annotations

import logging
import random

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streams.patterns import RuleFile, load_files
from streams.patterns.versions import ruleset_hash
from streams.rules import published as format_
from streams.rules.published import (
    Current,
    NotBelieved,
    PublishedSet,
    SetTooLarge,
    decode_current,
    decode_set,
    encode_current,
    encode_set,
    rule_files,
    set_key,
)
from streams.rules.shelf import NoSuchSet, Place, Shelf
from streams.signals import Schema
from tests.rules import books

AT = "2026-01-01T00:00:00.000Z"

names = st.from_regex(r"[a-z0-9_]{1,12}(/[a-z0-9_]{1,12})?\.yml", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]))


def published(*files: tuple[str, str]) -> PublishedSet:
    ruleset = ruleset_hash((name, text.encode()) for name, text in files)
    return PublishedSet(ruleset=ruleset, files=files, live=1, shadow=0, at=AT, by="ann")


ONE = published(("a.yml", "title: one"))
TWO = published(("a.yml", "title: two"))


def packed(one: PublishedSet, **changed: object) -> bytes:
    """A record's value that says what it should not."""
    value = msgspec.to_builtins(one) | changed
    return zstandard.ZstdCompressor().compress(msgspec.json.encode(value))


@given(st.dictionaries(names, texts, min_size=1, max_size=5))
def test_files_come_back_byte_by_byte_under_the_hash_that_outputs_carry(files):
    one = published(*sorted(files.items()))
    found = decode_set(one.ruleset, encode_set(one))
    assert found == one
    expected = {name: text.encode() for name, text in files.items()}
    assert {file.name: file.contents for file in rule_files(found)} == expected


def test_the_hash_of_a_published_set_is_that_of_the_rule_set_loaded_from_it():
    one = published(("ladder.yml", books.ladder()))
    assert load_files(rule_files(one), Schema()).hash == one.ruleset


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (packed(ONE, files=[["a.yml", "title: one, tampered with"]]), "hash to"),
        (packed(ONE, files=[["b.yml", "title: one"]]), "hash to"),
        (encode_set(TWO), "hash to"),
        (packed(ONE, ruleset=TWO.ruleset), "hash to"),
        (packed(ONE, format=2), "format 2"),
        (packed(ONE, files="everything"), "not a rule set"),
        (packed(ONE, files=[["../a.yml", "title: one"]]), "names"),
        (packed(ONE, files=[["/etc/a.yml", "title: one"]]), "names"),
        (packed(ONE, files=[["a.yml", "x"], ["a.yml", "y"]]), "names"),
        (zstandard.ZstdCompressor().compress(b"{}"), "not a rule set"),
        (msgspec.json.encode(ONE), "no zstd frame"),
        (encode_set(ONE)[:-3], "no zstd frame"),
        (zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024)), "too large"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(b"{}"), "how large"),
        (b"", "no zstd frame"),
    ],
)
def test_a_record_that_is_not_what_its_key_says_is_not_believed(value, why):
    with pytest.raises(NotBelieved, match=why):
        decode_set(ONE.ruleset, value)


@pytest.mark.parametrize(
    "value", [b"", b"null", b"{}", b'{"ruleset": "x", "at": "", "by": ""}', b"\xff", b"[" * 9_999]
)
def test_a_current_record_that_says_nothing_is_not_believed(value):
    with pytest.raises(NotBelieved):
        decode_current(value)


def test_five_hundred_patterns_fit_and_a_set_that_does_not_is_refused_with_its_size():
    # Each as different from the next as rules are from each other.
    files = [
        (f"{n}.yml", books.ladder(3 + n % 90).replace("000001", f"{n:06}")) for n in range(500)
    ]
    assert len(encode_set(published(*files))) < 100_000
    incompressible = random.Random(1).randbytes(1_100_000).hex()
    with pytest.raises(SetTooLarge, match=r"\d,\d{3} bytes compressed"):
        encode_set(published(("a.yml", incompressible)))


def put(shelf: Shelf, *records: tuple[bytes, bytes | None]) -> Shelf:
    for offset, (key, value) in enumerate(records):
        shelf.take(Place("rules", 0, offset), key, value)
    return shelf


def current(one: PublishedSet, *before: PublishedSet) -> tuple[bytes, bytes]:
    value = Current(ruleset=one.ruleset, at=AT, by="ann", before=tuple(b.ruleset for b in before))
    return format_.CURRENT_KEY, encode_current(value)


def record(one: PublishedSet) -> tuple[bytes, bytes]:
    return set_key(one.ruleset), encode_set(one)


def test_current_may_be_met_before_its_set():
    shelf = put(Shelf(), current(ONE, TWO))
    assert shelf.current is not None
    assert ONE.ruleset not in shelf
    put(shelf, record(ONE))
    assert shelf[ONE.ruleset] == ONE
    assert shelf.in_line() == (ONE.ruleset, TWO.ruleset)


def test_a_tampered_record_takes_nothing_from_the_shelf_and_is_told_with_its_place(caplog):
    shelf = put(Shelf(), record(ONE), current(ONE))
    with caplog.at_level(logging.ERROR):
        put(
            shelf,
            (set_key(ONE.ruleset), packed(ONE, files=[["a.yml", "tampered with"]])),
            (format_.CURRENT_KEY, b"nonsense"),
            (b"secret text", b"secret text"),
        )
    assert shelf[ONE.ruleset] == ONE
    assert shelf.current.ruleset == ONE.ruleset
    told = [vars(record)["vigil_fields"] for record in caplog.records]
    assert [(one["topic"], one["partition"], one["offset"]) for one in told] == [
        ("rules", 0, number) for number in range(3)
    ]
    assert "secret" not in str(told)


def test_tombstones_take_away_what_they_name():
    shelf = put(Shelf(), record(ONE), record(TWO), current(ONE))
    put(shelf, (set_key(TWO.ruleset), None), (format_.CURRENT_KEY, None))
    assert list(shelf) == [ONE.ruleset]
    assert shelf.current is None
    assert shelf.in_line() == ()


def test_a_set_is_found_by_the_beginning_of_its_hash_or_by_being_current():
    shelf = put(Shelf(), record(ONE), record(TWO), current(TWO))
    assert shelf.find(ONE.ruleset[:6]) == ONE.ruleset
    assert shelf.find("current") == TWO.ruleset
    for word, why in (("zzz", "begins with"), ("", "begins with")):
        with pytest.raises(NoSuchSet, match=why):
            shelf.find(word)
    with pytest.raises(NoSuchSet, match="has been published"):
        Shelf().find("current")


def test_an_ambiguous_beginning_names_the_sets_it_could_mean():
    sets = [published(("a.yml", f"title: {n}")) for n in range(40)]
    shelf = put(Shelf(), *map(record, sets))
    first = {one.ruleset[0] for one in sets}
    twice = next(c for c in first if sum(one.ruleset[0] == c for one in sets) > 1)
    with pytest.raises(NoSuchSet, match="say more"):
        shelf.find(twice)


def test_file_names_that_lead_out_of_a_directory_are_none():
    for name in ("a.yml", "sub/a.yml", "ä b.yaml"):
        assert format_._is_a_file_name(name), name
    for name in ("", ".", "..", "/a.yml", "../a.yml", "a/../b.yml", "a//b.yml", "a\\b.yml", "a\0b"):
        assert not format_._is_a_file_name(name), name


def test_what_a_directory_holds_is_what_is_published():
    files = [RuleFile("b.yml", "x/b.yml", b"two\r\n"), RuleFile("a.yml", "x/a.yml", "ä".encode())]
    assert format_.texts(files) == (("a.yml", "ä"), ("b.yml", "two\r\n"))
