"""A worker of the real engine with a job that can be recounted; run as a program by `drill`.

Per account it keeps how many signals came, and a hash over their numbers that depends on their
order; every tenth signal of an account is a decision. `--broken` puts a fault into the engine, to
show that the drill notices.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from streams import logs
from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.kafka import checkpoint, owner
from streams.engine.kafka.worker import Worker, WorkerSettings, run_process
from streams.engine.processor import Processor

EVERY = 10
_MODULUS = (1 << 61) - 1


class Count(msgspec.Struct, array_like=True, gc=False):
    seen: int = 0
    hash: int = 0

    def take(self, number: int) -> None:
        """One more signal."""
        self.seen += 1
        self.hash = (self.hash * 31 + number) % _MODULUS


class Numbered(msgspec.Struct, gc=False):
    account: str
    number: int


class Decision(msgspec.Struct):
    id: str
    account: str


COUNT = Kind(b"A", Count)


def agent(kind: Kind[Any]) -> Agent:
    def handler(state: State, signal: Numbered, out: Out) -> None:
        account = signal.account
        one = state.get(kind, account) or kind.struct()
        one.take(signal.number)
        state.put(kind, account, one, NEVER)
        if one.seen % EVERY == 0:
            out.emit("detections", account, Decision(f"{account}.{one.seen}", account))

    parse = msgspec.json.Decoder(Numbered).decode
    topics = ("moderation-hits", "reviews", "activity")
    return Agent(
        name="accounts",
        inputs=topics,
        decoders={topic: lambda record: parse(record.value) for topic in topics},
        handler=handler,
        kinds=(kind,),
        home=kind,
        state_topic="accounts-state",
    )


class Silent:
    """An observer that looks away."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


def break_fencing() -> None:
    """Every owner takes a transactional id of its own: nobody is fenced."""

    class Unfenced(checkpoint.Checkpointer):
        def __init__(self, connection: Any, transactional_id: str, **rest: Any) -> None:
            super().__init__(connection, f"{transactional_id}.{id(self)}.{sys.argv}", **rest)

    owner.Checkpointer = Unfenced


def break_offsets() -> None:
    """A restart goes on one record too late: the offset of the last record + 1, plus one."""

    class OffByOne(Processor):
        def restored_offsets(self) -> dict[str, int]:
            self.offsets = {
                topic: offset + 1 for topic, offset in super().restored_offsets().items()
            }
            return self.offsets

    owner.Processor = OffByOne


FAULTS = {"fencing": break_fencing, "offsets": break_offsets}


async def work(arguments: argparse.Namespace, kind: Kind[Any]) -> int:
    settings = WorkerSettings(
        connection={"bootstrap_servers": arguments.brokers},
        worker_id=arguments.worker_id,
        partitions=arguments.partitions,
        prefix=arguments.prefix,
        session_timeout_s=arguments.session_timeout_s,
    )
    return await Worker(settings, [agent(kind)], Silent()).run()


def main(kind: Kind[Any]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--worker-id", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--session-timeout-s", type=float, default=6.0)
    parser.add_argument("--broken", choices=sorted(FAULTS))
    given = parser.parse_args()
    logs.set_up("warning")
    if given.broken:
        FAULTS[given.broken]()
    run_process(work(given, kind))


if __name__ == "__main__":
    main(COUNT)
