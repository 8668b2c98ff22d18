"""The lines and the table that come out, and what may be asked for."""

import io
import json

import pytest
from rich.console import Console

from streams.bench.__main__ import JOBS, UNLESS_TOLD, chosen_jobs, half_of_maximum
from streams.bench.catalogue import parse_handled
from streams.bench.load import percentile
from streams.bench.restore import parse_restored
from streams.bench.results import TABLE_WIDTH, Result, machine, ratio, show, write_lines
from streams.bench.sizes import QUICK, Sizes, read_sizes
from streams.bench.under_load import slope

VIGIL = Result(job="same-job", engine="vigil", signals_per_cpu_s=150_000.0)
FAUST = Result(job="same-job", engine="faust", signals_per_cpu_s=4_000.0)
COLD = Result(job="same-job", engine="kafka-streams", phase="cold", signals_per_cpu_s=100_000.0)
WARM = Result(job="same-job", engine="kafka-streams", phase="warm", signals_per_cpu_s=200_000.0)
ALL = [VIGIL, FAUST, COLD, WARM]


def test_a_line_has_the_contracts_names_and_only_what_was_measured(tmp_path):
    path = tmp_path / "lines.jsonl"
    write_lines(
        path, [Result(job="latency", engine="vigil", accounts=7, p50_ms=1.23456, p99_ms=9.0)]
    )
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "job": "latency",
        "engine": "vigil",
        "accounts": 7,
        "p50_ms": 1.235,
        "p99_ms": 9.0,
    }


def test_ratios_are_per_cpu_second_within_the_same_job():
    assert ratio(VIGIL, ALL, "faust") == "37.50"
    assert ratio(VIGIL, ALL, "kafka-streams", "cold") == "1.50"
    assert ratio(VIGIL, ALL, "kafka-streams", "warm") == "0.75"
    other = Result(job="catalogue", engine="vigil", signals_per_cpu_s=1.0)
    assert ratio(other, ALL, "faust") == ""


def test_the_table_names_the_machine():
    text = io.StringIO()
    show(ALL, Console(file=text, width=TABLE_WIDTH))
    assert "cores" in machine()
    assert "CPython" in text.getvalue()
    assert "150,000" in text.getvalue()
    assert "37.50" in text.getvalue()


def test_jobs_come_from_the_command_line_or_the_variable_and_the_soak_only_when_told():
    assert chosen_jobs([], "") == UNLESS_TOLD
    assert "soak" in JOBS
    assert "soak" not in UNLESS_TOLD
    assert chosen_jobs([], "soak same-job") == ("same-job", "soak")
    assert chosen_jobs(["latency"], "soak") == ("latency",)
    with pytest.raises(ValueError, match="'speed'"):
        chosen_jobs(["speed"], "")


def test_sizes_can_be_set_one_by_one():
    assert read_sizes({}, quick=True) == QUICK
    assert read_sizes({"BENCH_SIGNALS": "5_000"}, quick=False).signals == 5_000
    with pytest.raises(ValueError, match="BENCH_SOAK_S"):
        read_sizes({"BENCH_SOAK_S": "long"}, quick=False)


def test_the_load_is_half_of_what_the_catalogue_reached():
    measured = Result(job="catalogue", engine="vigil", signals_per_s=90_000.0)
    assert half_of_maximum([VIGIL, measured], Sizes()) == 45_000
    assert half_of_maximum([measured], Sizes(latency_rate=7)) == 7


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50.0, 99.0)
    assert percentile([3.0], 0.99) == 3.0


def test_slope():
    assert slope([(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)]) == pytest.approx(2.0)
    assert slope([(1.0, 5.0)]) == 0.0


def test_what_the_workers_say_is_understood():
    assert parse_restored("x\nrestored 250 records in 1.500 s\nrestored 0 records in 0.1 s\n") == [
        (250, 1.5),
        (0, 0.1),
    ]
    metrics = (
        "# HELP vigil_signals_total Records handled.\n"
        'vigil_signals_total{agent="accounts",topic="activity"} 1.5e+06\n'
        'vigil_signals_total{agent="accounts",topic="reviews"} 3.0\n'
        'vigil_signals_total{agent="accounts",topic="account-signals"} 5.0\n'
        'vigil_signals_total{agent="entities",topic="entity-signals"} 7.0\n'
        'vigil_outputs_total{topic="detections"} 9.0\n'
    )
    assert parse_handled(metrics) == 1_500_003
