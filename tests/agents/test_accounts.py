"""The accounts agent on the in-memory driver: what it emits, remembers and forgets."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from streams.agents.account_state import ACCOUNT, holds
from streams.agents.accounts import accounts_agent
from streams.agents.case_state import ACTION, CASE
from streams.agents.matching import PatternError
from streams.agents.reporters import REPORTERS
from streams.agents.reports import INCIDENT
from streams.agents.windows_state import GROUPS, MAX_GROUPS, WAITING, WINDOW
from streams.patterns import RuleSet
from streams.patterns.pattern import Stage
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    SCHEMA,
    START,
    Play,
    activity,
    correlation,
    hit,
    load,
    refused,
    review,
)

THREE = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 3}
"""
WARN = "harm: csam\naction: warn"


@pytest.fixture
def three(tmp_path):
    return load(tmp_path, correlation(THREE, vigil=WARN, head="level: high"))


# What is emitted


def test_a_detection_and_its_enforcement_carry_everything_the_contract_lists(three):
    play = Play(three).feed(*(refused(number * MINUTE, id=f"r{number}") for number in range(3)))
    (pattern,) = three.patterns
    (detection,) = play.detections
    ident = detection["id"]
    assert detection == {
        "id": ident,
        "pattern": "6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff",
        "title": "Correlation",
        "version": pattern.version,
        "ruleset": three.hash,
        "mode": "live",
        "severity": "high",
        "harm": "csam",
        "account": "a1",
        "at": "2026-09-21T14:15:20.000Z",
        "window": {"start": "2026-09-21T14:13:20.000Z", "end": "2026-09-21T14:15:20.000Z"},
        "evidence": ["r0", "r1", "r2"],
        "values": {"event_count": 3, "threshold": 3},
        "cause": 0,
    }
    (enforcement,) = play.enforcement
    assert enforcement == {
        "id": enforcement["id"],
        "account": "a1",
        "action": "warn",
        "harm": "csam",
        "severity": "high",
        "detections": [ident],
        "pattern": pattern.id,
        "version": pattern.version,
        "ruleset": three.hash,
        "at": detection["at"],
        "strikes": 0,
        "automated": "fully",
        "why": "asked",
        "policy": three.policy.hash,
    }
    assert len({ident, enforcement["id"]}) == 2


def test_a_shadow_pattern_detects_and_enforces_nothing(tmp_path):
    ruleset = load(tmp_path, correlation(THREE, vigil=WARN, status="test"))
    play = Play(ruleset).feed(*(refused(number) for number in range(3)))
    assert [detection["mode"] for detection in play.detections] == ["shadow"]
    assert play.enforcement == []


def test_output_ids_are_the_same_whatever_else_the_account_did(three):
    burst = [refused(number, id=f"r{number}") for number in range(3)]
    plain = Play(three).feed(*burst)
    busy = Play(three).feed(activity("login.succeeded", 0), *burst, refused(0, "a2"))
    assert plain.detections == busy.detections
    assert plain.enforcement == busy.enforcement


def test_a_windowless_detection_names_the_content_and_the_end_user_of_its_signal(tmp_path):
    play = Play(load(tmp_path, HIT)).feed(hit(0, content_ref="c1", end_user="u1"))
    (detection,) = play.detections
    assert (detection["content_ref"], detection["end_user"]) == ("c1", "u1")
    assert detection["values"] == {}


def test_a_window_over_an_account_blames_no_end_user_but_one_over_end_users_does(tmp_path, three):
    burst = [refused(number, end_user=f"u{number % 2}", content_ref="c1") for number in range(5)]
    (detection,) = Play(three).feed(*burst).detections
    assert "end_user" not in detection
    assert detection["content_ref"] == "c1"
    body = THREE.replace("[account]", "[account, end_user]")
    (detection,) = Play(load(tmp_path, correlation(body))).feed(*burst).detections
    assert detection["end_user"] == "u0"


@pytest.mark.parametrize(
    ("level", "harm", "verdict", "urgent"),
    [
        ("critical", "spam", "suspected", True),
        ("high", "csam", "confirmed", True),
        ("high", "csam", "suspected", False),
        ("high", "fraud", "confirmed", False),
    ],
)
def test_critical_and_confirmed_csam_ask_for_a_checkpoint_at_once(
    tmp_path, level, harm, verdict, urgent
):
    text = HIT.replace("status:", f"level: {level}\nstatus:") + f"vigil: {{harm: {harm}}}\n"
    asked = []

    class Out:
        def emit(self, topic, key, value, *, urgent=False):
            asked.append(urgent)

    agent = accounts_agent(load(tmp_path, text), SCHEMA)
    store = Play(load(tmp_path, text)).store
    topic, value = hit(0, verdict=verdict)
    agent.handler(store, SCHEMA.struct(topic)(**value), Out())
    assert asked == [urgent]


