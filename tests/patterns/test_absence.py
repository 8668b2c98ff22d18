"""Waiting for what must not follow, against working it out from everything that ever came."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.patterns.absence import Absence, Candidate, Told, Waiting
from streams.patterns.episodes import Held

WITHIN = 1000
NAMES = {Held.OPENS: "opens", Held.BEGAN_EARLIER: "earlier", Held.CONTINUES: "continues"}


def candidate(at: int) -> Candidate:
    return Candidate(at, (f"a{at}",), at, at, 1)


class Clock:
    """An absence driven as an agent and the engine's timers drive it."""

    def __init__(self, lateness: int, cooldown: int = 1) -> None:
        self.absence = Absence(WITHIN, lateness, cooldown)
        self.waiting = Waiting()
        self.newest = 0
        self.told: dict[int, str] = {}
        self.said: list[tuple[int, str]] = []
        self.retracted: list[int] = []

    def until(self, now: int) -> None:
        """Time passes: timers are called at the first moment they are due."""
        while 0 < self.waiting.due <= now:
            ripe = self.absence.ripe(self.waiting, now)
            assert ripe, "called for nothing"
            for one, held in ripe:
                assert one.at not in self.told, "told twice"
                self.told[one.at] = NAMES[held]
                self.said.append((one.at + WITHIN, NAMES[held]))
                self.absence.tell(self.waiting, Told(one, f"d{one.at}"))

    def satisfied(self, at: int, arrival: int | None = None) -> None:
        self._arrive(at, arrival)
        if self.newest - at <= self.absence.lateness:
            self.absence.candidate(self.waiting, candidate(at))
            self.absence.forget(self.waiting, self.newest)

    def stop(self, at: int, arrival: int | None = None) -> None:
        self._arrive(at, arrival)
        if self.newest - at <= self.absence.lateness:
            for told in self.absence.stop(self.waiting, at):
                assert self.told.pop(told.candidate.at)
                self.retracted.append(told.candidate.at)
            self.absence.forget(self.waiting, self.newest)

    def _arrive(self, at: int, arrival: int | None) -> None:
        self.until(at if arrival is None else arrival)
        self.newest = max(self.newest, at)


def waits(candidates: list[int], stops: list[int]) -> list[int]:
    """Which candidates are told, in the end, by the definition."""
    found, free = [], 0
    for at in sorted(set(candidates)):
        if at < free:
            continue
        ending = [stop for stop in stops if at < stop <= at + WITHIN]
        if ending:
            free = min(ending)
        else:
            found.append(at)
            free = at + WITHIN + 1
    return found


def test_what_is_not_followed_is_told_with_its_deadline_once_it_has_passed():
    clock = Clock(lateness=0)
    clock.satisfied(500)
    clock.until(500 + WITHIN)
    assert clock.said == []
    clock.until(500 + WITHIN + 1)
    assert clock.said == [(500 + WITHIN, "opens")]
    assert clock.waiting.due == 0


def test_a_stop_at_the_deadline_prevents_one_at_the_same_moment_or_after_it_does_not():
    for stop, told in ((500, 1), (501, 0), (500 + WITHIN, 0), (501 + WITHIN, 1)):
        clock = Clock(lateness=0)
        clock.satisfied(500)
        clock.stop(stop)
        clock.until(10_000)
        assert len(clock.told) == told, stop


def test_while_a_wait_lasts_others_add_nothing_and_after_a_stop_they_count_again():
    clock = Clock(lateness=5000)
    for at in (0, 100, 900):
        clock.satisfied(at + 10)
    clock.stop(500)  # it comes after the last: 910 waits anew
    clock.until(10_000)
    assert list(clock.told) == [910]


def test_a_late_stop_takes_back_what_was_told_and_the_episode_with_it():
    clock = Clock(lateness=5000, cooldown=60_000)
    clock.satisfied(1000)
    clock.until(3000)
    assert clock.said == [(2000, "opens")]
    clock.stop(1500, arrival=3000)
    assert clock.retracted == [1000]
    clock.satisfied(4000)
    clock.until(9000)
    assert clock.said[1:] == [(5000, "opens")], "the episode that was taken back is forgotten"


def test_waits_closer_than_the_cooldown_are_one_episode():
    clock = Clock(lateness=0, cooldown=5000)
    for at in (0, 1500, 3000, 20_000):
        clock.satisfied(at + 1)
    clock.until(50_000)
    assert [said for _, said in clock.said] == ["opens", "continues", "continues", "opens"]


GAPS = (0, 1, 3, WITHIN // 4, WITHIN // 2, WITHIN - 1, WITHIN, WITHIN + 1, 3 * WITHIN)
EVENTS = st.lists(
    st.tuples(st.sampled_from(GAPS), st.booleans(), st.floats(0, 1)), min_size=1, max_size=40
)


@settings(max_examples=1500, deadline=None)
@given(EVENTS, st.sampled_from((0, WITHIN // 3, WITHIN, 4 * WITHIN)))
def test_with_stops_late_within_the_lateness_what_stands_in_the_end_is_what_follows_from_all(
    events, lateness
):
    at, arrivals = 1, []
    for gap, is_stop, delay in events:
        at += gap
        arrivals.append((at + int(delay * lateness) if is_stop else at, at, is_stop))
    clock = Clock(lateness)
    for arrival, moment, is_stop in sorted(arrivals):
        (clock.stop if is_stop else clock.satisfied)(moment, arrival)
        kept = max(len(clock.waiting.candidates), len(clock.waiting.stops))
        assert kept <= 2 * clock.absence.most_kept
    clock.until(at + 100 * WITHIN)
    candidates = [moment for _, moment, is_stop in arrivals if not is_stop]
    stops = [moment for _, moment, is_stop in arrivals if is_stop]
    wanted, told = waits(candidates, stops), set(clock.told)
    assert told >= set(wanted)
    for one in told.difference(wanted):
        # A late stop can make a wait begin earlier: what was told of its end meanwhile stays.
        assert any(other < one <= other + WITHIN for other in wanted), one
        assert not any(one < stop <= one + WITHIN for stop in stops), one


@settings(max_examples=500, deadline=None)
@given(EVENTS, st.sampled_from((0, WITHIN // 3, WITHIN, 4 * WITHIN)))
def test_in_event_time_order_nothing_is_ever_taken_back(events, lateness):
    at, clock = 1, Clock(lateness)
    for gap, is_stop, _ in events:
        at += gap
        (clock.stop if is_stop else clock.satisfied)(at)
    clock.until(at + 100 * WITHIN)
    assert clock.retracted == []
