"""What accounts tell of the entities they meet: enough, not more, and from how little memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.account_state import ACCOUNT, AccountRecord
from streams.agents.accounts import accounts_agent
from streams.agents.matching import PatternError
from streams.agents.meetings import FORGETS_S, MARK_BYTES, MET_BYTES, Meetings
from streams.patterns import RuleSet
from streams.patterns.conditions import Ask
from streams.signals import Schema
from tests.agents.pair import CATALOGUE, Pair
from tests.patterns.driving import (
    DAY,
    HOUR,
    REFUSED,
    SCHEMA,
    START,
    activity,
    hit,
    load,
    refused,
    review,
)

WEEK = FORGETS_S * 1000
MEETINGS = Meetings(CATALOGUE)


def login(at, account="a1", **fields):
    return activity("login.succeeded", at, account, **fields)


def met(pair):
    return [one["entity"] for one in pair.met]


# Whom and when


def test_an_entity_is_told_when_the_account_meets_it_and_again_after_a_week():
    pair = Pair()
    for day in range(22):
        pair.feed(login(day * DAY, device="d1"), login(day * DAY + HOUR, device="d1"))
    assert met(pair) == ["device:d1"] * 4
    assert {one["met"] for one in pair.met} == {True}
    assert [(one["at"] - START) // DAY for one in pair.met] == [0, 7, 14, 21]


def test_each_entity_a_signal_names_is_told_by_itself_with_the_whole_signal():
    topic, value = login(0, device="d1", network="n1", payment="p1", session="s1", id="i1")
    pair = Pair().feed((topic, value))
    assert sorted(met(pair)) == ["device:d1", "network:n1", "payment:p1"]
    for one in pair.met:
        assert one["signal"] == value
        assert (one["id"], one["account"], one["topic"]) == ("i1", "a1", "activity")


def test_what_a_pattern_looks_for_is_told_each_time_and_only_then():
    pair = Pair().feed(login(0, device="d1", network="n1"))
    pair.feed(*(activity("account.created", n, device="d1", network="n1") for n in (1, 2)))
    pair.feed(*(refused(n, device="d1", network="n1") for n in range(3, 9)))
    assert met(pair) == ["device:d1", "network:n1"] * 3
    assert [one.get("met", False) for one in pair.met] == [True] * 2 + [False] * 4


def test_where_nothing_is_about_networks_no_network_is_met(tmp_path):
    ban = CATALOGUE.only({p.id for p in CATALOGUE.patterns if p.entity == "device"})
    pair = Pair(ban).feed(login(0, device="d1", network="n1", payment="p1"))
    assert met(pair) == ["device:d1"]
    pair = Pair(load(tmp_path, REFUSED)).feed(login(0, device="d1", content_ref="c1"))
    assert met(pair) == ["content_ref:c1"]


def test_content_that_comes_in_is_told_each_time_and_other_content_once():
    pair = Pair().feed(*(activity("upload.created", n, content_ref="c1") for n in range(3)))
    assert met(pair) == ["content_ref:c1"] * 3
    pair = Pair().feed(*(activity("image.generated", n, content_ref="c1") for n in range(3)))
    assert met(pair) == ["content_ref:c1"]


def test_a_confirmed_hit_is_told_however_well_the_content_is_known():
    pair = Pair().feed(*(activity("image.generated", n, content_ref="c1") for n in range(3)))
    pair.feed(hit(5, category="violence", verdict="confirmed", source="human", content_ref="c1"))
    assert met(pair) == ["content_ref:c1"] * 2


def test_who_reports_content_or_reviews_it_does_not_meet_it():
    pair = Pair().feed(activity("report.filed", 0, content_ref="c1", device="d1"))
    pair.feed(review(1, content_ref="c1"))
    assert met(pair) == ["device:d1"]


def test_a_declared_entity_is_met_like_any_other(tmp_path):
    (tmp_path / "schema.toml").write_text(
        '[activity.attributes]\nrepo = {type = "ref"}\n[entities]\nrepo = "repo"\n'
    )
    (tmp_path / "rules").mkdir()
    text = REFUSED + (
        "---\ntitle: Shared\nid: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff\nstatus: stable\n"
        "correlation: {type: event_count, rules: [refused], group-by: [repo], timespan: 1h, "
        "condition: {gte: 2}}\n"
    )
    ruleset = load(tmp_path / "rules", text, Schema.load(tmp_path / "schema.toml"))
    pair = Pair(ruleset).feed(login(0, repo="r1"), login(1, repo="r2"), login(2, repo="r1"))
    assert met(pair) == ["repo:r1", "repo:r2"]
    pair.feed(refused(3, repo="r1"), refused(4, "a2", repo="r1"))
    assert [one["entity"] for one in pair.detections] == ["repo:r1"] * 2


def test_an_account_is_young_for_a_week_after_it_was_made():
    pair = Pair().feed(activity("account.created", 0, network="n1"))
    for day in (1, 6, 8):
        pair.feed(login(day * DAY, device=f"d{day}"))
    pair.feed(login(0, "older", device="d1"))
    young = {(one["account"], one["entity"]): one.get("young", False) for one in pair.met}
    assert young == {
        ("a1", "network:n1"): True,
        ("a1", "device:d1"): True,
        ("a1", "device:d6"): True,
        ("a1", "device:d8"): False,
        ("older", "device:d1"): False,
    }


def test_the_same_id_again_meets_nothing():
    once = activity("upload.created", 0, content_ref="c1", device="d1")
    assert Pair().feed(once).met == Pair().feed(once, once).met


class Broken(Exception):
    pass


def test_an_entity_pattern_that_raises_is_named_and_can_be_switched_off_in_the_accounts_agent():
    def raising(_):
        raise Broken

    (farm,) = (one for one in CATALOGUE.patterns if one.title == "Account farm on one device")
    (search,) = farm.searches
    searches = (replace(search, condition=Ask(("surface",), raising)),)
    broken = RuleSet([replace(farm, searches=searches)], SCHEMA, "x")
    agent = accounts_agent(broken, SCHEMA)
    store, signal = Pair(broken).store, decoded(*activity("account.created", 0, device="d1"))
    told = Told()
    agent.handler(store, decoded(*login(0, device="d1")), told)
    assert told.entities == ["device:d1"]
    with pytest.raises(PatternError) as raised:
        agent.handler(store, signal, told)
    assert raised.value.pattern == farm.id
    agent.switch_off(farm.id)
    agent.handler(store, signal, told)
    assert told.entities == ["device:d1"]


# How little it takes


class Told:
    """An `Out` that notes which entities were told."""

    def __init__(self):
        self.entities = []

    def emit(self, topic, key, value, *, urgent=False, patient=False):
        assert (topic, key) == ("entity-signals", value.entity)
        self.entities.append(key)


def decoded(topic: str, value: dict[str, Any]) -> Any:
    return SCHEMA.struct(topic)(**value)


def test_an_account_with_a_million_devices_stays_small():
    meetings, record, told = MEETINGS, AccountRecord(0), Told()
    signal = decoded(*login(0, device="d0"))
    for number in range(1_000_000):
        signal.device = f"d{number}"
        meetings.activity(record, signal, told)
    assert len(told.entities) == 1_000_000
    assert len(record.met) == MET_BYTES
    assert len(msgspec.msgpack.encode(record)) < MET_BYTES + 50


def test_the_memory_of_meetings_goes_with_the_account():
    pair = Pair().feed(login(0, device="d1"))
    assert pair.store.get(ACCOUNT, "a1").met
    pair.feed(login(300 * DAY, "a2"))
    assert pair.store.get(ACCOUNT, "a1") is None
    pair.store.take_pending()
    assert b"Aa1" not in dict(pair.store.items())
    pair.feed(login(300 * DAY, device="d1"))
    assert met(pair) == ["device:d1"] * 2


PLACE = st.sampled_from([None, "x1", "x2", "x3", "x4"])
ACTS = st.tuples(
    st.sampled_from(["login.succeeded", "image.generated", "account.created", "upload.created"]),
    st.integers(0, 3 * WEEK),
    st.fixed_dictionaries(
        dict.fromkeys(("device", "network", "payment", "content_ref", "dataset_ref"), PLACE)
    ),
)
COMES_IN = {
    "upload.created": ("content_ref", "dataset_ref"),
    "account.created": ("device", "network"),
}


@settings(max_examples=300, deadline=None)
@given(st.lists(ACTS, max_size=25))
def test_it_tells_what_a_plain_memory_of_everything_met_would(acts):
    meetings, record, told = MEETINGS, AccountRecord(0), Told()
    known: set[str] = set()
    contents: list[str] = []
    forgets = 0
    wanted = []
    for kind, at, places in sorted(acts, key=lambda act: act[1]):
        signal = decoded("activity", {"id": "i", "account": "a", "kind": kind, "at": at, **places})
        meetings.activity(record, signal, told)
        if at // 1000 >= forgets:
            known, contents, forgets = set(), [], at // 1000 + FORGETS_S
        for name, ref in sorted(places.items()):
            entity = f"{name}:{ref}"
            if ref is None:
                continue
            new = entity not in (contents if name.endswith("_ref") else known)
            if new and name.endswith("_ref"):
                contents = [*contents, entity][-2:]
            known.add(entity)
            if new or name in COMES_IN.get(kind, ()):
                wanted.append(entity)
    assert sorted(told.entities) == sorted(wanted)
    assert len(record.content) <= 2 * MARK_BYTES
