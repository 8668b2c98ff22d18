"""The entities agent by itself: holders and removal, what is refused, what is kept."""

from __future__ import annotations

import msgspec
import pytest

from streams.agents.entities import entities_agent
from streams.agents.entity_signals import Meeting, entity_signal_decoder
from streams.agents.entity_state import ENTITY, MEMBER, REMOVAL
from streams.agents.holding import INLINE, PAUSE_MS, STEP
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.records import EntitySignal
from streams.signals import Reason, Refused
from tests.agents.pair import CATALOGUE, Pair
from tests.patterns.driving import DAY, HOUR, MINUTE, SCHEMA, START, activity, hit, load

CONFIRMED = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}


def upload(at, account, **fields):
    return activity("upload.created", at, account, content_ref="c1", **fields)


def removals(pair):
    return [one for one in pair.told if one["kind"] == "content"]


def accounts(found):
    return sorted(one["account"] for one in found)


# Removal


def test_confirmed_content_is_to_be_removed_for_all_who_hold_it_and_says_why_and_since_when():
    pair = Pair().feed(upload(0, "a1"), upload(HOUR, "a2", id="i2"))
    pair.feed(hit(2 * HOUR, "a1", id="h1", content_ref="c1", **CONFIRMED))
    assert accounts(removals(pair)) == ["a1", "a2"]
    (told,) = (one for one in removals(pair) if one["account"] == "a2")
    assert {**told, "id": ""} == {
        "id": "",
        "account": "a2",
        "at": "2026-09-21T16:13:20.000Z",
        "kind": "content",
        "action": "content.remove",
        "harm": "csam",
        "entity": "content_ref:c1",
        "content_ref": "c1",
        "hit": "h1",
        "severity": "critical",
        "mode": "live",
    }


def test_a_suspicion_or_a_perceptual_match_removes_nothing():
    pair = Pair().feed(upload(0, "a1"), upload(1, "a2"))
    pair.feed(hit(2, "a1", content_ref="c1"), hit(3, "a1", verdict="match", content_ref="c1"))
    assert removals(pair) == []


def test_who_turns_up_with_it_later_is_told_at_once_and_each_time_from_when_it_did():
    pair = Pair().feed(hit(0, "a1", id="h1", content_ref="c1", **CONFIRMED))
    assert accounts(removals(pair)) == ["a1"]
    pair.feed(upload(90 * DAY, "a2"), upload(91 * DAY, "a2"), upload(91 * DAY, "a1"))
    later = removals(pair)[1:]
    assert [one["account"] for one in later] == ["a2", "a2", "a1"]
    assert later[0]["at"] == "2026-12-20T14:13:20.000Z"
    assert {one["hit"] for one in later} == {"h1"}
    assert len({one["id"] for one in removals(pair)}) == 4


def test_who_merely_reported_it_or_reviewed_it_has_nothing_to_remove():
    pair = Pair().feed(activity("report.filed", 0, "victim", content_ref="c1"), upload(1, "a1"))
    pair.feed(hit(2, "a1", content_ref="c1", **CONFIRMED))
    pair.feed(activity("report.filed", 3, "another", content_ref="c1"))
    assert accounts(removals(pair)) == ["a1"]


def test_a_confirmed_hit_in_a_data_set_quarantines_it_for_all_who_hold_it():
    pair = Pair().feed(activity("finetune.created", 0, "a2", dataset_ref="s1"))
    pair.feed(
        hit(1, "a1", **{**CONFIRMED, "surface": "training_dataset"}, dataset_ref="s1"),
        activity("dataset.created", 2, "a3", dataset_ref="s1"),
    )
    assert accounts(removals(pair)) == ["a1", "a2", "a3"]
    assert {(one["action"], one["dataset_ref"]) for one in removals(pair)} == {
        ("dataset.quarantine", "s1")
    }


def test_holders_are_complete_however_many_and_told_in_steps_each_once():
    count = 3 * STEP + 7
    pair = Pair().feed(*(upload(n, f"p{n:05d}") for n in range(count)))
    pair.feed(hit(HOUR, "p00003", id="h1", content_ref="c1", **CONFIRMED))
    at_once = len(removals(pair))
    assert at_once == INLINE + STEP
    # Whoever turns up meanwhile is told by that, and not once more when its turn comes.
    pair.feed(*(upload(HOUR, f"q{n}") for n in range(30)))
    sizes = []
    while len(removals(pair)) < count + 30:
        before = len(removals(pair))
        pair.until(HOUR + (len(sizes) + 1) * PAUSE_MS)
        sizes.append(len(removals(pair)) - before)
        assert len(sizes) < 10
    assert max(sizes) <= STEP
    pair.until(HOUR + DAY)
    assert len(set(accounts(removals(pair)))) == len(removals(pair)) == count + 30
    assert pair.entities.get(REMOVAL, "content_ref:c1") is None


