"""`vigil run`: one worker."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli import options

if TYPE_CHECKING:
    from streams.agents.contract import Agent
    from streams.engine.kafka.worker import Worker
    from streams.metrics import Metrics
    from streams.patterns import RuleSet

STUCK_S = 15.0


@click.command("run")
@options.brokers
@options.worker_id
@click.option(
    "--rules",
    metavar="DIR",
    multiple=True,
    default=("catalogue",),
    help="Rule directory; the word catalogue is the shipped one. May be repeated.",
)
@options.schema
@options.prefix
@click.option(
    "--web",
    metavar="H:P",
    default="127.0.0.1:8321",
    show_default=True,
    help="Where /livez, /readyz and /metrics listen.",
)
@click.option("--session-timeout-s", type=click.FloatRange(1.0, 10.0), default=10.0,
              help="How long the group waits for this worker when it is gone.")  # fmt: skip
def run_command(
    brokers: str,
    worker_id: str,
    rules: tuple[str, ...],
    schema: Path | None,
    prefix: str,
    web: str,
    session_timeout_s: float,
) -> None:
    """Run one worker with all agents until SIGTERM or Ctrl-C.

    Start as many as there are partitions, each with a name of its own; they share the work. What
    was decided is committed together with the place in the input, so that a worker may be killed
    at any time.

    \b
    vigil topics create --brokers 127.0.0.1:9092
    vigil run --brokers 127.0.0.1:9092 --worker-id w1
    vigil run --brokers 127.0.0.1:9092 --worker-id w2 --web 127.0.0.1:8322
    """
    from streams.admin import require
    from streams.agents.accounts import accounts_agent
    from streams.engine.kafka.worker import run_process
    from streams.patterns import load_rules
    from streams.signals import Schema

    known = Schema.load(schema)
    ruleset = load_rules(rules, known)
    for warning in ruleset.warnings:
        sys.stderr.write(f"{warning}\n")
    connection = options.connection(brokers)
    partitions = require(connection, prefix=prefix)
    agents = [accounts_agent(ruleset, known)]
    run_process(
        _work(
            agents,
            _metrics(agents, ruleset),
            web=web,
            settings={
                "brokers": brokers,
                "connection": connection,
                "worker_id": worker_id,
                "partitions": partitions,
                "prefix": prefix,
                "session_timeout_s": session_timeout_s,
            },
        )
    )


async def _work(
    agents: list[Agent], metrics: Metrics, *, web: str, settings: dict[str, object]
) -> int:
    from streams.engine.kafka.worker import Worker, WorkerSettings
    from streams.web import Web

    worker = Worker(WorkerSettings(**settings), agents, metrics)  # type: ignore[arg-type]
    with Web(
        web, alive=lambda: _alive(worker), ready=lambda: _ready(worker), metrics=metrics.text
    ) as server:
        sys.stderr.write(f"worker {settings['worker_id']}: http://{server.address}/metrics\n")
        return await worker.run()


def _metrics(agents: list[Agent], ruleset: RuleSet) -> Metrics:
    from streams.metrics import Loaded, Metrics

    metrics = Metrics({agent.name: agent.inputs for agent in agents})
    metrics.loaded(
        ruleset.hash,
        [Loaded(p.id, p.title, p.version, p.mode, p.severity, p.block.harm or "")
         for p in ruleset.patterns],
    )  # fmt: skip
    return metrics


def _alive(worker: Worker) -> str:
    still = time.monotonic() - worker.beat
    return f"the loop has not turned for {still:.0f} s" if still > STUCK_S else ""


def _ready(worker: Worker) -> str:
    return "" if worker.ready else "not joined yet, or reading state back"
