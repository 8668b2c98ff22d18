"""latency, recovery and soak: a worker under a steady load, watched from outside."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from streams.bench import product
from streams.bench.engine import Run, WrongResult
from streams.bench.load import Probes, feed, listen, percentile, ticks
from streams.bench.measure import create_topics, fresh_run, say
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import Stream
from streams.bench.worker_process import WorkerProcess

WARM_UP_S = 5.0
DRAIN_S = 30.0
READY_S = 60.0
SOAK_PROBE_EVERY_TICKS = 500
_POLL_S = 0.05

OnTick = Callable[[float], Awaitable[None]]
"""Called after each tick with the seconds since the load began."""


class _Load:
    """A worker, a load with probes, a reader; `worker` may be exchanged while it runs."""

    def __init__(self, run: Run, rate: int, seconds: float, *, every_ticks: int = 1) -> None:
        self.run = run
        self.probes = Probes(every_ticks=every_ticks)
        self.began = 0.0
        create_topics(run.brokers, product.topics(run.prefix))
        say(f"making {seconds:.0f} s of traffic, {rate:,} signals/s")
        self._ticks = ticks(run, rate, seconds)
        self.worker: WorkerProcess = product.start_worker(run)

    async def go(self, on_tick: OnTick) -> None:
        """Run the load to its end, then wait until every probe is answered.

        Raises `WrongResult` for a probe that stays without answer, or an output doubled.
        """
        reader = asyncio.create_task(listen(self.run, self.probes))
        try:
            await self._warm()
            self.began = time.time()
            async for _ in feed(self.run, self._ticks, self.probes):
                self.worker.check()
                await on_tick(time.time() - self.began)
            deadline = time.monotonic() + DRAIN_S
            while self.probes.unanswered() and time.monotonic() < deadline:  # noqa: ASYNC110 - with a deadline
                await asyncio.sleep(_POLL_S)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
            self.worker.stop()
        if self.probes.unanswered() or self.probes.doubled:
            raise WrongResult(
                f"{self.probes.unanswered()} of {len(self.probes.sent)} probes have no detection or no "
                f"decision after {DRAIN_S:.0f} s, {self.probes.doubled} outputs are doubled"
            )

    async def _warm(self) -> None:
        """Wait until the worker answers a probe: started, joined, restored."""
        first = Probes(label="-first")
        reader = asyncio.create_task(listen(self.run, first))
        try:
            deadline = time.monotonic() + READY_S
            async for _ in feed(self.run, [{}], first):
                pass
            while first.unanswered():
                self.worker.check()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the worker answered no probe within {READY_S:.0f} s")
                await asyncio.sleep(_POLL_S)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader


def latency(brokers: str, sizes: Sizes, core: int, rate: int) -> Iterator[Result]:
    """Hit → committed detection, and → the governor's word, at `rate` signals/s."""
    seconds = WARM_UP_S + sizes.latency_s
    with fresh_run(brokers, "latency", Stream(0, sizes.accounts), core) as run:
        load = _Load(run, rate, seconds)

        async def nothing(_elapsed_s: float) -> None:
            return

        asyncio.run(load.go(nothing))
        for kind, decided in itertools.product(("ordinary", "urgent"), (False, True)):
            found = load.probes.latencies_ms(kind, load.began + WARM_UP_S, decided=decided)
            yield Result(
                job="latency",
                engine="vigil",
                phase=f"{kind}, decided" if decided else kind,
                signals=len(found),
                accounts=sizes.accounts,
                signals_per_s=rate,
                p50_ms=percentile(found, 0.5),
                p99_ms=percentile(found, 0.99),
            )


def recovery(brokers: str, sizes: Sizes, core: int, rate: int) -> Iterator[Result]:
    """After kill -9 under load, and a start of the same name at once: seconds to the first new detection."""
    seconds = sizes.recovery_s + 20.0
    with fresh_run(brokers, "recovery", Stream(0, sizes.accounts), core) as run:
        load = _Load(run, rate, seconds)
        killed: list[float] = []

        async def kill(elapsed_s: float) -> None:
            if elapsed_s >= sizes.recovery_s and not killed:
                load.worker.kill()
                killed.append(time.time())
                load.worker = product.start_worker(run)

        asyncio.run(load.go(kill))
        # New: asked for after the kill, so that nothing committed before it can be taken for it.
        after = [
            seen for probe, seen in load.probes.seen.items() if load.probes.sent[probe] >= killed[0]
        ]
        yield Result(
            job="recovery",
            engine="vigil",
            accounts=sizes.accounts,
            signals_per_s=rate,
            recovery_s=min(after) - killed[0],
        )


def soak(brokers: str, sizes: Sizes, core: int, rate: int) -> Iterator[Result]:
    """Whether resident memory stays flat: the slope over the last four fifths of the time.

    Probes are few, since each is an account more to remember.
    """
    seconds = float(sizes.soak_s)
    with fresh_run(brokers, "soak", Stream(0, sizes.accounts), core) as run:
        load = _Load(run, rate, seconds, every_ticks=SOAK_PROBE_EVERY_TICKS)
        curve: list[tuple[float, float]] = []

        async def look(elapsed_s: float) -> None:
            if not curve or elapsed_s - curve[-1][0] >= 1.0:
                curve.append((elapsed_s, load.worker.rss_mb()))

        asyncio.run(load.go(look))
        settled = [point for point in curve if point[0] >= seconds / 5]
        say("RSS MB: " + " ".join(f"{mb:.0f}" for _, mb in curve[:: max(1, len(curve) // 30)]))
        yield Result(
            job="soak",
            engine="vigil",
            accounts=sizes.accounts,
            signals_per_s=rate,
            rss_mb=max(mb for _, mb in curve),
            rss_mb_per_min=slope(settled) * 60,
        )


def slope(points: list[tuple[float, float]]) -> float:
    """The least-squares slope of y over x."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
