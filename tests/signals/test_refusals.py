"""Each thing CONTRACT.md says is refused, with its reason and the fields it names."""

from __future__ import annotations

import json

import pytest

from streams.signals import FieldType, Reason, Refused, Schema
from streams.signals.records import key_field
from tests.signals.records import GOOD, NOW_MS, changed, raw

SCHEMA = Schema.load()
MINUTE_MS = 60_000


def refusal(record, topic="activity"):
    with pytest.raises(Refused) as caught:
        SCHEMA.decoder(topic)(record)
    return caught.value.reason, list(caught.value.fields)


def as_json(text):
    """A good activity with `text` in the place of its id, which records of all topics have."""
    return json.dumps(changed("activity", id="@@")).replace('"@@"', text).encode()


@pytest.mark.parametrize("topic", GOOD)
def test_a_good_record_becomes_a_signal_with_an_attribute_per_field(topic):
    signal = SCHEMA.decoder(topic)(raw(GOOD[topic]))
    assert signal.topic == topic
    for name in SCHEMA.fields(topic):
        wanted = GOOD[topic].get(name, () if name == "labels" else None)
        if SCHEMA.fields(topic)[name].type is not FieldType.TIME:
            assert getattr(signal, name) == wanted
    assert signal.at == NOW_MS


NOT_JSON_OBJECTS = {
    "empty": b"",
    "blank": b" ",
    "a list": b"[]",
    "a string": b'"a"',
    "null": b"null",
    "two objects": b"{}{}",
    "trailing bytes": json.dumps(GOOD["activity"]).encode() + b"x",
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD["activity"]).encode(),
    "not UTF-8 in a value": as_json('"@@"').replace(b"@@", b"\xff"),
    "not UTF-8 in a name": as_json('"x"').replace(b'"id"', b'"\xff"'),
    "an encoded surrogate": as_json('"@@"').replace(b"@@", b"\xed\xa0\x80"),
    "a lone surrogate": as_json('"\\ud800"'),
    "UTF-16": json.dumps(GOOD["activity"]).encode("utf-16"),
    "NaN": as_json("NaN"),
    "Infinity": as_json("Infinity"),
    "minus Infinity": as_json("-Infinity"),
    "a comma too many": as_json('"d",'),
    "a control character": as_json('"a\x01"'),
    "single quotes": b"{'id': 's1'}",
}


