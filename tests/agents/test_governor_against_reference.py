"""The governor against working every verdict out from everything that ever came.

Timestamps come in any order, hours and days apart; and chunks, checkpoints and kills change nothing.

They were seen failing, each by one of: the budget of a day forgotten when a later one came, `>` for
`>=` at either budget, a late proposal counted in the newest day, the surge held against the hour
itself, an undo that also reversed what was granted after it or didn't go on behind its last bucket,
a step due by its own moment instead of the progress, a command heard twice, zero tolerance held by
a stopped version.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.governor_breaker import LEARNING_MS
from streams.agents.governor_undo import PACE_MS
from streams.records import Breaker
from tests.agents.governing import (
    DAY,
    HOUR,
    START,
    Input,
    Partition,
    Play,
    agent,
    command,
    judged,
    merged,
    outcome,
    proposal,
    said,
)

BREAKER = Breaker(surge=2, surge_least=2, precision=0.6, reviews=3)
NEWEST = 4
END = START + 30 * DAY
WEEK_HOURS = 168
GRANTED, OTHERWISE = "granted", "otherwise"


class Reference:
    """Remembers every record that came, and works out each verdict from all of them."""

    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []
        self._times: list[int] = []
        self._seen: set[str] = set()
        self._proposed: list[int] = []  # hours
        self._spent: list[int] = []  # hours
        self._held: dict[str, dict] = {}
        self._decided: dict[str, tuple[str, str, str]] = {}  # id → version, what, reviewer
        self._reviews: list[tuple[str, str, str, int]] = []  # version, decision, outcome, number
        self._stopped: dict[str, str] = {}
        self._accepted: dict[str, int] = {}
        self._since: dict[str, int] = {}  # version → first review that counts
        self._known: set[str] = set()

    def take(self, one: Input) -> None:
        self._times.append(one.at)
        value = one.value
        if value["kind"] == "propose":
            self._propose(value, one.at)
            return
        if value["id"] in self._seen:
            return
        if value["kind"] == "outcome":
            self._outcome(value)
            return
        self._seen.add(value["id"])
        getattr(self, f"_{value['kind']}")(value, one.at)

    def _propose(self, value: dict, at: int) -> None:
        name, version = value["id"], value["version"]
        if name in self._held or name in self._decided:
            return
        if value.get("zero"):
            self._grant(value, "")
            return
        self._known.add(version)
        hour = at // HOUR
        self._proposed.append(hour)
        if version not in self._stopped and self._surges(hour, at, version):
            self._stop(version, "surge", name)
        day = [spent for spent in self._spent if spent // 24 == hour // 24]
        if version in self._stopped:
            by = self._stopped[version]
        elif day.count(hour) >= value.get("budget_hour", 1_000):
            by = "budget_hour"
        elif len(day) >= value.get("budget_day", 1_000):
            by = "budget_day"
        else:
            self._spent.append(hour)
            self._grant(value, "")
            return
        self._held[name] = value
        self.said.append(("held", name, "", by))

    def _surges(self, hour: int, at: int, version: str) -> bool:
        if hour <= self._accepted.get(version, -1) or at - min(self._times) < LEARNING_MS:
            return False
        counts = Counter(self._proposed)
        busiest = max((counts[h] for h in counts if hour - WEEK_HOURS <= h < hour), default=0)
        return counts[hour] > max(BREAKER.surge_least, BREAKER.surge * busiest)

    def _outcome(self, value: dict) -> None:
        name, version = value["decision"], value["version"]
        known, what, reviewer = self._decided.get(name, (version, "", ""))
        if what == GRANTED and known == version and value["outcome"] == "overturned":
            self._decided[name] = (version, OTHERWISE, reviewer)
        if known == version and reviewer == value["reviewer"]:
            return
        self._seen.add(value["id"])
        self._known.add(version)
        self._reviews.append((version, name, value["outcome"], len(self._reviews)))
        latest = {
            name: (number, said)
            for reviewed, name, said, number in self._reviews
            if reviewed == version and number >= self._since.get(version, 0)
        }
        newest = [said for _, said in sorted(latest.values())][-NEWEST:]
        enough = len(newest) >= BREAKER.reviews
        imprecise = enough and newest.count("upheld") / len(newest) < BREAKER.precision
        if imprecise and version not in self._stopped:
            self._stop(version, "precision", name)

    def _release(self, value: dict, at: int) -> None:
        if value["target"] in self._held:
            self._grant(self._held.pop(value["target"]), value["reviewer"])

    def _void(self, value: dict, at: int) -> None:
        held = self._held.pop(value["target"], None)
        if held is not None:
            self._decided[held["id"]] = (held["version"], OTHERWISE, value["reviewer"])
            self.said.append(("voided", held["id"], value["reviewer"]))

    def _undo(self, value: dict, at: int) -> None:
        target = value["target"]
        for name, (version, what, reviewer) in self._decided.items():
            if what == GRANTED and target in (version, name):
                self._decided[name] = (version, OTHERWISE, reviewer)
                self.said.append(("undone", name, value["reviewer"]))
        if target in self._known:
            self._stopped[target] = "undone"

    def _resume(self, value: dict, at: int) -> None:
        if self._stopped.pop(value["target"], None):
            accepted = self._accepted.get(value["target"], -1)
            self._accepted[value["target"]] = max(accepted, at // HOUR)
            self._since[value["target"]] = len(self._reviews)

    def _grant(self, value: dict, reviewer: str) -> None:
        self._known.add(value["version"])
        self._decided[value["id"]] = (value["version"], GRANTED, reviewer)
        self.said.append(("granted", value["id"], reviewer))

    def _stop(self, version: str, why: str, cause: str) -> None:
        self._stopped[version] = why
        self.said.append(("breaker", cause, why))


# Mostly within two days, in any order, some a week or more apart.
times = st.one_of(
    st.integers(0, 2 * DAY),
    st.integers(24, 27).map(lambda hour: hour * HOUR + 5),
    st.integers(0, 10 * 24).map(lambda hour: hour * HOUR),
)
versions = st.sampled_from(["v1", "v1", "v2"])
names = st.integers(0, 60).map(lambda number: f"e{number}")
limit = st.one_of(st.none(), st.integers(0, 3))


@st.composite
def proposals(draw) -> Input:
    fields = {"version": draw(versions)}
    for name in ("budget_hour", "budget_day"):
        if (most := draw(limit)) is not None:
            fields[name] = most
    if draw(st.integers(0, 9)) == 0:
        fields["zero"] = True
    number = draw(st.integers(0, 60))
    # An id belongs to one version: it is hashed into it.
    return proposal(f"{fields['version']}-{number}", draw(times), **fields)


decisions = st.tuples(versions, st.integers(0, 60)).map(lambda pair: f"{pair[0]}-{pair[1]}")


@st.composite
def outcomes(draw) -> Input:
    decision = draw(decisions)
    review = f"r{draw(st.integers(0, 30))}"
    return outcome(
        f"{review}-{decision}",
        decision,
        draw(st.sampled_from(["upheld", "overturned"])),
        draw(times),
        version=decision[:2],
        reviewer=draw(st.sampled_from(["p1", "q1"])),
    )


@st.composite
def commands(draw) -> Input:
    kind = draw(st.sampled_from(["release", "release", "void", "undo", "resume"]))
    target = draw(versions if kind in ("undo", "resume") else decisions)
    if kind == "undo" and draw(st.booleans()):
        target = draw(decisions)
    return command(kind, target, draw(times), id=f"c{draw(st.integers(0, 40))}")


logs = st.tuples(
    st.lists(commands(), max_size=10),
    st.lists(st.one_of(proposals(), proposals(), proposals(), outcomes()), max_size=60),
)


def within(words: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Neighbouring undone ones in one order: which of them is first is nobody's promise."""
    ordered: list[tuple[str, ...]] = []
    run: list[tuple[str, ...]] = []
    for word in [*words, ("",)]:
        if word[0] == "undone":
            run.append(word)
            continue
        ordered += sorted(run)
        run = []
        ordered.append(word)
    return ordered[:-1]