def test_inputs_are_in_tie_order_and_state_kinds_are_registered(three):
    agent = accounts_agent(three, SCHEMA)
    assert agent.inputs == (
        "moderation-hits",
        "reviews",
        "account-commands",
        "account-signals",
        "activity",
    )
    assert agent.kinds == (ACCOUNT, REPORTERS, INCIDENT, WINDOW, GROUPS, WAITING, CASE, ACTION)
    assert agent.home is ACCOUNT


# The same id again


def state_of(play):
    play.store.savepoint()
    return dict(play.store.items())


def test_the_same_id_again_changes_nothing_at_all(three):
    play = Play(three).feed(refused(0, id="x"), refused(1, id="y"))
    before = state_of(play)
    play.feed(refused(0, id="x"), refused(1, id="y"))
    assert state_of(play) == before
    assert play.detections == []


def test_the_same_id_on_another_topic_or_account_is_another_signal(tmp_path):
    body = THREE.replace("[refused]", "[refused, hit]")
    ruleset = load(tmp_path, correlation(body))
    play = Play(ruleset).feed(refused(0, id="x"), hit(1, id="x"), refused(0, "a2", id="x"))
    play.feed(refused(2, id="y"))
    assert play.moments() == [2]
    assert play.detections[0]["evidence"] == ["x", "x", "y"]


def test_the_last_64_ids_of_each_topic_are_remembered(three):
    first = activity("login.succeeded", 0, id="x")  # no pattern asks for it
    others = [activity("login.succeeded", 1 + number) for number in range(63)]
    play = Play(three).feed(first, *others, *(hit(number) for number in range(100)), review(1))
    before = state_of(play)
    assert state_of(play.feed(first)) == before
    play.feed(activity("login.succeeded", 64))
    before = state_of(play)
    assert state_of(play.feed(first)) != before


def test_what_a_window_holds_is_remembered_longer_than_64_ids(three):
    play = Play(three).feed(refused(0, id="x"), refused(1, id="y"))
    play.feed(*(activity("login.succeeded", 2 + number) for number in range(500)))
    before = state_of(play)
    assert state_of(play.feed(refused(0, id="x"))) == before
    assert play.detections == []


def test_a_digest_across_two_others_is_not_a_digest():
    assert not holds(b"abcdefghABCDEFGH", b"efghABCD")
    assert holds(b"abcdefghABCDEFGHefghABCD", b"efghABCD")


# State


def test_an_account_without_an_open_window_takes_less_than_250_bytes(three):
    play = Play(three)
    source = random.Random(7)
    for account in range(200):
        name = f"{source.getrandbits(128):032x}-{account:03}"
        play.feed(
            *(
                activity(
                    "prompt.submitted", number * HOUR, name, id=f"{source.getrandbits(144):036x}"
                )
                for number in range(source.randint(1, 19))
            )
        )
    sizes = [len(key) + len(data) for key, data in state_of(play).items() if key[:1] == b"A"]
    assert len(sizes) == 200
    assert sum(sizes) / len(sizes) <= 250


def test_an_account_is_forgotten_thirty_days_after_its_last_signal(three):
    play = Play(three).feed(refused(0))
    play.store.now = START + 30 * DAY - 1
    assert play.store.get(ACCOUNT, "a1") is not None
    play.store.now = START + 30 * DAY
    assert play.store.get(ACCOUNT, "a1") is None


def test_an_account_is_never_forgotten_before_its_windows(tmp_path):
    ruleset = load(tmp_path, correlation(THREE.replace("10m", "60d")))
    play = Play(ruleset, idle_ms=1 * DAY).feed(refused(0))
    play.store.now = START + 59 * DAY
    assert play.store.get(ACCOUNT, "a1") is not None


def test_a_window_expires_only_once_its_contents_are_dead(three):
    (pattern,) = three.patterns
    play = Play(three).feed(refused(0))
    play.store.now = START + 10 * MINUTE + 2 * 10 * MINUTE - 1
    assert play.store.get(WINDOW, "a1", pattern.key) is not None
    play.store.now += 1
    assert play.store.get(WINDOW, "a1", pattern.key) is None


