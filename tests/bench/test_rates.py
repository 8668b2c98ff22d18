"""What the samples of a run come to."""

import pytest

from streams.bench.progress import Sample, rate_between
from streams.bench.worker_process import parse_cpu_seconds


def sample(wall_s, cpu_s, handled, committed):
    return Sample(wall_s=wall_s, cpu_s=cpu_s, handled=handled, committed=committed, rss_mb=1.0)


RUN = [
    sample(0.0, 0.9, 0, 0),
    sample(1.0, 1.0, 100, 0),
    sample(2.0, 2.0, 300, 100),
    sample(3.0, 3.0, 600, 400),
    sample(4.0, 4.0, 1000, 900),
    sample(5.0, 4.1, 1000, 1000),
]


def test_start_up_is_not_measured():
    rate = rate_between(RUN, 0, 1000)
    assert (rate.signals, rate.wall_s) == (900, 4.0)
    assert rate.per_s == pytest.approx(225)
    assert rate.per_cpu_s == pytest.approx(900 / 3.1)


def test_what_is_handled_but_not_committed_when_the_window_opens_is_not_counted_in_it():
    assert rate_between(RUN, 300, 1000).signals == 700


def test_the_window_closes_only_with_the_commit():
    assert rate_between(RUN, 0, 1000).wall_s > 3.0


def test_a_run_that_never_got_there_has_no_rate():
    with pytest.raises(ValueError, match="don't span"):
        rate_between(RUN[:-1], 0, 1000)


def test_a_stretch_too_short_for_the_kernels_clock_has_no_rate():
    with pytest.raises(ValueError, match="too few"):
        rate_between([sample(0.0, 1.0, 1, 1), sample(0.1, 1.1, 900, 900)], 0, 900)


def test_cpu_counts_user_and_system_time_whatever_the_process_is_called():
    stat = "7 (a (b) 1 2) S 1 7 7 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 3 0 100 1 1"
    assert parse_cpu_seconds(stat) == pytest.approx(3.0)
