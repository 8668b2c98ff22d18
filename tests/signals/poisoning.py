"""Records with free text in any place: in a value, a name, the key, a header, between the bytes."""

from __future__ import annotations

from hypothesis import strategies as st

from streams.signals import Schema
from tests.signals.records import GOOD, raw

SCHEMA = Schema.load()
CANARY = "qzxcanary"
words = st.text(max_size=20).map(lambda text: f"{text}{CANARY}{text}")


@st.composite
def poisoned(draw):
    topic = draw(st.sampled_from(sorted(GOOD)))
    record = dict(GOOD[topic])
    changes = {}
    place = draw(st.sampled_from(["value", "name", "nested", "key", "header", "bytes"]))
    name = draw(st.sampled_from(sorted(SCHEMA.fields(topic))))
    if place == "value":
        record[name] = draw(words)
    elif place == "name":
        record[draw(words)] = draw(words)
    elif place == "nested":
        record[name] = draw(st.sampled_from([[CANARY], {CANARY: CANARY}, [[CANARY]]]))
    elif place == "key":
        changes["key"] = draw(words).encode("utf-8", "replace")
    elif place == "header":
        changes["headers"] = [("ce_id", draw(words).encode("utf-8", "replace")), (CANARY, b"")]
    body = raw(record, **changes)
    if place == "bytes":
        body.value = body.value.replace(b'"a1"', draw(st.binary(max_size=5)) + CANARY.encode())
    return topic, body
