"""Crowds: who is established, how many it takes, and how little is kept of how many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.crowds import CROWD, ESTABLISHED_S, MEMBERS, REMEMBERED_S, crowd, meet

DAY_S = 86_400


def members(*meetings):
    """From (account, time in s, young) to what is kept."""
    kept = b""
    for account, at_s, young in meetings:
        kept = meet(kept, account, at_s, young=young)
    return kept


def people(count, at_s=DAY_S, *, young=False, name="p"):
    return [(f"{name}{number}", at_s, young) for number in range(count)]


def test_it_takes_ten_established_accounts_exactly():
    assert crowd(members(*people(CROWD - 1)), 2 * DAY_S) == 0
    assert crowd(members(*people(CROWD)), 2 * DAY_S) == CROWD
    assert crowd(members(*people(CROWD - 1), *people(CROWD - 1)), 2 * DAY_S) == 0


def test_at_least_half_must_be_established():
    new = people(CROWD, young=True, name="n")
    assert crowd(members(*people(CROWD), *new), 2 * DAY_S) == CROWD
    assert crowd(members(*people(CROWD), *new, ("n99", DAY_S, True)), 2 * DAY_S) == 0


def test_who_came_young_is_established_after_thirty_days_there():
    kept = members(*people(20, young=True), *people(20, 20 * DAY_S))
    assert crowd(kept, DAY_S + ESTABLISHED_S - 1) == 0
    assert crowd(kept, DAY_S + ESTABLISHED_S) == 20


def test_who_was_not_there_for_thirty_days_counts_no_more():
    kept = members(*people(20), ("p0", 5 * DAY_S, False))
    assert crowd(kept, DAY_S + REMEMBERED_S - 1) == 20
    assert crowd(kept, DAY_S + REMEMBERED_S) == 0


def test_that_an_account_is_young_may_be_known_late():
    kept = members(*people(CROWD), ("p0", DAY_S + 60, True))
    assert crowd(kept, 2 * DAY_S) == 0


def test_of_more_than_are_kept_those_met_last_count():
    old, new = people(MEMBERS), people(MEMBERS, 2 * DAY_S, young=True, name="n")
    kept = members(*old, *new)
    assert len(kept) == MEMBERS * 16
    assert crowd(kept, 3 * DAY_S) == 0
    assert crowd(members(*new, *people(MEMBERS, 2 * DAY_S)), 3 * DAY_S) == MEMBERS


MEETINGS = st.lists(
    st.tuples(st.integers(0, 160), st.integers(1, 60 * DAY_S), st.booleans()), max_size=300
)


@settings(max_examples=100, deadline=None)
@given(MEETINGS)
def test_it_counts_as_somebody_with_the_whole_list_would(meetings):
    meetings = sorted(meetings, key=lambda meeting: meeting[1])
    kept, came, last = b"", {}, {}
    for number, at_s, young in meetings:
        account = f"a{number}"
        kept = meet(kept, account, at_s, young=young)
        came[account] = came.get(account) or (at_s if young else 0)
        last.pop(account, None)
        last[account] = at_s
        for gone in list(last)[:-MEMBERS]:
            del came[gone], last[gone]
    now_s = max((at_s for _, at_s, _ in meetings), default=0)
    recent = [account for account in last if last[account] > now_s - REMEMBERED_S]
    established = sum(
        came[account] == 0 or came[account] <= now_s - ESTABLISHED_S for account in recent
    )
    is_one = established >= CROWD and 2 * established >= len(recent)
    assert crowd(kept, now_s) == (established if is_one else 0)
