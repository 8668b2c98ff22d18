"""Ids of others: which are kept, which are replaced, and what a replacement gives away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.adapters.pseudonyms import Pseudonyms
from streams.signals.ids import is_id
from tests.adapters.formats import KEY

ids = Pseudonyms(KEY)


@pytest.mark.parametrize("theirs", ["u_7f3a", "0b5c1a52-7d8e-4c3f", 42, "device:d42"])
def test_an_id_shaped_like_a_pseudonym_is_kept(theirs):
    assert ids.ref("account", theirs) == str(theirs)


@pytest.mark.parametrize(
    "theirs",
    ["someone@mail.example", "203.0.113.9", "2001:db8::1", "https://x.example/u/1", "www.x.example",
     "a b", "", "x" * 65, "héloïse"],
)  # fmt: skip
def test_what_is_shaped_like_a_person_or_a_place_is_replaced(theirs):
    made = ids.ref("account", theirs)
    assert is_id(made)
    assert made == ids.ref("account", theirs)
    assert made != Pseudonyms(b"another key of 16 bytes").ref("account", theirs)


@given(st.text(), st.sampled_from(["account", "device", "event"]), st.booleans())
def test_whatever_they_are_the_ids_of_records_are_ids(theirs, field, replace_all):
    some = Pseudonyms(KEY, replace_all=replace_all)
    assert is_id(some.ref(field, theirs))
    assert is_id(some.event("source", theirs))


def test_a_person_is_one_in_every_field_and_a_device_of_the_same_name_another():
    made = {field: ids.made(field, "x y") for field in ("account", "reporter", "peer", "device")}
    assert made["account"] == made["reporter"] == made["peer"] != made["device"]


def test_the_key_is_in_no_representation():
    assert KEY.decode() not in repr(ids) + str(ids)
