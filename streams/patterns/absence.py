"""`unless`: what fired is told only if something else does not follow within a time.

Each record at which a pattern's condition holds is a candidate. Candidates are taken in event-time
order: one opens a wait, and while it lasts the others add nothing. A stop, a record that must not
follow, in (candidate, candidate + within] ends the wait, and the next candidate from the stop on
may open another; a wait that nothing ends is told, with the deadline as its time. Told waits form
episodes as any other moments do.

So which waits are told follows from the candidates and stops alone, in whatever order they arrive;
it is worked out anew whenever one comes. A stop that comes late retracts what was told. What is kept
is bounded: of candidates and stops the first and the last of each half of `within`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence

import msgspec

from streams.patterns.episodes import Held, forget_before, held_at


class Candidate(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A moment at which the condition held, and what would be told of it.

    `evidence` are tagged ids, `start` and `end` the times of the oldest and newest; the rest is
    what the record that satisfied the condition said of whom and what it is about.
    """

    at: int
    evidence: tuple[str, ...]
    start: int
    end: int
    measured: int | float  # a float alone would be told as 1.0 after a restart and as 1 before
    capped: bool = False
    end_user: str | None = None
    content_ref: str | None = None
    dataset_ref: str | None = None
    confirmed: bool = False
    act_at: int = 0
    surface: str | None = None
    age_band: str | None = None
    reviewer: str | None = None
    established: bool = False


class Told(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A wait that was told: its candidate, and the ids of the detection and of what asked for the action."""

    candidate: Candidate
    detection: str
    enforcement: str = ""


class Waiting(msgspec.Struct, array_like=True, gc=False):
    """The state of one (pattern, key, group) that has an `unless`. Lists are by event time (ms)."""

    spans: list[int] = msgspec.field(default_factory=list)
    candidates: list[Candidate] = msgspec.field(default_factory=list)
    stops: list[int] = msgspec.field(default_factory=list)
    told: list[Told] = msgspec.field(default_factory=list)
    due: int = 0
    """When to look again (ms): the first moment after the next deadline; 0: nothing waits."""
    free: int = 0
    """Candidates before this one add nothing: they fall into a wait that is settled and forgotten."""


class Absence:
    """The rule: `within` ms to wait, records up to `lateness` ms late, episodes by `cooldown`."""

    def __init__(self, within: int, lateness: int, cooldown: int) -> None:
        self.within = within
        self.lateness = lateness
        self.cooldown = cooldown
        self.most_kept = 4 * ((within + lateness) // within + 2)
        """Candidates, and stops, kept at most."""
        self.horizon = within + cooldown + 2 * lateness
        """How long after the last touch (ms) it is kept."""
        self._half = max(1, within // 2)

    def candidate(self, waiting: Waiting, candidate: Candidate) -> None:
        """The condition held."""
        place = bisect_right(waiting.candidates, candidate.at, key=_at)
        if place and waiting.candidates[place - 1].at == candidate.at:
            return  # the moment is known
        waiting.candidates.insert(place, candidate)
        if len(waiting.candidates) > self.most_kept:
            ats = [one.at for one in waiting.candidates]
            opening = {one.at for one in self.waits(waiting)}
            waiting.candidates = [
                one
                for index, one in enumerate(waiting.candidates)
                if one.at in opening or self._decisive(ats, index)
            ]
        self._plan(waiting)

    def stop(self, waiting: Waiting, at: int) -> list[Told]:
        """A stop at `at`; what was told and is thereby taken back."""
        if at in waiting.stops:
            return []
        insort(waiting.stops, at)
        if len(waiting.stops) > self.most_kept:
            ats = waiting.stops
            waiting.stops = [at for index, at in enumerate(ats) if self._decisive(ats, index)]
        retracted = [
            told
            for told in waiting.told
            if told.candidate.at < at <= told.candidate.at + self.within
        ]
        for told in retracted:
            waiting.told.remove(told)
            self._unsay(waiting.spans, told.candidate.at + self.within)
        self._plan(waiting)
        return retracted

    def ripe(self, waiting: Waiting, now: int) -> list[tuple[Candidate, Held]]:
        """Waits whose deadline lies before `now`, to be told; note each with `tell`."""
        found = []
        for candidate in self._untold(waiting):
            deadline = candidate.at + self.within
            if deadline < now:
                found.append((candidate, held_at(waiting.spans, deadline, self.cooldown)))
        return found

    def tell(self, waiting: Waiting, told: Told) -> None:
        """A wait was told (or continues an episode that was: then its ids are empty)."""
        insort(waiting.told, told, key=lambda one: one.candidate.at)
        self._plan(waiting)

    def forget(self, waiting: Waiting, newest: int) -> None:
        """Drop what no record within the lateness of `newest` can change."""
        dead = newest - self.lateness
        forget_before(waiting.spans, dead - self.cooldown)
        dead -= self.within
        untold = self._untold(waiting)
        if untold:
            dead = min(dead, untold[0].at - 1)
        if waiting.candidates and waiting.candidates[0].at <= dead:
            waiting.free = self._free_after(waiting, dead)
            del waiting.candidates[: bisect_right(waiting.candidates, dead, key=_at)]
        del waiting.stops[: bisect_right(waiting.stops, dead)]
        waiting.told = [told for told in waiting.told if told.candidate.at > dead]

    def waits(self, waiting: Waiting) -> list[Candidate]:
        """The candidates whose wait nothing ends, by event time."""
        return [candidate for candidate, told, _ in self._outcomes(waiting) if told]

    def _outcomes(self, waiting: Waiting) -> Iterator[tuple[Candidate, bool, int]]:
        """(candidate, whether nothing ends its wait, from when another may open) of each wait."""
        free = waiting.free
        for candidate in waiting.candidates:
            if candidate.at < free:
                continue
            place = bisect_right(waiting.stops, candidate.at)
            deadline = candidate.at + self.within
            stopped = place < len(waiting.stops) and waiting.stops[place] <= deadline
            free = waiting.stops[place] if stopped else deadline + 1
            yield candidate, not stopped, free

    def _free_after(self, waiting: Waiting, dead: int) -> int:
        free = waiting.free
        for candidate, _, free_from in self._outcomes(waiting):
            if candidate.at > dead:
                break
            free = free_from
        return free

    def _untold(self, waiting: Waiting) -> list[Candidate]:
        told = {one.candidate.at for one in waiting.told}
        return [candidate for candidate in self.waits(waiting) if candidate.at not in told]

    def _plan(self, waiting: Waiting) -> None:
        first = next(iter(self._untold(waiting)), None)
        waiting.due = 0 if first is None else first.at + self.within + 1

    def _decisive(self, ats: Sequence[int], index: int) -> bool:
        """Whether it is the first or the last of its half of `within`."""
        bucket = ats[index] // self._half
        return (
            index in (0, len(ats) - 1)
            or ats[index - 1] // self._half != bucket
            or ats[index + 1] // self._half != bucket
        )

    @staticmethod
    def _unsay(spans: list[int], moment: int) -> None:
        """Take a moment back, if its episode consists of it alone."""
        for place in range(0, len(spans), 2):
            if spans[place] == spans[place + 1] == moment:
                del spans[place : place + 2]
                return


def _at(candidate: Candidate) -> int:
    return candidate.at