def test_a_holder_that_was_not_seen_with_it_for_a_month_is_forgotten(tmp_path):
    pair = Pair().feed(*(upload(n, f"p{n}") for n in range(INLINE + 4)))
    pair.feed(*(upload(29 * DAY, f"p{n}") for n in (1, INLINE + 1)))
    pair.feed(*(upload(31 * DAY, f"q{n}") for n in range(INLINE)))
    pair.feed(hit(32 * DAY, "q0", content_ref="c1", **CONFIRMED))
    wanted = {f"q{n}" for n in range(INLINE)} | {"p1", f"p{INLINE + 1}"}
    assert set(accounts(removals(pair))) == wanted


def test_after_a_restart_in_the_middle_the_telling_goes_on():
    count = 2 * STEP + INLINE
    pair = Pair().feed(*(upload(n, f"p{n:05d}") for n in range(count)))
    pair.feed(hit(HOUR, "p00000", content_ref="c1", **CONFIRMED))
    again = Pair()
    again.entities.now = START + HOUR
    pair.entities.take_pending()
    for full, data in pair.entities.items():
        again.entities.restore(full, data)
    again.until(HOUR + 10 * PAUSE_MS)
    both = accounts([*removals(pair), *removals(again)])
    assert both == [f"p{n:05d}" for n in range(count)]


# The same again, and what is taken back


def wire(one):
    """An entity-signal as a driver takes it."""
    return "entity-signals", one["entity"].encode(), msgspec.json.encode(one), one["at"]


def test_the_same_meeting_again_changes_nothing():
    pair = Pair().feed(*(activity("account.created", n, f"f{n}", device="d1") for n in range(5)))
    pair.entities.savepoint()
    before, told = state_of(pair), len(pair.told)
    for one in list(pair.met):
        pair._take(pair.driver.feed([wire(one)]))
    pair.entities.savepoint()
    assert state_of(pair) == before
    assert len(pair.told) == told == 5


def state_of(pair):
    return {full: data for full, data in pair.entities.items() if full[:1] != b"O"}


def test_ids_of_two_accounts_or_two_topics_are_two():
    pair = Pair().feed(
        *(activity("account.created", n, f"f{n}", device="d1", id="same") for n in range(5))
    )
    assert len(pair.detections) == 5


UNTIL_REVIEWED = """
title: Company of a suspect
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b01
status: stable
correlation:
  type: value_count
  rules: [there]
  group-by: [device]
  timespan: 1d
  condition: {field: account, gte: 2}
vigil:
  harm: csam
  action: warn
  lateness: 1d
  unless: {rules: [seen], within: 2h}
---
title: There
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b02
name: there
status: stable
logsource: {product: vigil, service: moderation-hits}
detection:
  it: {verdict: suspected}
  condition: it
---
title: Seen
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b03
name: seen
status: stable
logsource: {product: vigil, service: moderation-hits}
detection:
  it: {source: human}
  condition: it
"""


def test_what_comes_late_takes_back_each_accounts_own_detection_and_what_it_asked_for(tmp_path):
    pair = Pair(load(tmp_path, UNTIL_REVIEWED))
    pair.feed(hit(0, "a1", device="d1"), hit(MINUTE, "a2", device="d1")).until(3 * HOUR)
    assert accounts(pair.told) == ["a1", "a2"]
    told = {one["account"]: one["id"] for one in pair.detections}
    seen = {"source": "human", "verdict": "match", "category": "spam"}
    pair.feed(hit(4 * HOUR, "a3", device="d2"), hit(HOUR, "a1", device="d1", **seen))
    taken_back = {one["account"]: one["retracts"] for one in pair.detections[2:]}
    assert taken_back == told
    undone = pair.told[2:]
    assert {one["account"]: (one["action"], one["detection"]) for one in undone} == {
        account: ("undo", detection) for account, detection in told.items()
    }
    assert len({one["id"] for one in pair.told}) == 4


# What is refused


def meeting(**changes):
    signal = activity("login.succeeded", 0, "a1", id="i1", device="d1")[1]
    fields = {"id": "i1", "entity": "device:d1", "account": "a1", "at": START}
    wire = {**fields, "topic": "activity", "signal": signal, **changes}
    return {name: value for name, value in wire.items() if value is not None}


