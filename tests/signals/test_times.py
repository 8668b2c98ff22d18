from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.signals.times import MAX_MS, a_year_after, datetime_to_ms, format_ms, parse_ms


@given(st.integers(0, MAX_MS))
def test_what_is_written_reads_back_the_same(ms):
    assert parse_ms(format_ms(ms)) == ms
    assert parse_ms(ms) == ms


@given(st.integers(-(2**63), 2**63 - 1))
def test_writing_a_time_never_fails(ms):
    assert parse_ms(format_ms(ms)) == min(max(ms, 0), MAX_MS)


@given(
    st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_offsets_are_taken_into_account_and_fractions_cut_off(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    exact = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert datetime_to_ms(moment) == exact // timedelta(milliseconds=1)
    assert parse_ms(moment.isoformat()) == datetime_to_ms(moment)


def test_the_form_is_rfc_3339_with_three_digits_and_z():
    assert format_ms(1_790_000_000_007) == "2026-09-21T14:13:20.007Z"
    assert format_ms(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("value", [None, True, 1.0, "12", [], "2026-01-01T00:00:00", -1, 2**80])
def test_what_is_no_time_is_a_value_error_that_quotes_nothing(value):
    with pytest.raises(ValueError, match="not a time: use RFC 3339") as caught:
        parse_ms(value)
    assert str(value) not in str(caught.value).replace("1970 to 9999", "")


@pytest.mark.parametrize(
    ("day", "later"),
    [
        ("2026-11-24T15:00:00.001Z", "2027-11-24T15:00:00.001Z"),
        ("2027-11-24T15:00:00.000Z", "2028-11-24T15:00:00.000Z"),
        ("2028-02-29T23:59:59.999Z", "2029-03-01T23:59:59.999Z"),
        ("9999-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_year_after_is_the_same_date_of_the_next_year(day, later):
    assert format_ms(a_year_after(parse_ms(day))) == later