@given(logs, st.integers(0, 1 << 32))
@settings(max_examples=400, deadline=None)
def test_verdicts_are_those_worked_out_from_all_that_came_whatever_chunks_and_kills(
    both: tuple[list[Input], list[Input]], seed: int
) -> None:
    reference = Reference()
    for one in merged(both):
        reference.take(one)
    expected = [word[:3] for word in reference.said]
    play = Play(BREAKER, newest=NEWEST).feed(*merged(both))
    assert within(play.said) == within(expected)
    assert [item["held_by"] for item in play.on("review-queue") if item["reason"] == "held"] == [
        word[3] for word in reference.said if word[0] == "held"
    ]
    whole = (both[0], judged(both[1], BREAKER))
    killed = Partition(agent(newest=NEWEST), whole, random.Random(seed)).run(END)
    assert killed.outputs == play.until(END - START).outputs


@given(logs, st.integers(0, 1 << 32), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_an_undo_in_small_steps_is_the_same_whatever_chunks_and_kills_and_reverses_the_same(
    both: tuple[list[Input], list[Input]], seed: int, step: int
) -> None:
    play = Play(BREAKER, newest=NEWEST, undo_step=step).feed(*merged(both)).until(END - START)
    whole = (both[0], judged(both[1], BREAKER))
    killed = Partition(agent(newest=NEWEST, undo_step=step), whole, random.Random(seed)).run(END)
    assert said(killed.outputs) == play.said
    assert killed.outputs == play.outputs


@given(st.lists(proposals(), max_size=60), st.integers(0, 1 << 32), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_an_undo_in_small_steps_reverses_all_and_only_what_stood_when_it_was_ordered(
    asked: list[Input], seed: int, step: int
) -> None:
    asked.sort(key=lambda one: one.at)
    order = command("undo", "v1", random.Random(seed).randint(0, 3 * DAY))
    resume = command("resume", "v1", order.at)
    both = ([order, resume], asked)
    stood = Play(BREAKER, newest=NEWEST).feed(*(one for one in asked if one.at < order.at)).said
    play = Play(BREAKER, newest=NEWEST, undo_step=step).feed(*merged(both))
    for turn in range(len(asked)):
        play.until(END - START + turn * PACE_MS)
    assert sorted(word[1] for word in play.said if word[0] == "undone") == sorted(
        word[1] for word in stood if word[0] == "granted" and word[1].startswith("v1")
    )


@given(st.lists(proposals(), max_size=80), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_no_budget_is_exceeded_or_left_unused_in_whatever_order_proposals_come(
    asked: list[Input], dice: random.Random
) -> None:
    """With the same limits throughout: as many as were asked for, up to the limit, in each hour."""
    asked = [
        proposal(name, one.at, budget_hour=2, version=one.value["version"])
        for name, one in {one.value["id"]: one for one in asked}.items()
    ]
    dice.shuffle(asked)
    never = Breaker(surge_least=1_000)
    granted = [word[1] for word in Play(never).feed(*asked).said if word[0] == "granted"]
    hours = {one.value["id"]: one.at // HOUR for one in asked}
    wanted = Counter(hours.values())
    assert Counter(hours[name] for name in granted) == {
        hour: min(2, count) for hour, count in wanted.items()
    }
