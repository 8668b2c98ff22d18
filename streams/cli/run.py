"""`vigil run`: one worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from streams.cli import options

if TYPE_CHECKING:
    from streams.engine.kafka.worker import Worker
    from streams.patterns import RuleSet
    from streams.rules.follow import Follower

STUCK_S = 15.0


@click.command("run")
@options.brokers
@options.worker_id
@click.option(
    "--rules",
    metavar="DIR",
    multiple=True,
    default=("catalogue",),
    help="Rule directory; the word catalogue is the shipped one. May be repeated. Not to be given"
    " once a set has been published (vigil rules).",
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
@click.pass_context
def run_command(
    context: click.Context,
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
    at any time. Workers run the rule set that was published last (vigil rules), and switch to
    another while they run; until there is one, that of --rules.

    \b
    vigil topics create --brokers 127.0.0.1:9092
    vigil run --brokers 127.0.0.1:9092 --worker-id w1
    vigil run --brokers 127.0.0.1:9092 --worker-id w2 --web 127.0.0.1:8322
    """
    from streams.admin import require
    from streams.engine.kafka.worker import run_process
    from streams.patterns import load_rules
    from streams.rules.follow import Follower
    from streams.signals import Schema

    # Until the worker listens to it itself: nothing has been begun that would have to be ended.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    known = Schema.load(schema)
    ruleset = load_rules(rules, known)
    connection = options.connection(brokers)
    partitions = require(connection, prefix=prefix)
    follower = Follower(connection, prefix=prefix, partitions=partitions, schema=known)
    run_process(
        _work(
            follower,
            ruleset,
            given=_given(context, rules),
            web=web,
            settings={
                "connection": connection,
                "worker_id": worker_id,
                "partitions": partitions,
                "prefix": prefix,
                "session_timeout_s": session_timeout_s,
            },
        )
    )


async def _work(
    follower: Follower, local: RuleSet, *, given: str, web: str, settings: Mapping[str, Any]
) -> int:
    """Run with the published rule set, or with the `local` one while there is none.

    `given` says by what means somebody asked for the local one, empty where it is the default.
    """
    try:
        published = await follower.start()
        if published is not None and given:
            raise click.UsageError(
                f"a rule set has been published ({published.hash}), and it wins: take away {given},"
                " or make those rules the current ones with vigil rules publish"
            )
        return await _run(follower, published, local, given=given, web=web, settings=settings)
    except BaseException:
        await follower.close()
        raise


async def _run(
    follower: Follower,
    published: RuleSet | None,
    local: RuleSet,
    *,
    given: str,
    web: str,
    settings: Mapping[str, Any],
) -> int:
    from streams.agents.team import all_agents
    from streams.engine.kafka.worker import Worker, WorkerSettings
    from streams.logs import Event, tell
    from streams.metrics import Metrics
    from streams.rules.in_force import InForce
    from streams.rules.running import PUBLISHED
    from streams.web import Web

    ruleset = published or local
    if published is None:
        for warning in local.warnings:
            tell(Event.RULES_FINDING, ruleset=local.hash, why=str(warning))
    agents = all_agents(ruleset)
    metrics = Metrics({agent.name: agent.inputs for agent in agents})
    worker = Worker(WorkerSettings(**settings), list(map(metrics.counting, agents)), metrics)
    in_force = InForce(
        worker,
        metrics,
        ruleset,
        source=PUBLISHED if published else given or options.CATALOGUE,
        refusal=follower.refusal,
    )
    with Web(
        web, alive=lambda: _alive(worker), ready=lambda: _ready(worker), metrics=metrics.text
    ) as server:
        tell(
            Event.SERVING,
            worker=settings["worker_id"],
            metrics=f"http://{server.address}/metrics",
            ruleset=ruleset.hash,
            patterns=len(ruleset),
        )
        return await worker.run(lambda: follower.follow(in_force))


def _given(context: click.Context, rules: tuple[str, ...]) -> str:
    """By what means the rules were asked for; empty for the default."""
    words = {
        ParameterSource.COMMANDLINE: " ".join(f"--rules {path}" for path in rules),
        ParameterSource.ENVIRONMENT: "VIGIL_RULES",
        ParameterSource.DEFAULT_MAP: "'rules' in the settings file",
    }
    source = context.get_parameter_source("rules")
    return words.get(source, "") if source else ""


def _alive(worker: Worker) -> str:
    still = time.monotonic() - worker.beat
    return f"the loop has not turned for {still:.0f} s" if still > STUCK_S else ""


def _ready(worker: Worker) -> str:
    return "" if worker.ready else "not joined yet, or reading state back"
