"""What one (agent, partition) has decided and not yet committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from streams.agents.contract import State


class Output(NamedTuple):
    """One record on its way out; `topic` is the logical name, `ts` that of its cause (ms)."""

    topic: str
    key: bytes
    value: bytes
    ts: int


class Outbox:
    """The `Out` of the contract; keeps the order of emission, and can forget back to a mark."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._outputs: list[Output] = []
        self._kept = 0
        self._encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
        self.urgent = False
        self.waited_for = False
        """Whether anything in it is not patient."""

    def emit(
        self,
        topic: str,
        key: str,
        value: msgspec.Struct,
        *,
        urgent: bool = False,
        patient: bool = False,
    ) -> None:
        """See `Out`."""
        self._outputs.append(Output(topic, key.encode(), self._encode(value), self._state.now))
        if urgent:
            self.urgent = True
        if not patient:
            self.waited_for = True

    def __len__(self) -> int:
        return len(self._outputs)

    def keep(self) -> None:
        """Outputs so far survive a rollback."""
        self._kept = len(self._outputs)

    def rollback(self) -> None:
        """Forget outputs since the last `keep`."""
        del self._outputs[self._kept :]

    def take(self) -> list[Output]:
        """Hand over all outputs, in the order of emission, and start afresh."""
        outputs, self._outputs = self._outputs, []
        self._kept = 0
        self.urgent = self.waited_for = False
        return outputs
