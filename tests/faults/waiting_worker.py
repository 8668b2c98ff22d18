"""A worker of the real engine whose agent only waits; run as a program by `test_timers`.

Each signal waits as long as it says after its Kafka timestamp, then it is told once on
`detections`. `--broken` puts a fault into the engine, to show that the test notices.
"""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from streams import logs
from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.kafka import owner
from streams.engine.kafka.worker import Worker, WorkerSettings, run_process
from streams.engine.processor import Checkpoint, Processor
from tests.faults.counting_worker import Silent


class Home(msgspec.Struct, array_like=True, gc=False):
    seen: int = 0


class Wait(msgspec.Struct, array_like=True, gc=False):
    due: int


class Waiting(msgspec.Struct, gc=False):
    account: str
    number: int
    for_ms: int


class Over(msgspec.Struct):
    """What was waited for: the signal's number, when it was due, and the progress then."""

    number: int
    due: int
    now: int


HOME = Kind(b"A", Home)
WAIT = Kind(b"W", Wait, due=lambda wait: wait.due)


def handler(state: State, signal: Waiting, out: Out) -> None:
    home = state.get(HOME, signal.account) or Home()
    home.seen += 1
    state.put(HOME, signal.account, home, NEVER)
    wait = Wait(state.now + signal.for_ms)
    state.put(WAIT, signal.account, wait, NEVER, str(signal.number))


def on_due(  # noqa: PLR0917 - `OnDue` of the contract
    state: State, kind: Kind[Any], key: str, sub: str, wait: Wait, out: Out
) -> None:
    state.delete(kind, key, sub)
    out.emit("detections", key, Over(int(sub), wait.due, state.now))


def agent() -> Agent:
    parse = msgspec.json.Decoder(Waiting).decode
    return Agent(
        name="accounts",
        inputs=("activity",),
        decoders={"activity": lambda record: parse(record.value)},
        handler=handler,
        kinds=(HOME, WAIT),
        home=HOME,
        state_topic="accounts-state",
        on_due=on_due,
    )


def break_tombstones() -> None:
    """What was called and deleted comes back after a restart: tombstones aren't written."""

    class Forgetful(Processor):
        def checkpoint(self) -> Checkpoint:
            checkpoint = super().checkpoint()
            states = {full: data for full, data in checkpoint.states.items() if data is not None}
            return checkpoint._replace(states=states)

    owner.Processor = Forgetful


async def work(arguments: argparse.Namespace) -> int:
    settings = WorkerSettings(
        connection={"bootstrap_servers": arguments.brokers},
        worker_id="w1",
        partitions=arguments.partitions,
        prefix=arguments.prefix,
        session_timeout_s=6.0,
    )
    return await Worker(settings, [agent()], Silent()).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--broken", action="store_true")
    given = parser.parse_args()
    logs.set_up("warning")
    if given.broken:
        break_tombstones()
    run_process(work(given))
