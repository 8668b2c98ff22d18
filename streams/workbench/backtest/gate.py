"""What a new rule set must satisfy, read from a TOML file that lives beside it.

    max_lost = 0                  # finds of live patterns that are no longer found
    max_lost_upheld = 0           # … of which a reviewer had upheld
    max_gained_per_day = 50       # finds of live patterns that are new
    max_looks_per_day = 200       # items of the review queue
    min_precision = 0.8           # of each live pattern with min_outcomes known outcomes or more
    min_outcomes = 20

    [max_actions_per_day]         # proposed, whether granted or held
    restrict = 10

A key that is absent asks for nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from streams.patterns.pattern import LIVE
from streams.records import PROPOSABLE
from streams.workbench.backtest.comparison import Comparison, Row

MIN_OUTCOMES = 20
"""Fewer known outcomes say too little of a precision (DESIGN.md, 'Govern')."""


class GateError(Exception):
    """A gate file that can't be used; says which, and what is wrong with it."""


class Gate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The bounds; see the module."""

    max_lost: int | None = None
    max_lost_upheld: int | None = None
    max_gained_per_day: float | None = None
    max_looks_per_day: float | None = None
    min_precision: float | None = None
    min_outcomes: int = MIN_OUTCOMES
    max_actions_per_day: dict[str, float] = {}

    def broken(self, comparison: Comparison) -> list[str]:
        """What a comparison does not satisfy, a sentence each."""
        return list(self._broken(comparison))

    def _broken(self, comparison: Comparison) -> Iterator[str]:
        lost = [row for row in comparison.rows if row.old is not None and row.old.mode == LIVE]
        gained = [row for row in comparison.rows if row.new is not None and row.new.mode == LIVE]
        for name, found, most in (
            ("finds lost", sum(row.lost.finds for row in lost), self.max_lost),
            ("upheld finds lost", sum(row.lost.known.upheld for row in lost), self.max_lost_upheld),
            (
                "finds gained a day",
                sum(row.gained.finds for row in gained) / comparison.days,
                self.max_gained_per_day,
            ),
            ("items of the review queue a day", comparison.new.queue.mean, self.max_looks_per_day),
            *(
                (f"{action} a day", comparison.new.proposed[action].mean, most)
                for action, most in self.max_actions_per_day.items()
                if action in comparison.new.proposed
            ),
        ):
            if most is not None and found > most:
                yield f"{name}: {found:.4g}, at most {most:g} are allowed"
        for row in gained:
            yield from self._imprecise(row)

    def _imprecise(self, row: Row) -> Iterator[str]:
        known = row.after.known
        floor = self.min_precision
        if floor is not None and known.n >= self.min_outcomes and known.share < floor:
            yield f"precision of '{row.title}': {known.share:.2f} (n={known.n}), the floor is {floor:g}"


def read_gate(path: Path) -> Gate:
    """The bounds of a file. Raises GateError."""
    try:
        gate = msgspec.convert(tomllib.loads(path.read_bytes().decode()), Gate)
    except OSError as error:
        raise GateError(f"{path}: can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GateError(f"{path}: is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        known = ", ".join(Gate.__struct_fields__)
        raise GateError(f"{path}: {error}; a gate may say {known}") from None
    for action in gate.max_actions_per_day:
        if action not in PROPOSABLE:
            raise GateError(
                f"{path}: max_actions_per_day: there is no action {action!r}, "
                f"only {', '.join(PROPOSABLE)}"
            )
    return gate