@pytest.mark.parametrize("topic", GOOD)
@pytest.mark.parametrize("value", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
def test_what_is_not_exactly_one_utf8_json_object_is_refused(value, topic):
    assert refusal(raw(value), topic) == (Reason.NOT_JSON, [])


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"device":[{"a":'])
@pytest.mark.parametrize("depth", [33, 500, 950, 1000, 8_000])
def test_deep_nesting_is_refused_the_same_way_whatever_the_stack_allows(opening, depth):
    assert refusal(raw((opening * depth)[:65_000]))[0] is Reason.TOO_DEEP


def test_brackets_inside_strings_are_no_nesting():
    assert refusal(raw(changed("activity", device="[" * 100))) == (Reason.MALFORMED_ID, ["device"])


@pytest.mark.parametrize("topic", GOOD)
def test_a_null_value_a_null_key_and_another_key_are_refused(topic):
    good = GOOD[topic]
    assert refusal(raw(None), topic) == (Reason.NULL_VALUE, [])
    assert refusal(raw(None, key=None), topic) == (Reason.NULL_VALUE, [])
    assert refusal(raw(good, key=None), topic) == (Reason.NULL_KEY, [])
    mismatch = (Reason.KEY_MISMATCH, [key_field(topic)])
    assert refusal(raw(good, key=b"a2"), topic) == mismatch
    assert refusal(raw(good, key=b""), topic) == mismatch
    assert refusal(raw(good, key=b"\xff"), topic) == mismatch


def test_the_key_of_a_patterns_command_is_the_pattern_and_of_all_else_the_account():
    assert {topic: key_field(topic) for topic in GOOD} == {
        **dict.fromkeys(GOOD, "account"),
        "pattern-commands": "pattern",
    }
    command = changed("pattern-commands", pattern="p7", target="a1")
    assert SCHEMA.decoder("pattern-commands")(raw(command, key=b"p7")).pattern == "p7"


@pytest.mark.parametrize("topic", GOOD)
def test_a_value_over_64_kib_is_refused_and_one_of_64_kib_is_not(topic):
    good = json.dumps(GOOD[topic]).encode()
    SCHEMA.decoder(topic)(raw(good.ljust(65_536)))
    assert refusal(raw(good.ljust(65_537)), topic) == (Reason.TOO_LARGE, [])


@pytest.mark.parametrize("topic", GOOD)
def test_each_missing_required_field_is_named(topic):
    for name, field in SCHEMA.fields(topic).items():
        if field.required:
            record = raw(changed(topic, without=name))
            assert refusal(record, topic) == (Reason.MISSING_FIELD, [name])


NEEDED = [
    ("snooze", "until"),
    ("confirm", "target"),
    ("retract", "target"),
]


@pytest.mark.parametrize(("kind", "name"), NEEDED)
def test_what_one_kind_of_command_needs_is_missing_where_it_is_not_there(kind, name):
    fields = {"target": "r1", "until": NOW_MS}
    whole = changed("account-commands", kind=kind, **fields)
    SCHEMA.decoder("account-commands")(raw(whole))
    record = raw(changed("account-commands", kind=kind, without=name, **fields))
    assert refusal(record, "account-commands") == (Reason.MISSING_FIELD, [name])
    bare = changed("account-commands", kind="erase", without="until")
    assert SCHEMA.decoder("account-commands")(raw(bare)).until is None


@pytest.mark.parametrize("topic", GOOD)
def test_an_unknown_field_is_refused_as_a_question_mark_once(topic):
    record = raw(changed(topic, prompt="free text", another=1))
    assert refusal(record, topic) == (Reason.UNKNOWN_FIELD, ["?"])
    another_topics = "surface" if topic == "reviews" else "viewed"
    record = raw(changed(topic, **{another_topics: True}))
    assert refusal(record, topic) == (Reason.UNKNOWN_FIELD, ["?"])


WRONG_TYPES = [
    ("activity", "id", 5),
    ("activity", "account", None),
    ("activity", "device", ["d"]),
    ("activity", "device", None),
    ("activity", "kind", True),
    ("activity", "at", 1.5),
    ("activity", "at", True),
    ("activity", "at", None),
    ("activity", "labels", "x"),
    ("activity", "labels", [1]),
    ("moderation-hits", "score", "0.5"),
    ("moderation-hits", "score", True),
    ("moderation-hits", "act_at", {}),
    ("reviews", "viewed", 1),
    ("reviews", "viewed", "yes"),
    ("account-commands", "until", 1.5),
    ("account-commands", "kind", ["erase"]),
    ("account-commands", "target", None),
    ("pattern-commands", "pattern", 5),
    ("pattern-commands", "target", True),
    ("pattern-commands", "reason", {}),
]


@pytest.mark.parametrize(("topic", "name", "value"), WRONG_TYPES)
def test_a_wrong_type_is_refused_and_nothing_is_converted(topic, name, value):
    assert refusal(raw(changed(topic, **{name: value})), topic) == (Reason.WRONG_TYPE, [name])


BAD_IDS = [
    "",
    "x" * 65,
    "a b",
    "a\n",
    "a/b",
    "ä",
    "someone@example.org",
    "203.0.113.7",
    "203.0.113.7:443",
    "ip:203.0.113.7",
    "2001:db8::1",
    "::1",
    "1:2:3:4:5:6:7:8",
    "https:example.org",
    "HTTP:example.org",
    "mailto:someone",
    "www.example.org",
    "\u0000",
    "a\u200b",
]


REFS = [
    (topic, name)
    for topic in GOOD
    for name, field in SCHEMA.fields(topic).items()
    if field.type is FieldType.REF
]


@pytest.mark.parametrize("bad", BAD_IDS)
@pytest.mark.parametrize(("topic", "name"), REFS)
def test_a_malformed_id_is_refused(bad, topic, name):
    record = raw(changed(topic, **{name: bad}), key=b"a1")
    assert refusal(record, topic) == (Reason.MALFORMED_ID, [name])


GOOD_IDS = ["a", "x" * 64, "A.b_c:d-e", "device:d42", "v1.2.3", "1.2.3", "a:b:c", "..", "12:30:45"]


@pytest.mark.parametrize("good", GOOD_IDS)
def test_a_well_formed_id_is_accepted(good):
    assert SCHEMA.decoder("activity")(raw(changed("activity", device=good))).device == good


BAD_TIMES = [
    "2026-09-21T14:13:20",
    "2026-09-21",
    "yesterday",
    "1790000000000",
    "2026-09-21T14:13Z",
    "2026-02-30T00:00:00Z",
    "2026-09-21T14:13:20Z\n",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999-23:59",
    -1,
    253_402_300_800_000,
    2**62,
    2**63,
]


TIMES = [
    (topic, name)
    for topic in GOOD
    for name, field in SCHEMA.fields(topic).items()
    if field.type is FieldType.TIME
]


@pytest.mark.parametrize("bad", BAD_TIMES)
@pytest.mark.parametrize(("topic", "name"), TIMES)
def test_a_time_without_offset_or_outside_1970_to_9999_is_refused(bad, topic, name):
    record = raw(changed(topic, **{name: bad}))
    assert refusal(record, topic) == (Reason.MALFORMED_TIME, [name])


def test_a_number_beyond_what_64_bits_hold_is_refused_not_raised():
    for digits in ("9" * 400, "1e999", "9" * 6_000):
        body = json.dumps(changed("moderation-hits", score=7)).replace("7}", digits + "}")
        body = body.replace('"score": 7', f'"score": {digits}')
        reason, fields = refusal(raw(body.encode()), "moderation-hits")
        assert (reason, fields) == (Reason.OUT_OF_RANGE, ["score"])


@pytest.mark.parametrize("score", [-0.001, 1.001, -1, 2])
def test_a_score_outside_0_to_1_is_refused(score):
    record = raw(changed("moderation-hits", score=score))
    assert refusal(record, "moderation-hits") == (Reason.OUT_OF_RANGE, ["score"])


@pytest.mark.parametrize("score", [0, 1, 0.0, 1.0, 1e-300])
def test_a_score_of_0_to_1_is_accepted(score):
    record = raw(changed("moderation-hits", score=score))
    assert SCHEMA.decoder("moderation-hits")(record).score == score


@pytest.mark.parametrize("topic", GOOD)
def test_at_more_than_five_minutes_ahead_of_the_records_timestamp_is_refused(topic):
    just = changed(topic, at=NOW_MS + 5 * MINUTE_MS)
    over = changed(topic, at=NOW_MS + 5 * MINUTE_MS + 1)
    assert SCHEMA.decoder(topic)(raw(just)).at == NOW_MS + 5 * MINUTE_MS
    assert refusal(raw(over), topic) == (Reason.IN_FUTURE, ["at"])
    record = raw(changed(topic, at=NOW_MS, without="act_at"), timestamp=-1)
    assert refusal(record, topic) == (Reason.IN_FUTURE, ["at"])


def test_when_an_act_happened_is_not_ahead_either_but_a_snooze_ends_in_the_future():
    late = raw(changed("moderation-hits", act_at=NOW_MS + 5 * MINUTE_MS + 1))
    assert refusal(late, "moderation-hits") == (Reason.IN_FUTURE, ["act_at"])
    snooze = raw(changed("account-commands", until="2027-09-21T14:13:20Z"))
    assert SCHEMA.decoder("account-commands")(snooze).until > NOW_MS + 300 * 86_400_000


UNDECLARED = [
    ("activity", "kind", "prompt.stolen"),
    ("activity", "labels", ["nobody-declared"]),
    ("activity", "surface", "Input"),
    ("activity", "age_band", "child"),
    ("moderation-hits", "category", "other"),
    ("moderation-hits", "verdict", "clean"),
    ("moderation-hits", "source", "free text, of course"),
    ("account-commands", "kind", "release"),
    ("account-commands", "reason", "because"),
    ("pattern-commands", "kind", "erase"),
    ("pattern-commands", "reason", "person_request"),
]


@pytest.mark.parametrize(("topic", "name", "value"), UNDECLARED)
def test_a_value_on_no_closed_list_is_refused(topic, name, value):
    record = raw(changed(topic, **{name: value}))
    assert refusal(record, topic) == (Reason.UNDECLARED_VALUE, [name])


def test_of_several_wrong_fields_of_one_reason_all_are_named_in_the_schemas_order():
    record = raw(changed("activity", device="a b", id="ö", account="/"))
    assert refusal(record) == (Reason.MALFORMED_ID, ["id", "account", "device"])


def test_a_doubled_name_counts_with_its_last_value():
    body = json.dumps(GOOD["activity"])[:-1].encode()
    assert SCHEMA.decoder("activity")(raw(body + b', "device": "d-2"}')).device == "d-2"
    assert SCHEMA.decoder("activity")(raw(b'{"device": "a b", ' + body[1:] + b"}")).device == "d-1"
    assert refusal(raw(body + b', "device": "a b"}')) == (Reason.MALFORMED_ID, ["device"])


@pytest.mark.parametrize("topic", GOOD)
def test_cloudevents_headers_are_checked_and_others_are_not_read(topic):
    good = changed(topic, id="s1")
    fine = [
        ("ce_id", b"s1"),
        ("ce_type", b"com.example.activity"),
        ("ce_source", b"/platform/eu-west"),
        ("ce_time", b"2026-09-21T14:13:20Z"),
        ("traceparent", b"\xff"),
        ("ce_specversion", None),
    ]
    SCHEMA.decoder(topic)(raw(good, headers=fine))
    for name, value in [
        ("ce_id", b"s2"),
        ("ce_id", b"\xff"),
        ("ce_id", None),
        ("ce_id", b""),
        ("ce_type", b"two words"),
        ("ce_source", "überall".encode()),
        ("ce_source", b""),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-09-21T14:13:20"),
        ("ce_time", b"x" * 2_000),
    ]:
        record = raw(good, headers=[*fine, (name, value)])
        assert refusal(record, topic) == (Reason.INVALID_HEADER, [name])


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-09-21T14:13:20Z", NOW_MS),
        ("2026-09-21t14:13:20.1z", NOW_MS + 100),
        ("2026-09-21T16:13:20.123+02:00", NOW_MS + 123),
        ("2026-09-21T14:13:20.123999999Z", NOW_MS + 124),
        ("2026-09-21T14:13:20.123499Z", NOW_MS + 123),
        ("2026-09-21T14:13:20-00:00", NOW_MS),
        (NOW_MS, NOW_MS),
        (1_790_000_000, 1_790_000_000),
        (0, 0),
    ],
)
def test_times_are_rfc_3339_of_any_precision_or_epoch_ms(text, ms):
    assert SCHEMA.decoder("activity")(raw(changed("activity", at=text))).at == ms
