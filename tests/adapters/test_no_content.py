"""Free text in their formats is dropped at the door: put into any place of any format, none of it
reaches a record, an error, a log or a dead letter.

It was seen failing: with a policy's name passed on as the `detector` of a Coop hit, with the data of a
CloudEvent passed on whole and unchecked, and with the library's error chained to a refusal.
"""

from __future__ import annotations

import copy
import json
import logging
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.adapters.foreign import Foreign
from streams.cli import main
from streams.signals import Refused
from tests.adapters.formats import FIXTURES, INCOMING, KEY, NOW, door, recorded

CANARY = "qzxcanary"
TEXT = f"{CANARY} says something, with words"
WORD = CANARY
"""A text that looks like an id."""

words = st.text(max_size=12).map(lambda text: f"{text} {CANARY} {text}")


def places(value: object, at: tuple = ()) -> Iterator[tuple]:
    """The path of every text, number and object in a record."""
    if isinstance(value, dict):
        yield at
        for name, inside in value.items():
            yield from places(inside, (*at, name))
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from places(inside, (*at, number))
    else:
        yield at


def poisoned(record: dict, place: tuple, text: object) -> dict:
    """The record with `text` at a place: instead of what stands there, or as one more field."""
    changed = copy.deepcopy(record)
    inside = changed
    for step in place[:-1]:
        inside = inside[step]
    if place and not isinstance(inside[place[-1]], dict):
        inside[place[-1]] = text
    else:
        target = inside[place[-1]] if place else changed
        target[f"more {CANARY}"] = text
    return changed


def outcome(name: str, record: object, **options: bool) -> tuple[str, bool]:
    """Everything that is left of a record, as text, and whether it came in."""
    body = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
    try:
        entering = door(name, **options)(Foreign(body, NOW))
    except Refused as error:
        refused = error
    else:
        return repr(entering), True
    assert refused.__context__ is None
    assert refused.__cause__ is None
    return "".join(traceback.format_exception(refused)) + repr(vars(refused)), False


CASES = [
    (name, record, place)
    for name in INCOMING
    for record in recorded(name)
    for place in places(record)
]


def test_text_in_any_one_place_is_in_nothing_that_is_left():
    came_in = 0
    for name, record, place in CASES:
        left, entered = outcome(name, poisoned(record, place, TEXT))
        assert CANARY not in left, (name, place)
        came_in += entered
    assert came_in > len(CASES) / 2  # most places are simply not read


def test_with_all_ids_replaced_even_one_word_does_not_come_through():
    for name, record, place in CASES:
        left, _ = outcome(name, poisoned(record, place, WORD), replace_all=True)
        assert CANARY not in left, (name, place)


def test_by_default_a_word_comes_through_only_where_an_id_stands():
    through = {
        (name, *(step for step in place if isinstance(step, str)))
        for name, record, place in CASES
        if CANARY in outcome(name, poisoned(record, place, WORD))[0]
    }
    assert through == {
        ("osprey-results", "UserId"),
        ("osprey-results", "PostId"),
        ("osprey-results", "IpAddress"),
        ("coop-webhooks", "item", "id"),
        ("coop-webhooks", "creator", "id"),
        ("coop-webhooks", "appealId"),
        ("coop-webhooks", "appealedBy", "id"),
        ("coop-webhooks", "reporter", "id"),
        ("coop-webhooks", "reportedItem", "id"),
        ("coop-webhooks", "reportedItem", "data", "UserId"),
        ("hma-matches", "id"),
        ("hma-matches", "account"),
        ("hma-matches", "content_ref"),
        ("hma-matches", "dataset_ref"),
        ("hma-matches", "signal_type"),
        ("openai-moderation", "account"),
        ("openai-moderation", "content_ref"),
        ("openai-moderation", "answer", "id"),
        ("openai-moderation", "answer", "model"),
        ("openai-safety", "id"),
        ("openai-safety", "entity_identifier"),
        ("openai-safety", "data", "id"),
        ("openai-safety", "data", "entity_identifier"),
        ("ocsf-events", "metadata", "uid"),
        ("ocsf-events", "metadata", "product", "name"),
        ("ocsf-events", "finding_info", "uid"),
        ("ocsf-events", "evidences", "actor", "user", "uid"),
        ("ocsf-events", "user", "uid"),
        ("ocsf-events", "device", "uid"),
        ("cloudevents", "id"),
        ("cloudevents", "subject"),
        ("cloudevents", "data", "account"),
        ("cloudevents", "data", "device"),
        ("cloudevents", "data", "network"),
        ("cloudevents", "headers"),  # `ce_subject`, in a list of names and values
    }


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_text_in_many_places_at_once_is_in_nothing_that_is_left(data):
    name = data.draw(st.sampled_from(INCOMING))
    record = data.draw(st.sampled_from(recorded(name)))
    for place in data.draw(st.lists(st.sampled_from(list(places(record))), max_size=4)):
        text = data.draw(
            st.one_of(words, words.map(lambda one: [one]), words.map(lambda one: {one: one}))
        )
        if place in set(places(record)):
            record = poisoned(record, place, text)
    left, _ = outcome(name, record)
    assert CANARY not in left


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(INCOMING),
    body=st.binary(max_size=60).map(lambda b: b + CANARY.encode() + b),
)
def test_bytes_that_are_no_record_are_in_nothing_that_is_left(name, body):
    with pytest.raises(Refused) as refused:
        door(name)(Foreign(body, NOW))
    assert CANARY not in "".join(traceback.format_exception(refused.value)) + repr(refused.value)


@pytest.mark.parametrize("name", INCOMING)
def test_the_command_writes_none_of_it_to_either_stream(name, tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("VIGIL_ADAPT_KEY", KEY.decode())
    lines = [poisoned(record, place, TEXT) for record in recorded(name) for place in places(record)]
    source = tmp_path / "theirs.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in [*lines, TEXT]) + TEXT)
    assert main(["adapt", name, "--from", str(source),
                 "--dictionary", str(FIXTURES / "words.toml")]) == 1  # fmt: skip
    out, err = capfd.readouterr()
    assert f"{len(lines) + 2} read" in err
    assert CANARY not in out + err + caplog.text
    assert KEY.decode() not in out + err + caplog.text
