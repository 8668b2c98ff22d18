"""What may happen to one account, and the policies it may happen under, for property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from streams.policy import Established, Ladder, Rung, VerdictKind, load
from tests.policy.reference import ORDER

COOLDOWN, DECAY, WINDOW = 10_000, 100_000, 20_000
HARMS = ("csam", "spam", "fraud")
USERS = (None, "u1")
REVIEWERS = ("r1", "r2", "r3")
SIGN = "credentials.changed"
STEPS = (
    *(COOLDOWN, COOLDOWN, COOLDOWN, COOLDOWN + 1, COOLDOWN + 1, COOLDOWN - 2, COOLDOWN - 1),
    *(0, 1, -5, 2 * COOLDOWN, DECAY // 4, DECAY - 2),
)
CONTENT = ("content.remove", "protect", "credentials.lock")


# ------------------------------------------------------------------ what may happen


class Offend(NamedTuple):
    """`granted`: whatever is proposed is granted at once; `again`: the newest detection again."""

    harm: str
    asked: str
    user: str | None
    pattern: str
    act: int
    again: bool
    granted: bool
    limits: dict[str, Any]


class Say(NamedTuple):
    which: int
    kind: str


class Judge(NamedTuple):
    which: int
    stage: str
    outcome: str
    reviewer: str
    detection: bool


class Retract(NamedTuple):
    which: int


class Sign(NamedTuple):
    ago: int


class Age(NamedTuple):
    band: str


class Snooze(NamedTuple):
    until: int


def mostly(shares):
    """Each strategy as often as its share says (`one_of` takes each for as likely as the others)."""
    drawn = [strategy for share, strategy in shares.items() for _ in range(share)]
    return st.sampled_from(drawn).flatmap(lambda strategy: strategy)


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "cause": st.just(1),
        "capped": st.just(True),
        "reports_only": st.just(True),
        "age_band": st.sampled_from(["teen", "adult"]),
        "surface": st.sampled_from(["upload", "finetune_upload"]),
        "established": st.sampled_from(
            [Established.ACCOUNT, Established.DATASET, Established.NOTHING]
        ),
        "reviewer": st.sampled_from(REVIEWERS),
    },
)
OFFENCES = st.builds(
    Offend,
    st.sampled_from(["csam", "csam", "csam", "spam", "fraud"]),
    st.sampled_from([*ORDER, *ORDER, *ORDER, *CONTENT]),
    st.sampled_from([None, None, None, "u1"]),
    st.sampled_from(["p1", "p2"]),
    st.sampled_from([0, 0, -WINDOW, -WINDOW - 1, -5 * WINDOW]),
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from([True] * 6 + [False]),
    mostly({4: st.just({}), 1: LIMITS}),
)
SAID = st.one_of(
    st.builds(Say, st.integers(-1, 9), st.sampled_from([*["undone"] * 4, *VerdictKind, "granted"])),
    st.builds(
        Judge,
        st.integers(-1, 9),
        st.sampled_from(["first", "appeal"]),
        st.sampled_from(["overturned", "upheld", "overturned", "appealed", "unsure"]),
        st.sampled_from(REVIEWERS),
        st.booleans(),
    ),
    st.builds(Retract, st.integers(-1, 9)),
)
NOTED = st.one_of(
    st.builds(Sign, st.sampled_from([0, WINDOW, 3 * WINDOW])),
    st.builds(Age, st.sampled_from(["adult", "minor", "adult", "unknown"])),
    st.builds(Snooze, st.sampled_from([-1, COOLDOWN, COOLDOWN])),
)
EVENT = st.tuples(st.sampled_from(STEPS), mostly({10: OFFENCES, 5: SAID, 1: NOTED}))
CLIMB = st.builds(
    lambda times, asked: [
        (COOLDOWN, Offend("csam", asked, None, "p1", 0, False, True, {})) for _ in range(times)
    ],
    st.integers(0, 6),
    st.sampled_from(ORDER[:3]),
)
"""Somebody who goes on and on, so that there is something to take back."""
EVENTS = st.builds(
    lambda climb, events: climb + events,
    CLIMB,
    st.sampled_from([3, 10, 20, 30]).flatmap(
        lambda size: st.lists(EVENT, min_size=size, max_size=size)
    ),
)


SHAPES = [
    ("prevention.message", "warn", "restrict", "restrict", "suspend", "suspend"),
    ("prevention.message", "warn", "warn", "restrict", "suspend"),
    ("warn", "restrict", "restrict", "suspend"),
    ("prevention.message", "restrict", "suspend"),
    ("warn", "suspend"),
    ("prevention.message", "warn"),
    ("warn",),
]
COUNTS = [(0, 1, 2, 3, 4, 5), (0, 1, 3, 4, 6, 7), (0, 2, 3, 4, 5, 6)]


@st.composite
def ladders(draw, name):
    """Ladders of any shape the reader would let pass."""
    rungs = tuple(
        Rung(count, action, 0 if action in ORDER[:2] else 1000 * (number + 1))
        for number, (count, action) in enumerate(
            zip(draw(st.sampled_from(COUNTS)), draw(st.sampled_from(SHAPES)), strict=False)
        )
    )
    return Ladder(name, rungs, DECAY, draw(st.sampled_from([0, COOLDOWN, COOLDOWN])))


@st.composite
def policies(draw):
    shipped = load()
    own = draw(ladders("own"))
    reach = {
        asked: draw(st.sampled_from(["suspend", *ORDER[ORDER.index(asked) :]])) for asked in ORDER
    }
    return replace(
        shipped,
        default=draw(ladders("default")),
        by_harm={"csam": own},
        raised_to=reach,
        takeover=replace(
            shipped.takeover,
            window=WINDOW,
            turns=frozenset(draw(st.sampled_from([["suspend"], ["restrict", "suspend"], ORDER]))),
        ),
        minors=replace(
            shipped.minors, protective=frozenset(draw(st.sampled_from([ORDER[:1], ORDER[:2], []])))
        ),
    )
