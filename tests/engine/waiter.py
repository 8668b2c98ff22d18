"""An agent that waits as its signals say, and does when called what its records say."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.agents.contract import NEVER, Agent, Kind, Out, State
from streams.engine.memory import MemoryRecord
from streams.engine.outbox import Output
from streams.signals import Reason, Refused


class Wait(msgspec.Struct, array_like=True, gc=False):
    """`moods` says what each call does, the next first; `due` is when that is."""

    due: int
    moods: list[str]


class Seen(msgspec.Struct, array_like=True, gc=False):
    count: int = 0


class Command(msgspec.Struct):
    key: str
    sub: str
    do: str
    due: int
    moods: list[str]


class Told(msgspec.Struct):
    what: str
    key: str
    sub: str
    due: int


WAIT = Kind(b"W", Wait, due=lambda wait: wait.due)
SEEN = Kind(b"A", Seen)


class Broken(Exception):
    pattern = "p1"


class Waiter:
    """Does as the signal says, and when called as the record says; both tell it on `detections`.

    What is `moody` raises the first time only, after it has changed and emitted things.
    """

    def __init__(self) -> None:
        self.switched_off: list[str] = []
        self._calmed: set[tuple[str, ...]] = set()

    def handle(self, state: State, signal: Command, out: Out) -> None:
        key, sub = signal.key, signal.sub
        seen = state.get(SEEN, key) or Seen()
        seen.count += 1
        state.put(SEEN, key, seen, NEVER)
        before = state.get(WAIT, key, sub)
        out.emit("detections", key, Told(signal.do, key, sub, before.due if before else NEVER))
        if signal.do == "delete":
            state.delete(WAIT, key, sub)
        else:
            state.put(WAIT, key, Wait(signal.due, list(signal.moods)), NEVER, sub)
        if signal.do == "poison":
            raise Broken
        if signal.do == "moody":
            self._sulk("signal", key, sub, str(seen.count))

    def on_due(  # noqa: PLR0917 - `OnDue` of the contract
        self, state: State, kind: Kind[Any], key: str, sub: str, wait: Wait, out: Out
    ) -> None:
        assert kind is WAIT
        mood, due = wait.moods.pop(0) if wait.moods else "delete", wait.due
        out.emit("detections", key, Told(mood, key, sub, due))
        match mood:
            case "again":
                wait.due += 1_000
                state.put(WAIT, key, wait, NEVER, sub)
            case "rest":
                wait.due = NEVER
                state.put(WAIT, key, wait, NEVER, sub)
            case "quiet":
                wait.due = NEVER  # and not put back
            case "spawn":
                state.put(WAIT, key, Wait(due - 500, []), NEVER, "spawned")
                state.delete(WAIT, key, sub)
            case "stubborn":
                state.put(WAIT, "elsewhere", Wait(due, []), NEVER)
            case "back":
                wait.due -= 1
                state.put(WAIT, key, wait, NEVER, sub)
            case "poison" | "moody":
                state.put(WAIT, "elsewhere", Wait(due, []), NEVER)
                state.delete(WAIT, key, sub)
                if mood == "poison":
                    raise Broken
                self._sulk("call", key, sub, str(due))
                state.delete(WAIT, "elsewhere")
            case _:
                state.delete(WAIT, key, sub)

    def _sulk(self, *what: str) -> None:
        if what not in self._calmed:
            self._calmed.add(what)
            raise MemoryError

    def agent(self) -> Agent:
        return Agent(
            name="waiter",
            inputs=("moderation-hits", "activity"),
            decoders={"moderation-hits": decode, "activity": decode},
            handler=self.handle,
            kinds=(WAIT, SEEN),
            home=SEEN,
            state_topic="accounts-state",
            switch_off=self.switched_off.append,
            on_due=self.on_due,
        )


def decode(record: Any) -> Command:
    if record.value == b"junk":
        raise Refused(Reason.NOT_JSON)
    return msgspec.json.decode(record.value, type=Command)


class Line(msgspec.Struct):
    """One record of input number `source`; `do` of a `Command`, or junk."""

    source: int
    ts: int
    key: str
    sub: str
    do: str
    due: int
    moods: list[str]

    def record(self, offset: int) -> MemoryRecord:
        value = b"junk"
        if self.do != "junk":
            value = msgspec.json.encode(Command(self.key, self.sub, self.do, self.due, self.moods))
        return MemoryRecord(self.key.encode(), value, offset, self.ts)


def told(output: Output) -> tuple[str, str, str, int, int]:
    if output.topic == "dead-letters":
        return "refused", "", "", 0, output.ts
    one = msgspec.json.decode(output.value, type=Told)
    return one.what, one.key, one.sub, one.due, output.ts
