"""``python -m streams.bench [JOB …]``: run benchmarks, write bench-results.jsonl, print a table.

Jobs come from the command line or from ``BENCH``; without either all but the soak test run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from streams.bench.agents import agents
from streams.bench.bench_broker import WORKER_CORE, broker, pin_harness
from streams.bench.catalogue import catalogue
from streams.bench.measure import say
from streams.bench.patterns import patterns
from streams.bench.peers.faust_peer import Faust
from streams.bench.peers.kafka_streams_peer import KafkaStreams
from streams.bench.restore import restore
from streams.bench.results import TABLE_WIDTH, Result, show, write_lines
from streams.bench.same_job import accounts_scale, same_job
from streams.bench.sizes import Sizes, from_environment
from streams.bench.under_load import latency, recovery, soak
from streams.bench.vigil_engine import Vigil
from streams.embedded import KafkaNotStarted, ToolMissing

WITHOUT_KAFKA = ("patterns",)
JOBS = (
    *("same-job", "catalogue", "agents", "accounts-scale", "latency", "recovery", "restore"),
    *WITHOUT_KAFKA,
    "soak",
)
UNLESS_TOLD = tuple(job for job in JOBS if job != "soak")

SCALE = (10_000, 100_000, 1_000_000)
SCALE_QUICK = (1_000, 10_000, 50_000)
FALLBACK_RATE = 40_000
"""Signals/s for the jobs under load when the catalogue wasn't measured: half of its target."""

EXIT_OK, EXIT_PROBLEMS, EXIT_USAGE, EXIT_KAFKA = 0, 1, 2, 3


def chosen_jobs(arguments: Sequence[str], variable: str) -> tuple[str, ...]:
    """The jobs to run, in the order of `JOBS`. Raises `ValueError` naming an unknown one."""
    asked = list(arguments) or variable.split()
    unknown = [job for job in asked if job not in JOBS]
    if unknown:
        raise ValueError(f"no job {unknown[0]!r}; there are: {' '.join(JOBS)}")
    return tuple(job for job in JOBS if job in asked) if asked else UNLESS_TOLD


def half_of_maximum(results: Sequence[Result], sizes: Sizes) -> int:
    """The rate for the jobs under load: as told, or half of what the catalogue job reached."""
    if sizes.latency_rate:
        return sizes.latency_rate
    for result in results:
        if result.job == "catalogue" and result.signals_per_s:
            return int(result.signals_per_s / 2)
    return FALLBACK_RATE


def run_job(
    job: str, brokers: str, sizes: Sizes, results: Sequence[Result], *, quick: bool
) -> Iterator[Result]:
    """One job's results, as they come."""
    core = WORKER_CORE
    rate = half_of_maximum(results, sizes)
    build = Path(".build").absolute() / "bench" / "kafka-streams"
    jvm = KafkaStreams(build) if shutil.which("mvn") and shutil.which("java") else None
    jobs: dict[str, Callable[[], Iterator[Result]]] = {
        "same-job": lambda: same_job(brokers, sizes, core, vigil=Vigil(), faust=Faust(), jvm=jvm),
        "catalogue": lambda: catalogue(brokers, sizes, core),
        "agents": lambda: agents(brokers, sizes, core),
        "accounts-scale": lambda: accounts_scale(
            brokers, sizes, core, vigil=Vigil(), accounts=SCALE_QUICK if quick else SCALE
        ),
        "latency": lambda: latency(brokers, sizes, core, rate),
        "recovery": lambda: recovery(brokers, sizes, core, rate),
        "restore": lambda: restore(brokers, sizes, core),
        "patterns": lambda: patterns(sizes, core),
        "soak": lambda: soak(brokers, sizes, core, rate),
    }
    yield from jobs[job]()


def _broker(jobs: Sequence[str], address: str | None) -> contextlib.AbstractContextManager[str]:
    if set(jobs) <= set(WITHOUT_KAFKA):
        return contextlib.nullcontext("")
    return broker(address)


def main() -> int:
    """Exit code: 0, 1 when a job failed or its result was wrong, 2 wrong use, 3 no Kafka."""
    parser = argparse.ArgumentParser(prog="python -m streams.bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=", ".join(JOBS))
    parser.add_argument("--quick", action="store_true", help="a smoke run: small sizes")
    parser.add_argument("--brokers", help="use this Kafka instead of an embedded one")
    parser.add_argument("--out", type=Path, default=Path("bench-results.jsonl"))
    asked = parser.parse_args()
    try:
        jobs = chosen_jobs(asked.jobs, os.environ.get("BENCH", ""))
        sizes = from_environment(quick=asked.quick)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    pin_harness()
    results: list[Result] = []
    failed = False
    began = time.monotonic()
    try:
        with _broker(jobs, asked.brokers) as brokers:
            for job in jobs:
                say(f"=== {job}")
                try:
                    for result in run_job(job, brokers, sizes, results, quick=asked.quick):
                        results.append(result)
                        say(result.as_line())
                        write_lines(asked.out, results)
                except Exception as error:  # noqa: BLE001 - a job that fails must not end the others
                    say(f"{job} failed: {type(error).__name__}: {error}")
                    failed = True
    except (KafkaNotStarted, ToolMissing) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_KAFKA
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    show(results, console)
    say(f"{time.monotonic() - began:.0f} s; lines in {asked.out}")
    return EXIT_PROBLEMS if failed else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