def test_signals_delayed_by_days_still_correlate_with_each_other(three):
    """An offline device: the signals come long after they happened, but like each other."""
    late = activity("login.succeeded", 9 * DAY, "other")
    play = Play(three).feed(late, *(refused(number * MINUTE) for number in range(3)))
    assert play.moments() == [2 * MINUTE]


def test_a_hot_account_stays_within_bounds(tmp_path):
    body = THREE.replace("gte: 3", "gte: 100")
    ruleset = load(tmp_path, correlation(body))
    play = Play(ruleset)
    long_id = "x" * 57
    play.feed(*(refused(number * 10, id=f"{long_id}{number:07}") for number in range(20_000)))
    assert max(len(data) for data in state_of(play).values()) <= 256 * 1024


def test_groups_of_one_account_are_bounded_and_the_quietest_go_first(tmp_path):
    body = THREE.replace("[account]", "[account, device]")
    ruleset = load(tmp_path, correlation(body))
    (pattern,) = ruleset.patterns
    play = Play(ruleset)
    play.feed(*(refused(number, device=f"d{number}") for number in range(MAX_GROUPS + 500)))
    groups = play.store.get(GROUPS, "a1", pattern.key)
    windows = [sub for sub, _ in play.store.scan(WINDOW, "a1")]
    assert len(groups.newest) <= MAX_GROUPS
    assert windows == sorted(f"{pattern.key}/{group}" for group in groups.newest)
    assert f"d{MAX_GROUPS + 499}" in groups.newest
    assert "d0" not in groups.newest


def test_windows_survive_a_change_of_words_but_not_of_meaning(tmp_path):
    def go_on(change):
        text = correlation(THREE)
        first = Play(load(tmp_path, text)).feed(refused(0), refused(1))
        second = Play(load(tmp_path, text.replace(*change)))
        first.store.savepoint()
        for key, data in first.store.items():
            second.store.restore(key, data)
        return second.feed(refused(2)).moments()

    assert go_on(("title: Correlation", "title: The same, better named")) == [2]
    assert go_on(("gte: 3", "gte: 2.5")) == []


# Failures


class Broken(Exception):
    pass


def with_a_broken_pattern(ruleset, name):
    """The rule set with one pattern that raises when it is asked."""

    def find(signal):
        raise Broken

    class WithBrokenPattern(RuleSet):
        def plans_of(self, agent):
            return {
                topic: {
                    value: tuple(
                        replace(plan, find=find, sure=None) if plan.pattern.title == name else plan
                        for plan in found
                    )
                    for value, found in plans.items()
                }
                for topic, plans in super().plans_of(agent).items()
            }

        def only(self, ids):
            kept = super().only(ids)
            return WithBrokenPattern(kept.patterns, kept.schema, kept.hash)

    return WithBrokenPattern(ruleset.patterns, ruleset.schema, ruleset.hash)


def test_a_pattern_that_raises_is_named_and_can_be_switched_off(tmp_path):
    other = REFUSED.replace("7a01", "7a09").replace("Refused", "Other").replace("name:", "# ")
    text = correlation(THREE) + "---" + other
    ruleset = with_a_broken_pattern(load(tmp_path, text), "Correlation")
    agent = accounts_agent(ruleset, SCHEMA)
    play = Play(ruleset)
    topic, value = refused(0)
    signal = SCHEMA.struct(topic)(**value)
    outbox = play.driver.processors[0].outbox
    with pytest.raises(PatternError) as raised:
        agent.handler(play.store, signal, outbox)
    assert raised.value.pattern == "6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff"
    assert isinstance(raised.value.__cause__, Broken)
    play.store.rollback()
    agent.switch_off(raised.value.pattern)
    agent.handler(play.store, signal, outbox)
    assert [output.topic for output in outbox.take()] == ["detections"]


def test_a_correlation_that_raises_is_named_too(three):
    (pattern,) = three.patterns

    class Odd:
        lateness = 1
        horizon = 1

        independent = 0

        def add(self, *_):
            raise Broken

    broken = type(three)([replace(pattern, stages=(Stage(Odd()),))], SCHEMA, "x")
    topic, value = refused(0)
    play = Play(three)
    with pytest.raises(PatternError):
        accounts_agent(broken, SCHEMA).handler(play.store, SCHEMA.struct(topic)(**value), None)
