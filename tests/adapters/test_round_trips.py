"""There and back: what one side says is what the other understands, by their own libraries."""

from __future__ import annotations

import json

import msgspec
import pytest
from cloudevents.core.bindings.kafka import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from streams.adapters.files import Count, come_in
from streams.adapters.foreign import Foreign
from streams.adapters.outgoing.decided import SHAPES
from tests.adapters.formats import NOW, door, let_in, recorded, went_out
from tests.signals.records import GOOD, NOW_MS

DECISIONS = [one for one in recorded("decisions") if one["topic"] in SHAPES]


@pytest.mark.parametrize("topic", ["activity", "moderation-hits", "reviews"])
def test_a_record_in_a_cloud_event_of_the_sdk_comes_in_as_it_was(topic):
    record = GOOD[topic]
    attributes = {"id": record["id"], "source": "/platform", "type": f"vigil.{topic}"}
    event = CloudEvent(attributes=attributes, data=record)
    for message in (to_structured(event, JSONFormat()), to_binary(event, JSONFormat())):
        assert message.headers
        headers = message.headers | {"traceparent": b"00-01"}
        (entering,) = door("cloudevents")(Foreign(message.value, NOW_MS, headers))
        assert (entering.topic, json.loads(entering.value)) == (topic, record)


def test_the_decision_in_a_coop_action_is_the_one_its_appeal_names():
    sent = went_out("coop-decisions")[1]
    user = {"id": sent["itemId"], "typeId": sent["itemTypeId"]}
    appeal = {"appealId": sent["note"], "item": user, "appealedBy": user}
    (review,) = let_in("coop-webhooks", appeal | {"appealDecision": "REJECT"})
    decision = next(one["value"] for one in DECISIONS if one["value"]["id"] == sent["note"])
    assert review["decision"] == decision["id"]
    assert review["account"] == decision["account"]
    assert review["outcome"] == "upheld"


def test_an_osprey_action_and_a_webhook_carry_the_whole_record():
    whole = [
        msgspec.to_builtins(msgspec.convert(one["value"], SHAPES[one["topic"]]))
        for one in DECISIONS
    ]
    assert [one["record"] for one in went_out("webhook")] == whole
    actions = [one["data"] for one in went_out("osprey-actions")]
    assert [one["data"] for one in actions] == whole[:-1]  # the last one is a review
    numbers = [one["action_id"] for one in actions]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**53 for number in numbers)


def test_a_finding_comes_in_for_the_account_it_is_about_unless_it_is_ours():
    found, _, closed = went_out("ocsf-findings")
    found["finding_info"]["types"] = closed["finding_info"]["types"] = ["spam-label"]
    assert let_in("ocsf-events", found) == []
    for finding in (found, closed):
        finding["metadata"]["product"]["name"] = "another detector"
    (hit,) = let_in("ocsf-events", found)
    assert (hit["account"], hit["category"]) == (found["resources"][0]["uid"], "spam")
    assert let_in("ocsf-events", closed) == []


def test_a_line_written_by_one_side_is_read_by_the_other():
    lines = [json.dumps(one).encode() for one in went_out("ocsf-findings")]
    count = Count()
    assert not list(come_in(lines, door("ocsf-events"), lambda: NOW, count, lambda *_: None))
    assert (count.read, count.silent, count.refused) == (3, 3, 0)
