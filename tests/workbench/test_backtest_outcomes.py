"""Which word of a reviewer belongs to which find, and what it is worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.workbench.backtest.finds import Find, Finds
from streams.workbench.backtest.outcomes import Known, Precision, Review, known_outcomes
from streams.workbench.backtest.pairing import Likeness, pair
from tests.patterns.driving import DAY, correlation, load

LIKE = {"p": Likeness(1_000, grouped=True)}


@pytest.fixture
def made(tmp_path):
    ruleset = load(tmp_path, correlation("type: event_count\nrules: [hit]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 1}"))  # fmt: skip

    def make(*finds: Find) -> Finds:
        side = Finds(ruleset)
        for find in finds:
            side.by_id[find.id] = find
            if find.action:
                side.decisions[f"e-{find.id}"] = find.id
        return side

    return make


def find(id_: str, at: int = 0, account: str = "a1", action: str | None = "warn") -> Find:
    return Find(id_, "p", account, "", at, live=True, action=action)


def outcomes(reviews, old, new):
    pairs = pair(old.by_id.values(), new.by_id.values(), LIKE)
    return known_outcomes(reviews, old, new, pairs)


def test_a_review_may_name_the_detection_or_what_was_done_about_it(made):
    side = made(find("d1"), find("d2", 5_000))
    reviews = [Review("a1", "d1", True, 9), Review("a1", "e-d2", False, 9)]
    old, new = outcomes(reviews, side, made())
    assert old == {"d1": Known(True, False), "d2": Known(False, False)}
    assert new == {}


def test_both_of_a_pair_have_the_outcome_of_one(made):
    old, new = outcomes([Review("a1", "e-d1", False, 9)], made(find("d1")), made(find("n1", 500)))
    assert old == {"d1": Known(False, False)}
    assert new == {"n1": Known(False, False)}


def test_of_several_words_the_latest_counts(made):
    reviews = [Review("a1", "d1", False, 20), Review("a1", "e-d1", True, 10)]
    old, _ = outcomes(reviews, made(find("d1")), made())
    assert old == {"d1": Known(False, False)}


def test_a_review_of_another_accounts_decision_is_none(made):
    old, _ = outcomes([Review("a2", "d1", False, 9)], made(find("d1")), made())
    assert old == {}


def test_a_decision_nobody_here_made_speaks_of_the_accounts_finds_of_the_month_before(made):
    side = made(
        find("before"), find("after", 9 * DAY), find("long ago", -40 * DAY), find("other", 0, "a2"),
        find("own", 1 * DAY),
    )  # fmt: skip
    reviews = [Review("a1", "elsewhere", True, 2 * DAY), Review("a1", "own", False, 3 * DAY)]
    old, _ = outcomes(reviews, side, made())
    assert old == {"before": Known(True, True), "own": Known(False, False)}


@pytest.mark.parametrize(
    ("upheld", "overturned", "low", "high"),
    [(8, 2, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 0, 0.7225, 1.0), (1, 0, 0.2065, 1.0)],
)
def test_wilsons_interval_has_its_published_values(upheld, overturned, low, high):
    assert Precision(upheld, overturned).interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_interval_lies_between_0_and_1_around_the_share(upheld, overturned):
    known = Precision(upheld, overturned)
    if known.n:
        low, high = known.interval
        assert 0 <= low <= known.share <= high <= 1


TIMES = st.lists(st.integers(0, 20_000), max_size=12)


@given(TIMES, TIMES)
def test_every_find_is_kept_lost_or_gained_once_and_pairs_are_near(old, new):
    before = [find(f"o{n}", at) for n, at in enumerate(old)]
    after = [find(f"n{n}", at) for n, at in enumerate(new)]
    pairs = pair(before, after, LIKE)
    assert sorted(one.id for one in (*(b for b, _ in pairs.both), *pairs.lost)) == sorted(
        one.id for one in before
    )
    assert sorted(one.id for one in (*(a for _, a in pairs.both), *pairs.gained)) == sorted(
        one.id for one in after
    )
    assert all(abs(one.at - other.at) <= 1_000 for one, other in pairs.both)
    for lost in pairs.lost:
        unpaired = [gained for gained in pairs.gained if abs(gained.at - lost.at) <= 1_000]
        assert not unpaired, "two that could have been paired were left over"


def test_where_the_grouping_changed_the_group_is_not_compared():
    before = [Find("o", "p", "a1", "d1", 0, live=True)]
    after = [Find("n", "p", "a1", "", 0, live=True)]
    assert len(pair(before, after, {"p": Likeness(0, grouped=False)}).both) == 1
    assert pair(before, after, LIKE).both == []


def test_finds_of_a_pattern_only_one_side_has_are_lost_or_gained():
    pairs = pair([find("o")], [find("n")], {})
    assert (len(pairs.lost), len(pairs.gained), pairs.both) == (1, 1, [])
