"""Free text in any place of a record leaves no trace in what a refusal carries or in a log.

It was seen failing: with the refusal raised inside the `except` of the parser, `__context__` held
the library's message, which quotes the name.
"""

from __future__ import annotations

import logging
import traceback

from hypothesis import given, settings

from streams.signals import Refused, Schema
from tests.signals.poisoning import CANARY, poisoned
from tests.signals.records import raw

SCHEMA = Schema.load()


@settings(max_examples=800, deadline=None)
@given(poisoned())
def test_no_refusal_carries_a_word_of_the_record(case):
    topic, record = case
    outcome = decide(topic, record)
    if isinstance(outcome, Refused):
        assert outcome.__context__ is None
        assert outcome.__cause__ is None
        assert set(outcome.fields) <= {*SCHEMA.fields(topic), "ce_id", "?"}
        seen = "".join(traceback.format_exception(outcome)) + repr(outcome) + repr(vars(outcome))
        assert CANARY not in seen
    else:
        # Accepted: then the word was shaped like a pseudonym, in a field for pseudonyms.
        for name in SCHEMA.fields(topic):
            value = getattr(outcome, name)
            assert not isinstance(value, str) or " " not in value


def decide(topic, record):
    try:
        return SCHEMA.decoder(topic)(record)
    except Refused as refused:
        return refused


def test_refusing_logs_nothing(caplog):
    caplog.set_level(logging.DEBUG)
    for value in (b"\xff", b"{}", b'{"a": "b"}', b"[" * 10_000):
        try:
            SCHEMA.decoder("activity")(raw(value))
        except Refused:
            continue
    assert caplog.text == ""
