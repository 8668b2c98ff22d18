"""The agents job: what the accounts agent and the entities agent each do per CPU-second, alone.

The accounts agent reads a simulation and tells whom accounts meet; the entities agent then reads
what it told. All is written and committed as in `vigil run`, only that nobody listens meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.agents.meetings import SIGNALS
from streams.bench import product
from streams.bench.committed import read_committed
from streams.bench.engine import Run, WrongResult
from streams.bench.measure import STALLED_S, fresh_run, say
from streams.bench.progress import rate_between, watch
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import Stream
from streams.bench.vigil_engine import FileProgress, progress_file, start_agent
from streams.patterns.pattern import ACCOUNTS, ENTITIES


def agents(brokers: str, sizes: Sizes, core: int) -> Iterator[Result]:
    """Signals per CPU-second of the accounts agent, entity-signals of the entities agent."""
    signals, accounts = sizes.catalogue_signals, sizes.accounts
    with fresh_run(brokers, "agents", Stream(signals, accounts), core) as run:
        loaded = product.preload_simulated(run, "agents")
        yield _alone(run, ACCOUNTS, loaded)
        told = _count(run, SIGNALS)
        say(f"agents: {told / loaded:.3f} entity-signals a signal")
        yield _alone(run, ENTITIES, told)
        if not _count(run, "entities-state"):
            raise WrongResult("agents: the entities agent has committed no state")


def _alone(run: Run, agent: str, inputs: int) -> Result:
    """Run one agent over all of its `inputs`."""
    say(f"agents: running {agent} over {inputs:,}")
    progress = FileProgress(progress_file(run, agent))
    with start_agent(run, agent) as process:
        samples = watch(progress, process, until=inputs, stalled_s=STALLED_S)
    rate = rate_between(samples, 0, inputs)
    return Result(
        job="agents",
        engine="vigil",
        phase=agent,
        signals=rate.signals,
        accounts=run.stream.accounts,
        signals_per_s=rate.per_s,
        signals_per_cpu_s=rate.per_cpu_s,
        rss_mb=max(sample.rss_mb for sample in samples),
    )


def _count(run: Run, topic: str) -> int:
    return read_committed(run.brokers, run.prefix + topic, lambda *_: None)
