"""The operator's schema file: what it adds, and how its mistakes are told."""

from __future__ import annotations

import pytest

from streams.signals import FieldType, Reason, Refused, Schema, SchemaError
from tests.signals.records import changed, raw

FILE = """
[activity]
kinds = ["star.added"]
labels = ["vip", "trial"]
models = ["m-1.0", "m-2"]

[activity.attributes]
repo = {type = "ref"}
tier = {type = "enum", values = ["free", "paid"]}
amount = {type = "number"}
verified = {type = "bool"}

[moderation-hits]
categories = ["impersonation"]
detectors = ["det-1"]

[reviews]
outcomes = ["upheld", "overturned"]

[entities]
repo = "repo"
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "schema.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(schema, topic, **fields):
    with pytest.raises(Refused) as caught:
        schema.decoder(topic)(raw(changed(topic, **fields)))
    return caught.value.reason


def test_a_schema_file_adds_kinds_lists_attributes_and_entities(write):
    schema = Schema.load(write(FILE))
    signal = schema.decoder("activity")(
        raw(
            changed(
                "activity",
                kind="star.added",
                labels=["vip"],
                repo="r-1",
                tier="paid",
                amount=3,
                verified=False,
            )
        )
    )
    assert (signal.kind, signal.labels) == ("star.added", ("vip",))
    assert (signal.repo, signal.tier, signal.amount, signal.verified) == ("r-1", "paid", 3.0, False)
    assert schema.entities["repo"] == "repo"
    assert schema.entities["device"] == "device"
    fields = schema.fields("activity")
    assert fields["repo"].type is FieldType.REF
    assert fields["tier"].values == ("free", "paid")
    assert "prompt.submitted" in fields["kind"].values
    assert schema.fields("moderation-hits")["category"].values[-1] == "impersonation"


def test_reasons_of_commands_are_added_and_what_commands_name_is_no_entity(write):
    schema = Schema.load(write('[pattern-commands]\nreasons = ["quarterly"]'))
    command = schema.decoder("pattern-commands")(
        raw(changed("pattern-commands", reason="quarterly"))
    )
    assert command.reason == "quarterly"
    assert refused(schema, "account-commands", reason="quarterly") is Reason.UNDECLARED_VALUE
    with pytest.raises(SchemaError):
        Schema.load(write('[entities]\nreport = "target"'))


def test_a_list_of_models_or_detectors_closes_what_were_ordinary_refs(write):
    open_, closed = Schema.load(), Schema.load(write(FILE))
    assert open_.fields("activity")["model"].type is FieldType.REF
    assert closed.fields("activity")["model"].type is FieldType.ENUM
    open_.decoder("moderation-hits")(raw(changed("moderation-hits", detector="det-9")))
    assert refused(closed, "moderation-hits", detector="det-9") is Reason.UNDECLARED_VALUE
    assert refused(closed, "activity", model="m-9") is Reason.UNDECLARED_VALUE
    assert refused(closed, "reviews", outcome="perhaps") is Reason.UNDECLARED_VALUE


def test_attributes_of_wrong_types_are_refused(write):
    schema = Schema.load(write(FILE))
    assert refused(schema, "activity", amount="3") is Reason.WRONG_TYPE
    assert refused(schema, "activity", amount=True) is Reason.WRONG_TYPE
    assert refused(schema, "activity", verified=1) is Reason.WRONG_TYPE
    assert refused(schema, "activity", tier="gold") is Reason.UNDECLARED_VALUE
    assert refused(schema, "activity", repo="a b") is Reason.MALFORMED_ID
    assert refused(Schema.load(), "activity", repo="r-1") is Reason.UNKNOWN_FIELD


MISTAKES = {
    "an unknown section": ("[activty]", "activty", "did you mean activity?"),
    "an unknown key": ('[activity]\nkind = ["x"]', "activity.kind", "did you mean kinds?"),
    "no table": ("activity = 1", "activity", "[activity]"),
    "no list": ('[activity]\nkinds = "x"', "activity.kinds", "list of strings"),
    "not strings": ("[activity]\nkinds = [1]", "activity.kinds", "list of strings"),
    "a value that is no id": ('[activity]\nkinds = ["a b"]', "activity.kinds", "1 to 64"),
    "a value twice": ('[activity]\nkinds = ["x", "x"]', "activity.kinds", "twice"),
    "a built-in value": ('[activity]\nkinds = ["login.failed"]', "activity.kinds", "built in"),
    "a text type": (
        '[activity.attributes]\nnote = {type = "text"}',
        "activity.attributes.note.type",
        "no text type",
    ),
    "an enum without values": (
        '[activity.attributes]\ntier = {type = "enum"}',
        "activity.attributes.tier",
        "closed list",
    ),
    "values without an enum": (
        '[activity.attributes]\ntier = {type = "ref", values = ["a"]}',
        "activity.attributes.tier.values",
        "enum",
    ),
    "an unknown word of an attribute": (
        '[activity.attributes]\ntier = {typ = "ref"}',
        "activity.attributes.tier.typ",
        "did you mean type?",
    ),
    "a built-in field": (
        '[activity.attributes]\ndevice = {type = "ref"}',
        "activity.attributes.device",
        "built-in",
    ),
    "a reserved word": (
        '[activity.attributes]\nclass = {type = "ref"}',
        "activity.attributes.class",
        "reserve",
    ),
    "a reserved name": (
        '[activity.attributes]\ntopic = {type = "ref"}',
        "activity.attributes.topic",
        "reserve",
    ),
    "no attribute table": (
        "[activity.attributes]\nrepo = 1",
        "activity.attributes.repo",
        "inline table",
    ),
    "attributes elsewhere": (
        '[reviews.attributes]\nrepo = {type = "ref"}',
        "reviews.attributes",
        "unknown key",
    ),
    "an entity without its field": ('[entities]\nrepo = "repo"', "entities.repo", "declare it"),
    "an entity on an enum": ('[entities]\nkind = "kind"', "entities.kind", "type ref"),
    "a built-in entity": ('[entities]\ndevice = "device"', "entities.device", "built-in"),
    "an entity's name": ('[entities]\n"a:b" = "peer"', "entities.a:b", "a-z"),
}


@pytest.mark.parametrize(("text", "key", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_the_file_the_key_and_what_to_do(write, text, key, hint):
    path = write(text)
    with pytest.raises(SchemaError) as caught:
        Schema.load(path)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}: ")
    assert hint in str(caught.value)


@pytest.mark.parametrize("body", [b"a = ", b"\xff\xfe", b"a = " + b"[" * 5_000])
def test_what_is_not_toml_is_told_with_the_file(write, body):
    path = write(body)
    with pytest.raises(SchemaError, match=str(path)):
        Schema.load(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SchemaError, match="can't be read: No such file"):
        Schema.load(tmp_path / "none.toml")


def test_the_struct_of_a_topic_is_one_class_and_out_of_the_collectors_sight():
    schema = Schema.load()
    assert schema.struct("activity") is schema.struct("activity")
    assert schema.struct("activity").__struct_config__.gc is False
    assert schema.struct("activity").__struct_config__.forbid_unknown_fields is True
