"""What an agent's handler may rely on, and what a driver must give it.

A handler is called once per signal, in the order the driver merged the inputs, and does three
things only: read and write `State`, emit to `Out`, raise when it can't. It must be a function of
its arguments: no clock, no randomness, no I/O, so that what was tested offline is what runs.
When it raises, the driver restores the state to what it was before the signal, retries the signal
alone, and dead-letters it if it raises again.

Between signals the agent's `on_due` is called for records that wait for a moment, when the
partition's progress reaches it. Progress is the Kafka timestamp of the record about to be handled:
what is due by then is called before it, in the order of moment and key. It never goes back, and
never ahead of the wall clock; where nothing comes any more it follows the wall clock. The memory
driver has no wall clock: there time passes with records and when it is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from streams.signals.raw import RawRecord

NEVER = 0
"""An `expires_at`, or a moment to be called at, that never comes."""

S = TypeVar("S", bound=msgspec.Struct)


QUEUES = ("held", "report")
"""What waits for people: held actions, and drafts of reports to authorities."""


class Queue(NamedTuple, Generic[S]):
    """Of `QUEUES` the name, and since when a record waits in it.

    ms since the epoch, `NEVER` for one that doesn't wait, or no longer.
    """

    name: str
    since: Callable[[S], int]


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of state record: a tag byte, its struct, and the version of that struct's layout.

    `tag` is one ASCII byte, unique within an agent (``b"O"`` is the engine's own: source offsets).
    `version` is written before each record; `migrations` maps an older version to a function from
    that version's decoded builtins to this version's struct. A record of an unknown version stops
    the worker (exit 5) instead of being guessed at.
    `due` is for kinds whose records wait for a moment: from a record to when (ms since the epoch)
    the agent's `on_due` is to be called, `NEVER` if it isn't waiting. It is asked at each `put`. A
    record that waits is called even if it expires before that; until then it stays in the state.
    `scanned` says that a handler scans this kind while signals wait: its sub-keys are then listed
    from the start. Those of others are when they are scanned first, which takes the longer the
    larger the state is.
    `queue` is for kinds whose records wait for a person.
    """

    tag: bytes
    struct: type[S]
    version: int = 1
    migrations: Mapping[int, Callable[[Any], S]] | None = None
    due: Callable[[S], int] | None = None
    scanned: bool = False
    queue: Queue[S] | None = None


class State(Protocol):
    """The state of one (agent, partition), as seen while one signal is handled."""

    now: int
    """Kafka timestamp of the record being handled, ms since the epoch; in `on_due` the progress."""

    def get(self, kind: Kind[S], key: str, sub: str = "") -> S | None:
        """Return the record, or None if there is none or it expired at or before `now`.

        The struct is live: change it and `put` it back. A change without `put` is lost.
        """

    def put(self, kind: Kind[S], key: str, value: S, expires_at: int, sub: str = "") -> None:
        """Store `value`; it is durable with the next checkpoint.

        `expires_at` is ms since the epoch, or `NEVER`. Encoded it may take 256 KiB at most.
        """

    def delete(self, kind: Kind[S], key: str, sub: str = "") -> None:
        """Forget the record; its key is tombstoned with the next checkpoint."""

    def scan(self, kind: Kind[S], key: str) -> Iterator[tuple[str, S]]:
        """All unexpired records of `key` that have a sub-key, as (sub, record), sorted by sub."""


class Out(Protocol):
    """Where a handler's outputs go: into the same transaction as the state and the offsets."""

    def emit(
        self,
        topic: str,
        key: str,
        value: msgspec.Struct,
        *,
        urgent: bool = False,
        patient: bool = False,
    ) -> None:
        """Emit one record to a topic of the table (logical name, without prefix).

        `urgent` asks for a checkpoint at once: a critical decision must not wait for the timer.
        `patient` asks for none: it goes out with the next one, a second later at most.
        """


Decoder = Callable[[RawRecord], Any]
"""Turns a record into a signal, or raises `streams.signals.Refused`."""

Handler = Callable[[State, Any, Out], None]

OnDue = Callable[[State, Kind[Any], str, str, Any, Out], None]
"""Called with (state, kind, key, sub, record, out) once the record's moment has come."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: what it reads, how it decodes, what it does, where its state lives.

    `inputs` are logical topics in tie order: of records with the same Kafka timestamp, those of an
    earlier topic are handled first. `home` is the kind whose record marks a key as known; a key
    met for the first time on a partition it doesn't belong to is refused as `wrong_partition`.
    `switch_off` turns a pattern off by id when it keeps raising (the exception names it in its
    `pattern` attribute), `use` changes the rule set between two signals, which also turns on again
    what was turned off; both None where the agent has no patterns.
    `on_due` is needed where a kind has `due`, and as pure as the handler. It must delete the record
    or put it back with a later moment or none. When it raises, or does neither, the state is
    restored to what it was before the call, the call is tried once more alone, and if it fails
    again the record is deleted: there is no signal to dead-letter.
    """

    name: str
    inputs: tuple[str, ...]
    decoders: Mapping[str, Decoder]
    handler: Handler
    kinds: tuple[Kind[Any], ...]
    home: Kind[Any]
    state_topic: str
    switch_off: Callable[[str], None] | None = None
    use: Callable[[Any], None] | None = None
    on_due: OnDue | None = None

    def __post_init__(self) -> None:
        if self.on_due is None and any(kind.due is not None for kind in self.kinds):
            raise ValueError(f"agent {self.name}: a kind has `due`, so the agent needs `on_due`")