def refusal(value, key=b"device:d1", timestamp=START):
    body = value if isinstance(value, bytes) or value is None else msgspec.json.encode(value)
    with pytest.raises(Refused) as caught:
        entity_signal_decoder(SCHEMA)(MemoryRecord(key, body, 0, timestamp))
    assert caught.value.__context__ is None
    return caught.value.reason, list(caught.value.fields)


def test_what_the_accounts_agent_writes_is_read_back_as_it_was():
    record = MemoryRecord(b"device:d1", msgspec.json.encode(meeting(young=True)), 0, START)
    found = entity_signal_decoder(SCHEMA)(record)
    assert (found.entity, found.type, found.young) == ("device:d1", "device", True)
    assert msgspec.json.decode(msgspec.json.encode(found.signal)) == meeting()["signal"]
    fields = set(EntitySignal.__struct_fields__)
    assert fields == {"id", "entity", "account", "at", "topic", "signal", "met", "young"}


def test_a_meeting_that_does_not_fit_together_is_refused():
    assert refusal(None) == (Reason.NULL_VALUE, [])
    assert refusal(meeting(), key=None) == (Reason.NULL_KEY, [])
    assert refusal(meeting(), key=b"device:d2") == (Reason.KEY_MISMATCH, ["entity"])
    assert refusal(b"{") == (Reason.NOT_JSON, [])
    assert refusal(meeting(text="free")) == (Reason.NOT_JSON, [])
    assert refusal(meeting(topic="account-signals")) == (Reason.NOT_JSON, [])
    assert refusal(meeting(account="a2")) == (Reason.KEY_MISMATCH, ["account"])
    other = {**meeting()["signal"], "device": "d2"}
    assert refusal(meeting(signal=other)) == (Reason.UNDECLARED_VALUE, ["entity"])
    unknown = meeting(entity="planet:d1")
    assert refusal(unknown, key=b"planet:d1") == (Reason.UNDECLARED_VALUE, ["entity"])


def test_the_signal_inside_is_checked_as_it_would_be_on_its_own_topic():
    inner = meeting()["signal"]
    assert refusal(meeting(signal={**inner, "text": "x"})) == (Reason.UNKNOWN_FIELD, ["?"])
    assert refusal(meeting(signal={**inner, "network": "a b"})) == (
        Reason.MALFORMED_ID,
        ["network"],
    )
    assert refusal(meeting(), timestamp=START - 301_000) == (Reason.IN_FUTURE, ["at"])


# What is kept


class Nowhere:
    """An `Out` that only counts."""

    def __init__(self):
        self.count = 0

    def emit(self, topic, key, value, *, urgent=False, patient=False):
        self.count += 1


def test_one_device_shared_by_a_million_accounts_stays_small():
    agent = entities_agent(CATALOGUE, SCHEMA)
    store = MemoryDriver([agent]).processors[0].store
    out = Nowhere()
    made = SCHEMA.struct("activity")
    for number in range(1_000_000):
        at = START + number * 60
        kind = "login.succeeded" if number % 20 else "account.created"
        store.now = at
        signal = made(id=f"i{number}", account=f"a{number}", kind=kind, at=at, device="d1")
        agent.handler(store, Meeting("device:d1", "device", signal, number % 20 == 0), out)
        if number % 50_000 == 0:
            store.savepoint()
    store.savepoint()
    sizes = {full: len(data) for full, data in store.items()}
    assert len(sizes) < 5
    assert sizes[b"Edevice:d1"] < 3_000
    assert sum(sizes.values()) < 10_000
    assert out.count > 0, "and it was asked"


def test_of_an_entity_nobody_met_again_nothing_is_left():
    pair = Pair().feed(*(upload(n, f"p{n}", device="d1") for n in range(INLINE + 3)))
    assert len(list(pair.entities.scan(MEMBER, "content_ref:c1/00"))) <= 3
    pair.feed(upload(300 * DAY, "p0")).feed(activity("upload.created", 300 * DAY, content_ref="c2"))
    pair.entities.take_pending()
    left = {full for full, _ in pair.entities.items() if full[:1] in b"EMWGUR"}
    assert {full.split(b"\0")[0] for full in left if full[:1] in b"EM"} == {
        b"Econtent_ref:c1",
        b"Econtent_ref:c2",
    }
    assert pair.entities.get(ENTITY, "content_ref:c1").holders.keys() == {"p0"}
