"""idle and scrape: what a worker costs that has nothing to do, and how long `/metrics` takes of one that has all to do."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import closing

from streams.admin import create
from streams.bench import product
from streams.bench.catalogue import METRICS_ADDRESS, parse_handled
from streams.bench.engine import Run
from streams.bench.load import percentile
from streams.bench.measure import STALLED_S, fresh_run, say
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import Stream
from streams.bench.worker_process import WorkerProcess
from streams.topics import DEFAULT_PARTITIONS

IDLE_SCRAPE_EVERY_S = 15.0
"""As the shipped Prometheus does."""
SCRAPE_EVERY_S = 0.25
SETTLED_S = 15.0
START_S = 60.0
_POLL_S = 0.1
_TIMEOUT_S = 10.0
_RUNNING = re.compile(r'^vigil_partitions\{state="running"\} (\S+)$', re.MULTILINE)


class Scraper:
    """What Prometheus is to a worker: one connection, kept open. Raises `TimeoutError`."""

    def __init__(self, run: Run, process: WorkerProcess) -> None:
        deadline = time.monotonic() + START_S
        while not (found := METRICS_ADDRESS.search(product.log_of(run).read_text("utf-8"))):
            process.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker serves no metrics after {START_S:.0f} s")
            time.sleep(_POLL_S)
        self._client = http.client.HTTPConnection(found[0].split("/")[2], timeout=_TIMEOUT_S)

    def scrape(self) -> tuple[str, float]:
        """The text, and the milliseconds from the question to the last byte of the answer."""
        began = time.perf_counter()
        self._client.request("GET", "/metrics")
        text = self._client.getresponse().read().decode()
        return text, (time.perf_counter() - began) * 1000

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def idle(brokers: str, sizes: Sizes, core: int) -> Iterator[Result]:
    """CPU and memory of a worker on which nothing comes in, with the default number of partitions."""
    with fresh_run(brokers, "idle", Stream(0, 0), core) as run:
        create({"bootstrap_servers": brokers}, prefix=run.prefix, partitions=DEFAULT_PARTITIONS)
        with product.start_worker(run) as process, closing(Scraper(run, process)) as scraper:
            _wait_until_running(scraper, process)
            say(f"idle: settling for {SETTLED_S:.0f} s, watching for {sizes.idle_s} s")
            time.sleep(SETTLED_S)
            began, used_s = time.monotonic(), process.cpu_seconds()
            while (left_s := began + sizes.idle_s - time.monotonic()) > 0:
                scraper.scrape()
                time.sleep(min(left_s, IDLE_SCRAPE_EVERY_S))
            seconds = time.monotonic() - began
            yield Result(
                job="idle",
                engine="vigil",
                cpu_percent=(process.cpu_seconds() - used_s) / seconds * 100,
                rss_mb=process.rss_mb(),
                patterns=product.number_of_patterns(),
            )


def scrape(brokers: str, sizes: Sizes, core: int) -> Iterator[Result]:
    """How long `/metrics` takes while a worker works through a backlog as fast as it can."""
    signals, accounts = sizes.catalogue_signals, sizes.accounts
    with fresh_run(brokers, "scrape", Stream(signals, accounts), core) as run:
        loaded = product.preload_simulated(run, "scrape")
        say("scrape: running")
        with product.start_worker(run) as process, closing(Scraper(run, process)) as scraper:
            took_ms = list(_while_loaded(scraper, process, loaded))
        if not took_ms:
            raise ValueError(f"{loaded} signals were handled before the second scrape: too few")
        ordered = sorted(took_ms)
        yield Result(
            job="scrape",
            engine="vigil",
            signals=loaded,
            accounts=accounts,
            p50_ms=percentile(ordered, 0.5),
            p90_ms=percentile(ordered, 0.9),
            p99_ms=percentile(ordered, 0.99),
            scrapes=len(ordered),
            patterns=product.number_of_patterns(),
        )


def _while_loaded(scraper: Scraper, process: WorkerProcess, loaded: int) -> Iterator[float]:
    """How long each scrape took, from the first handled signal to the last but one scrape."""
    moved_s, handled = time.monotonic(), 0
    while handled < loaded:
        process.check()
        time.sleep(SCRAPE_EVERY_S)
        text, ms = scraper.scrape()
        before, handled = handled, parse_handled(text)
        if 0 < before < handled < loaded:
            yield ms
        if handled > before:
            moved_s = time.monotonic()
        elif time.monotonic() - moved_s > STALLED_S:
            raise TimeoutError(f"nothing handled for {STALLED_S:.0f} s at {handled} of {loaded}")


def _wait_until_running(scraper: Scraper, process: WorkerProcess) -> None:
    deadline = time.monotonic() + START_S
    while not _running(scraper.scrape()[0]):
        process.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"no partition runs after {START_S:.0f} s")
        time.sleep(_POLL_S)


def _running(metrics: str) -> float:
    found = _RUNNING.search(metrics)
    return float(found[1]) if found else 0.0
