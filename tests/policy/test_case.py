"""What is remembered of an account, how it is stored, and how it is forgotten."""

from __future__ import annotations

import itertools

import msgspec

from streams.policy import REMEMBERED_MS, Action, Effects, Status, VerdictKind, erase, notice
from tests.policy.desk import DAY, HOUR, START, Desk

NOTHING = Effects()
KINDS = tuple(VerdictKind)


def test_an_erasure_tells_the_end_of_what_would_have_ended():
    desk = Desk()
    desk.act("warn")
    ending = desk.later(DAY).act("restrict")
    over = desk.later(DAY).act("restrict", "fraud")
    desk.settle(over, "expired")
    desk.later(DAY).decide("restrict", "hate")
    assert erase(desk.case) == (ending.id,)


def test_after_an_erasure_verdicts_and_reviews_find_nothing():
    desk = Desk()
    action = desk.act("restrict")
    empty = Desk()
    for kind in KINDS:
        assert empty.settle(action, kind) == NOTHING
    assert empty.review(action.id, "overturned") == NOTHING


def test_records_are_stored_as_they_are_and_stay_small():
    desk = Desk()
    notice(desk.policy, desk.case.account, "credentials.changed", START, "minor")
    desk.act("restrict", harm="csam", end_user="u" * 36, content_ref="c" * 36)
    for record in (desk.case.account, *desk.case.actions.values()):
        encoded = msgspec.msgpack.encode(record)
        assert msgspec.msgpack.decode(encoded, type=type(record)) == record
        assert len(encoded) < 350
    assert len(msgspec.msgpack.encode(type(desk.case.account)())) < 10


def test_an_action_is_remembered_for_400_days_and_never_forgotten_before_it_ends():
    action = Action("i", "suspend", "spam", "p", "v", "high", START, Status.GRANTED, ("d",))
    assert action.forget_at == START + REMEMBERED_MS
    action.expires_at = START + 2 * REMEMBERED_MS
    assert action.forget_at == action.expires_at


def test_each_decision_and_verdict_has_a_moment_of_its_own_even_when_time_goes_back():
    desk = Desk()
    moments = []
    for step in (0, 0, -HOUR, 0, 5):
        desk.later(step)
        moments.append(desk.decide("restrict", end_user=f"u{len(moments)}").moment)
        action = list(desk.case.actions.values())[-1]
        desk.grant(action)
        moments.append(action.granted_at)
    assert all(a < b for a, b in itertools.pairwise(moments))
