"""The product under measurement: real `vigil run` with the shipped patterns on simulated traffic."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from streams.agents.contract import Agent
from streams.agents.team import all_agents
from streams.bench.engine import Run
from streams.bench.measure import create_topics, say
from streams.bench.preload import Record, partition_of, preload
from streams.bench.worker_process import WorkerProcess
from streams.patterns import RuleSet, load_rules
from streams.signals import Schema
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from streams.topics import TABLE, group_id

INPUTS = ("activity", "moderation-hits", "reviews")
SEED = 11
DAYS = 3.0


def topics(prefix: str) -> dict[str, dict[str, str]]:
    """All topics of the table; simulated times lie in the past, and Kafka deletes by time."""
    settings = {}
    for topic in TABLE:
        settings[prefix + topic.name] = dict(topic.config)
        if not topic.compacted:
            settings[prefix + topic.name]["retention.ms"] = "-1"
    return settings


def simulated(
    signals: int, accounts: int, *, campaigns: str = "all"
) -> Iterator[tuple[str, bytes, bytes, int]]:
    """(logical topic, key, value, timestamp ms) of a simulation, in order."""
    wanted = parse_campaigns(campaigns)
    plan = Plan(accounts=accounts, signals=signals, seed=SEED, days=DAYS, wanted=wanted)
    for chunk in Simulation(plan).chunks():
        for order, topic, key, value in chunk:
            yield topic, key.encode(), value.encode(), ts_of(order)


def records(run: Run, lines: Iterator[tuple[str, bytes, bytes, int]]) -> Iterator[Record]:
    """The lines as records of the run's topics, on the partitions their keys belong to."""
    homes: dict[bytes, int] = {}
    for topic, key, value, timestamp in lines:
        home = homes.get(key)
        if home is None:
            home = homes[key] = partition_of(key, run.partitions)
        yield run.prefix + topic, home, timestamp, key, value


def preload_simulated(run: Run, job: str) -> int:
    """Create the run's topics and write a simulation of its size; how many records that is."""
    create_topics(run.brokers, topics(run.prefix))
    signals, accounts = run.stream.signals, run.stream.accounts
    say(f"{job}: preloading {signals:,} simulated signals of {accounts:,} accounts")
    return sum(preload(run.brokers, records(run, simulated(signals, accounts))).values())


def shipped_rules() -> tuple[RuleSet, Schema]:
    """The shipped catalogue and the schema without a schema file, as `vigil run` loads them."""
    schema = Schema.load(None)
    return load_rules(("catalogue",), schema), schema


def number_of_patterns() -> int:
    """How many patterns the shipped catalogue has."""
    return len(shipped_rules()[0].patterns)


def shipped_agents() -> list[Agent]:
    """The agents `vigil run` runs, for the recount in memory."""
    return all_agents(shipped_rules()[0])


def start_worker(run: Run, *, name: str = "bench-1") -> WorkerProcess:
    """Start `vigil run` on a free web port, pinned to the run's core."""
    command = [sys.executable, "-m", "streams.cli", "run", "--brokers", run.brokers]
    command += ["--prefix", run.prefix, "--worker-id", name, "--web", "127.0.0.1:0"]
    return WorkerProcess(command, core=run.core, log=log_of(run))


def log_of(run: Run) -> Path:
    """Where the worker's stderr goes."""
    return run.directory / "vigil-run.log"


def group(run: Run) -> str:
    """The workers' consumer group."""
    return group_id(run.prefix)
