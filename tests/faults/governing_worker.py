"""A worker of the real engine with the governor alone; run as a program by tests on a real broker."""

from __future__ import annotations

import argparse

from streams import logs
from streams.agents.governor import governor_agent
from streams.engine.kafka.worker import Worker, WorkerSettings, run_process
from streams.signals import Schema
from tests.faults.counting_worker import Silent


async def work(arguments: argparse.Namespace) -> int:
    settings = WorkerSettings(
        connection={"bootstrap_servers": arguments.brokers},
        worker_id=arguments.worker_id,
        partitions=arguments.partitions,
        prefix=arguments.prefix,
        session_timeout_s=3.0,
    )
    agent = governor_agent(Schema.load(), undo_step=arguments.undo_step)
    return await Worker(settings, [agent], Silent()).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--worker-id", required=True)
    parser.add_argument("--undo-step", type=int, required=True)
    given = parser.parse_args()
    logs.set_up("warning")
    run_process(work(given))
