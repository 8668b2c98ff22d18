"""Budgets: how many actions of a pattern are granted in an hour and in a day, exactly.

Hours and days are those of UTC, and of the proposal's Kafka timestamp: a proposal that comes late
counts in its own. Each day is a record of its own, so that no number of days makes one grow.
"""

from __future__ import annotations

from streams.agents.contract import State
from streams.agents.governor_state import DAY, DAY_MS, HOUR_MS, HOURS, KEPT_MS, Day
from streams.records import Proposal


class Budgets:
    """The counts of one pattern at the moment of one of its proposals."""

    def __init__(self, state: State, pattern: str) -> None:
        self._state = state
        self._pattern = pattern
        self.hour = state.now // HOUR_MS
        """The hour at hand, counted from the epoch."""
        self._day = self._load(self.hour // HOURS) or Day([0] * HOURS, [0] * HOURS)

    @property
    def proposed(self) -> int:
        """What was proposed in this hour."""
        return self._day.proposed[self.hour % HOURS]

    def spent(self, proposal: Proposal) -> str:
        """Which budget the proposal is over: `budget_hour`, `budget_day`, or none."""
        granted = self._day.granted
        if proposal.budget_hour is not None and granted[self.hour % HOURS] >= proposal.budget_hour:
            return "budget_hour"
        if proposal.budget_day is not None and sum(granted) >= proposal.budget_day:
            return "budget_day"
        return ""

    def busiest(self, hours: int) -> int:
        """The most that was proposed in one of the `hours` before this one."""
        first = self.hour - hours
        most = 0
        for number in range(first // HOURS, self.hour // HOURS + 1):
            day = self._day if number == self.hour // HOURS else self._load(number)
            if day is not None:
                start = number * HOURS
                within = day.proposed[max(0, first - start) : max(0, self.hour - start)]
                most = max(most, max(within, default=0))
        return most

    def propose(self) -> None:
        """One proposal more in this hour."""
        self._day.proposed[self.hour % HOURS] += 1
        self._put()

    def grant(self) -> None:
        """One grant more in this hour."""
        self._day.granted[self.hour % HOURS] += 1
        self._put()

    def _load(self, number: int) -> Day | None:
        return self._state.get(DAY, self._pattern, str(number))

    def _put(self) -> None:
        number = self.hour // HOURS
        expires_at = max(self._state.now, (number + 1) * DAY_MS) + KEPT_MS
        self._state.put(DAY, self._pattern, self._day, expires_at, str(number))
