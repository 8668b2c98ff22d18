"""Signs of a takeover and suspected ages, against remembering every one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.policy import REMEMBERED_MS, AccountCase, load, notice, taken_over
from streams.policy.victims import MOST_SPANS, suspected_minor
from tests.policy.desk import DAY, HOUR, START

POLICY = load()
WINDOW = POLICY.takeover.window
SIGN = "credentials.changed"
# Where windows just touch, and just don't.
EDGES = [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 1, 2 * WINDOW, 2 * WINDOW + 1]
MOMENTS = st.builds(
    lambda many, edge, sign: START + many * WINDOW + sign * edge,
    st.integers(-8, 8), st.sampled_from(EDGES), st.sampled_from([-1, 1]),
)  # fmt: skip


@given(st.lists(MOMENTS, max_size=12), st.lists(MOMENTS, min_size=1, max_size=6))
@example([START, START + 2 * WINDOW + 2], [START + WINDOW + 1])
@settings(max_examples=500, deadline=None)
def test_a_takeover_is_suspected_exactly_within_the_window_of_any_sign(signs, acts):
    account = AccountCase()
    for at in signs:
        notice(POLICY, account, SIGN, at)
    for act in acts:
        expected = any(abs(act - at) <= WINDOW for at in signs)
        assert taken_over(POLICY, account, act) == expected
    assert account.signs == sorted(account.signs)


@given(st.lists(MOMENTS, min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_order_of_signs_doesn_t_matter_and_a_repeated_one_changes_nothing(signs):
    one, other = AccountCase(), AccountCase()
    for at in signs:
        notice(POLICY, one, SIGN, at)
    for at in reversed(signs):
        notice(POLICY, other, SIGN, at)
    assert one.signs == other.signs
    assert not any(notice(POLICY, one, SIGN, at) for at in signs)


def test_only_signs_are_signs():
    account = AccountCase()
    assert not notice(POLICY, account, "login.failed", START)
    assert not taken_over(POLICY, account, START)


def test_a_sign_every_few_minutes_is_one_span_and_scattered_ones_are_bounded():
    account = AccountCase()
    for number in range(5000):
        notice(POLICY, account, SIGN, START + number * 300_000)
    assert len(account.signs) == 1
    for number in range(100):
        notice(POLICY, account, SIGN, START + number * 7 * DAY)
    assert len(account.signs) == MOST_SPANS
    assert taken_over(POLICY, account, START + 99 * 7 * DAY)
    assert not taken_over(POLICY, account, START)


def test_signs_are_forgotten_with_everything_else():
    account = AccountCase()
    notice(POLICY, account, SIGN, START)
    notice(POLICY, account, SIGN, START + REMEMBERED_MS)
    assert account.signs == [(START + REMEMBERED_MS, START + REMEMBERED_MS)]


def test_a_shorter_window_in_a_new_policy_counts_at_once():
    account = AccountCase()
    notice(POLICY, account, SIGN, START)
    shorter = replace(POLICY, takeover=replace(POLICY.takeover, window=HOUR))
    assert taken_over(POLICY, account, START + 2 * HOUR)
    assert not taken_over(shorter, account, START + 2 * HOUR)


def test_only_what_has_to_be_remembered_of_an_age_changes_the_record():
    account = AccountCase()
    for band in ("adult", "unknown", None):
        assert not notice(POLICY, account, "login.succeeded", START, band)
    assert notice(POLICY, account, "login.succeeded", START, "teen")
    assert not notice(POLICY, account, "login.succeeded", START + 1, "teen")
    assert not notice(POLICY, account, "login.succeeded", START + 2, "unknown")
    assert suspected_minor(POLICY, account, None, None)
    assert notice(POLICY, account, "account.age_signal", START + 3, "adult")
    assert not suspected_minor(POLICY, account, None, None)


def test_an_age_that_comes_late_doesn_t_replace_a_newer_one():
    account = AccountCase()
    notice(POLICY, account, "account.age_signal", START, "minor")
    assert not notice(POLICY, account, "account.age_signal", START - 1, "adult")
    assert suspected_minor(POLICY, account, None, None)


def test_what_the_signal_says_of_the_person_counts_whatever_is_known_of_the_account():
    account = AccountCase()
    assert suspected_minor(POLICY, account, None, "minor")
    assert suspected_minor(POLICY, account, "u1", "teen")
    assert not suspected_minor(POLICY, account, None, "adult")
