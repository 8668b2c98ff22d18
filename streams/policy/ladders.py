"""What a policy says: ladders by harm, and the figures beside them. Durations are in ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from streams.records import Breaker

LADDER = ("prevention.message", "warn", "restrict", "suspend")
"""The actions a ladder is made of, mildest first. All others protect, or are about content."""

PUNISHING = frozenset({"restrict", "suspend"})
"""Actions that take something away from a person."""

NO_END = 0
"""A duration: until a person lifts it (or, of a message or a warning: there is nothing to end)."""


def strength(action: str) -> int:
    """How strong an action of the ladder is; to compare them by."""
    return LADDER.index(action)


@dataclass(frozen=True, slots=True)
class Rung:
    """From so many standing `strikes` on, `action` for `lasts` ms (or `NO_END`)."""

    strikes: int
    action: str
    lasts: int = NO_END


class Choice(NamedTuple):
    """A rung, and how many strikes it rests on: 0 where the pattern itself asked for as much."""

    rung: Rung
    rests_on: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs for some harms, mildest first; the first one takes no strikes.

    A strike stands for `decay` ms. Within `cooldown` ms after an action of this ladder another one
    is taken only if it is stronger.
    """

    name: str
    rungs: tuple[Rung, ...]
    decay: int
    cooldown: int

    def choose(self, asked: str, struck: int, ceiling: str) -> Choice:
        """The rung for an action a pattern asks for, with `struck` strikes standing.

        The higher of two: where the strongest action no stronger than the one asked for begins, and
        the last rung the strikes reach. Then no higher than `ceiling`, an action. The first rung is
        the least that is done.
        """
        begins = self._begins(asked)
        reached = max(n for n, rung in enumerate(self.rungs) if rung.strikes <= struck)
        wanted = max(begins, reached)
        chosen = min(wanted, self._ends(ceiling))
        rung = self.rungs[chosen]
        return Choice(rung, rung.strikes if chosen > begins else 0)

    def _begins(self, action: str) -> int:
        strongest = self.rungs[self._ends(action)].action
        return next(n for n, rung in enumerate(self.rungs) if rung.action == strongest)

    def _ends(self, action: str) -> int:
        """The last rung no stronger than an action, or the first of all."""
        limit = strength(action)
        return max((n for n, rung in enumerate(self.rungs) if strength(rung.action) <= limit),
                   default=0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Takeover:
    """Within `window` ms of a sign, the actions in `turns` become `credentials.lock`."""

    window: int
    signs: frozenset[str]
    turns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Minors:
    """The age bands of suspected minors, and the actions of the ladder that may be taken there."""

    bands: frozenset[str]
    protective: frozenset[str]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many actions a pattern is granted an hour and a day; None is no limit."""

    hour: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; immutable. `hash` names what it says: comments and layout don't change it.

    `by_harm` has the harms that have a ladder of their own, `default` is everybody else's.
    `raised_to` is how far strikes may raise each action a pattern can ask for.
    """

    default: Ladder
    by_harm: Mapping[str, Ladder]
    raised_to: Mapping[str, str]
    takeover: Takeover
    minors: Minors
    review_due: Mapping[str, int]
    review_due_default: int
    budgets: Mapping[str, Budget]
    breaker: Breaker
    hash: str

    def ladder(self, harm: str) -> Ladder:
        """The ladder of a harm."""
        return self.by_harm.get(harm, self.default)

    def due(self, harm: str) -> int:
        """How long after it was queued a person should have looked, ms."""
        return self.review_due.get(harm, self.review_due_default)

    def budget(self, action: str, hour: int | None = None) -> Budget:
        """What a pattern is granted; `hour` is the budget it names itself, which then counts.

        The day never gives less than one hour.
        """
        budget = self.budgets.get(action, Budget())
        if hour is None:
            return budget
        return Budget(hour, None if budget.day is None else max(hour, budget.day))
