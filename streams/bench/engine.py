"""What the harness asks of an engine under test, and what one run of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from streams.bench.committed import read_committed
from streams.bench.progress import Progress
from streams.bench.stream import ACTIVITY, HITS, AccountState, Recount, Stream
from streams.bench.worker_process import WorkerProcess

PARTITIONS = 4
COMMIT_EVERY_S = 1.0


class WrongResult(Exception):
    """What an engine committed is not what the input comes to: its figures are worth nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: a broker, a prefix nobody else uses, the traffic, a directory to write in."""

    brokers: str
    prefix: str
    stream: Stream
    directory: Path
    core: int = 0
    partitions: int = PARTITIONS
    inputs: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        inputs = {name: f"{self.prefix}{name}" for name in (ACTIVITY, HITS)}
        object.__setattr__(self, "inputs", inputs)


class _Decision(msgspec.Struct):
    id: str


class Engine(Protocol):
    """An engine that can do the same job."""

    name: str

    def topics(self, run: Run) -> dict[str, dict[str, str]]:
        """Topics beside the inputs that must exist, with their settings."""

    def progress(self, run: Run) -> Progress:
        """Where to ask how far it has committed."""

    def start(self, run: Run) -> WorkerProcess:
        """Start one worker pinned to the run's core."""

    def verify(self, run: Run, truth: Recount) -> None:
        """Hold what was committed against the recount. Raises `WrongResult`."""


def read_states(
    brokers: str,
    topic: str,
    decode: Callable[[bytes, bytes], tuple[str, AccountState]],
    *,
    only: bytes = b"",
) -> dict[str, AccountState]:
    """The last committed state per account in a state topic; tombstones forget.

    Records whose key doesn't start with `only` are left out.
    """
    newest: dict[bytes, bytes] = {}

    def visit(key: bytes | None, value: bytes | None, _timestamp: int) -> None:
        if key is None or not key.startswith(only):
            return
        if value is None:
            newest.pop(key, None)
        else:
            newest[key] = value

    read_committed(brokers, topic, visit)
    return dict(decode(key, value) for key, value in newest.items())


def check_states(engine: str, found: dict[str, AccountState], truth: Recount) -> None:
    """Raise `WrongResult` unless every account's state is exactly the recount's."""
    if found == truth.states:
        return
    wrong = [
        account
        for account in truth.states.keys() | found.keys()
        if found.get(account) != truth.states.get(account)
    ]
    example = min(wrong)
    raise WrongResult(
        f"{engine}: {len(wrong)} of {len(truth.states)} accounts are wrong, for example {example}: "
        f"committed {found.get(example)}, recount {truth.states.get(example)}"
    )


def check_counts(engine: str, found: dict[str, AccountState], truth: Recount) -> None:
    """Raise `WrongResult` unless every account's count is exactly the recount's.

    For engines that don't, or not always, read the two inputs in the order of their timestamps:
    an honest run of theirs may have an account's last times in another order.
    """
    wrong = sum(
        account not in found or found[account].count != state.count
        for account, state in truth.states.items()
    )
    if wrong or len(found) != len(truth.states):
        raise WrongResult(f"{engine}: {wrong} of {len(truth.states)} accounts are miscounted")


def check_decisions(
    engine: str, found: list[str], truth: Recount, *, disorder: float = 0.0
) -> None:
    """Raise `WrongResult` unless each decision is there exactly once.

    `disorder` is the share of decisions that may be missing or too many, though never doubled.
    """
    once = set(found)
    allowed = disorder * len(truth.decisions)
    if len(found) == len(once) and len(once ^ truth.decisions) <= allowed:
        return
    raise WrongResult(
        f"{engine}: {len(found) - len(once)} decisions doubled, "
        f"{len(truth.decisions - once)} missing, {len(once - truth.decisions)} too many"
    )


def read_decisions(brokers: str, topic: str) -> list[str]:
    """The ids of all committed decisions, in the order of the topic's partitions."""
    found: list[str] = []
    decode = msgspec.json.Decoder(_Decision).decode

    def visit(_key: bytes | None, value: bytes | None, _timestamp: int) -> None:
        if value is not None:
            found.append(decode(value).id)

    read_committed(brokers, topic, visit)
    return found
