"""The same-job and accounts-scale: engines side by side on one broker, each pinned to one core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.bench.engine import Engine
from streams.bench.measure import Measurement, measure
from streams.bench.progress import rate_between
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import Stream


def result_of(job: str, measurement: Measurement, *, phase: str | None = None) -> Result:
    """The whole run from its first commit to its last; `cold` and `warm` are parts of it.

    `warm` is the second half, `cold` the first quarter (2M of the JVM's 8M by default).
    """
    total = measurement.stream.signals
    low, high = {"cold": (0, total // 4), "warm": (total // 2, total)}.get(phase or "", (0, total))
    rate = rate_between(measurement.samples, low, high)
    return Result(
        job=job,
        engine=measurement.engine,
        phase=phase,
        signals=rate.signals,
        accounts=measurement.stream.accounts,
        signals_per_s=rate.per_s,
        signals_per_cpu_s=rate.per_cpu_s,
        rss_mb=measurement.rss_mb,
    )


def same_job(
    brokers: str, sizes: Sizes, core: int, *, vigil: Engine, faust: Engine, jvm: Engine | None
) -> Iterator[Result]:
    """Vigil, stock Faust and, if there is a JVM, Kafka Streams cold and warm."""
    job = "same-job"
    stream = Stream(sizes.signals, sizes.accounts)
    yield result_of(job, measure(brokers, vigil, stream, core))
    # Stock Faust does a few thousand a second: fewer signals, and as many per account.
    few = Stream(sizes.faust_signals, max(1, sizes.faust_signals * sizes.accounts // sizes.signals))
    yield result_of(job, measure(brokers, faust, few, core))
    if jvm is not None:
        longer = Stream(sizes.jvm_signals, sizes.accounts)
        run = measure(brokers, jvm, longer, core)
        for phase in ("cold", "warm"):
            yield result_of(job, run, phase=phase)


def accounts_scale(
    brokers: str, sizes: Sizes, core: int, *, vigil: Engine, accounts: Sequence[int]
) -> Iterator[Result]:
    """The same signals over ten thousand, a hundred thousand, a million accounts."""
    for number in accounts:
        run = measure(brokers, vigil, Stream(sizes.signals, number), core)
        yield result_of("accounts-scale", run)
