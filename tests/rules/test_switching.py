"""Another rule set between two signals: what lives on, what begins anew, what is never redone."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from streams.agents.accounts import IDLE_MS, accounts_agent
from streams.engine.memory import MemoryRecord
from streams.engine.processor import Processor
from streams.metrics import Metrics
from streams.patterns import RuleSet, load_files
from streams.rules.differences import differences
from streams.rules.follow import Refusal
from streams.rules.in_force import InForce
from streams.rules.running import Running, State, Worker
from tests.patterns.driving import (
    DAY,
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    SCHEMA,
    Play,
    activity,
    correlation,
    hit,
    records,
    refused,
)
from tests.rules import books


def load(**files: str) -> RuleSet:
    return load_files(books.book(**files), SCHEMA)


def seen(play: Play) -> list[tuple[str, str, list[str]]]:
    return [(one["title"], one["mode"], one["evidence"]) for one in play.detections]


def test_promoted_with_half_a_window_it_fires_live_with_the_evidence_from_before():
    play = Play(load(ladder=books.ladder(status="experimental")))
    play.feed(refused(0, id="s1"), refused(MINUTE, id="s2"))
    play.agent.use(load(ladder=books.ladder(status="stable")))
    play.feed(refused(2 * MINUTE, id="s3"))
    assert seen(play) == [("Ladder", "live", ["s1", "s2", "s3"])]
    assert [one["action"] for one in play.enforcement] == ["warn"]


def test_demoted_with_half_a_window_it_fires_in_shadow_and_proposes_nothing():
    play = Play(load(ladder=books.ladder(status="stable")))
    play.feed(refused(0, id="s1"), refused(MINUTE, id="s2"))
    play.agent.use(load(ladder=books.ladder(status="test")))
    play.feed(refused(2 * MINUTE, id="s3"))
    assert seen(play) == [("Ladder", "shadow", ["s1", "s2", "s3"])]
    assert play.enforcement == []


def test_rolled_out_to_all_with_half_a_window_it_fires_live_with_the_evidence_from_before():
    nobody, everybody = load(ladder=books.ladder(rollout="0")), load(ladder=books.ladder())
    play = Play(nobody)
    play.feed(*(refused(n * MINUTE, "a2") for n in range(3)))
    play.feed(refused(3 * MINUTE, id="s1"), refused(4 * MINUTE, id="s2"))
    play.agent.use(everybody)
    play.feed(refused(5 * MINUTE, id="s3"))
    told = [(one["account"], one["mode"], len(one["evidence"])) for one in play.detections]
    assert told == [("a2", "shadow", 3), ("a1", "live", 3)]
    assert [one["account"] for one in play.enforcement] == ["a1"]


UNSEEN = HIT.replace("name: hit\n", "") + (
    "vigil:\n  harm: csam\n  unless: {rules: [refused], within: 2h}\n  cooldown: 6h\n---" + REFUSED
)


def test_what_unless_holds_back_is_told_by_the_set_in_force_at_its_deadline_or_not_at_all():
    first = load(unseen=UNSEEN)
    second = load(unseen=UNSEEN, ladder=books.ladder())
    told, dropped, changed = Play(first), Play(first), Play(first)
    for play, ruleset in (
        (told, second),
        (dropped, load()),
        (changed, load(unseen=UNSEEN.replace("2h", "3h"))),
    ):
        play.feed(hit(0, id="h1"))
        play.agent.use(ruleset)
        play.until(4 * HOUR)
    assert [(one["evidence"], one["ruleset"]) for one in told.detections] == [(["h1"], second.hash)]
    assert dropped.detections == []
    assert changed.detections == []


def test_an_episode_told_in_shadow_is_not_told_again_when_the_pattern_is_promoted():
    play = Play(load(ladder=books.ladder(status="experimental")))
    play.feed(*(refused(n * MINUTE) for n in range(3)))
    play.agent.use(load(ladder=books.ladder(status="stable")))
    play.feed(refused(3 * MINUTE))
    assert [one["mode"] for one in play.detections] == ["shadow"]


def test_outputs_carry_the_set_that_made_them():
    first, second = load(ladder=books.ladder(3)), load(ladder=books.ladder(4))
    assert first.hash != second.hash
    play = Play(first)
    play.feed(activity("upload.created", 0))
    play.agent.use(second)
    play.feed(activity("upload.created", 1))
    assert [one["ruleset"] for one in play.detections] == [first.hash, second.hash]


def test_another_meaning_begins_with_empty_windows_and_the_old_one_finds_its_own_again():
    three, four = load(logins=books.logins(3)), load(logins=books.logins(4))
    play = Play(three)
    play.feed(activity("login.failed", 0, id="s1"), activity("login.failed", MINUTE, id="s2"))
    play.agent.use(four)
    play.feed(*(activity("login.failed", n * MINUTE, id=f"s{n + 1}") for n in (2, 3)))
    assert play.detections == [], "with the old window it would be the fourth"
    play.agent.use(three)
    play.feed(activity("login.failed", 4 * MINUTE, id="s5"))
    assert [one["evidence"] for one in play.detections] == [["s1", "s2", "s5"]]


def test_a_pattern_that_was_switched_off_is_on_again_under_a_new_set():
    ruleset = load(ladder=books.ladder())
    play = Play(ruleset)
    assert play.agent.switch_off is not None
    play.agent.switch_off(books.LADDER)
    play.feed(*(refused(n * MINUTE) for n in range(3)))
    assert play.detections == []
    play.agent.use(ruleset)
    play.feed(*(refused(n * MINUTE) for n in range(3, 6)))
    assert len(play.detections) == 1


def test_accounts_are_remembered_as_long_as_the_longest_window_of_the_set_in_force():
    long = correlation(
        "type: event_count\nrules: [refused]\ngroup-by: [account]\ntimespan: 90d\n"
        "condition: {gte: 2}",
        vigil="lateness: 6m",
    )
    play = Play(load())
    for ruleset, at_least in ((load(), IDLE_MS), (load(long=long), 90 * DAY), (load(), IDLE_MS)):
        play.agent.use(ruleset)
        play.feed(refused(0))
        (expires_at,) = {
            cell.expires_s * 1000 for full, cell in play.store._entries.items() if full[:1] == b"A"
        }
        kept = expires_at - play.store.now
        assert at_least <= kept < at_least + 92 * DAY
        assert (kept > 90 * DAY) == (at_least > IDLE_MS)


# ---------------------------------------------------------------- in the processor


def buffer(processor: Processor, signals: list[Any]) -> None:
    part = [
        MemoryRecord(key, value, offset, ts)
        for offset, (_, key, value, ts) in enumerate(records(signals))
    ]
    index = processor.agent.inputs.index("activity")
    processor.inputs.seek(index, 0, len(part))
    processor.inputs.add(index, part, len(part), len(part))


def decisions(processor: Processor) -> list[dict[str, Any]]:
    outputs = processor.checkpoint().outputs
    return [msgspec.json.decode(one.value) for one in outputs if one.topic == "detections"]


OLD, NEW = load(ladder=books.ladder(3)), load(ladder=books.ladder(4))


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=20), st.data())
@settings(max_examples=200)
def test_what_was_handled_before_a_switch_is_never_judged_again_whatever_raises_after_it(
    accounts, data
):
    signals = [activity("upload.created", n, account) for n, account in enumerate(accounts)]
    switch = data.draw(st.integers(1, len(signals) - 1))
    raises = data.draw(st.integers(switch, len(signals) - 1))
    agent = accounts_agent(OLD, SCHEMA)
    handled: list[str] = []

    def raising(state: Any, signal: Any, out: Any) -> None:
        handled.append(signal.id)
        agent.handler(state, signal, out)
        if signal.id == signals[raises][1]["id"]:
            raise ArithmeticError

    processor = Processor(replace(agent, handler=raising), 0, 1)
    buffer(processor, signals)
    processor.step(switch)
    processor.settle()
    agent.use(NEW)
    while processor.step(100) is not None:
        pass
    ids = [value["id"] for _, value in signals]
    told = {one["evidence"][0]: one["ruleset"] for one in decisions(processor)}
    assert all(told[one] == OLD.hash for one in ids[:switch])
    assert all(told[one] == NEW.hash for one in ids[switch:] if one != ids[raises])
    assert all(handled.count(one) == 1 for one in ids[:switch])


# ---------------------------------------------------------------- what is told of it


def test_what_differs_between_two_sets_is_told_pattern_by_pattern():
    old = load(ladder=books.ladder(3, status="test"), logins=books.logins(3))
    new = load(
        ladder=books.ladder(3, status="stable", level="high", rollout="20"),
        more=books.logins(4).replace("Failed logins", "Logins that failed"),
    )
    promoted, changed = differences(old, new)
    assert (promoted.change, promoted.pattern, promoted.windows) == (
        "changed", books.LADDER, "kept",
    )  # fmt: skip
    assert promoted.what == {
        "mode": ("shadow", "live"),
        "severity": ("medium", "high"),
        "rollout": ("100", "20"),
    }
    assert (changed.pattern, changed.windows) == (books.LOGINS, "new")
    assert changed.what.keys() == {"version", "title"}
    gone = load(ladder=books.ladder(3, status="test"))
    (removed,) = differences(old, gone)
    assert (removed.change, removed.pattern) == ("removed", books.LOGINS)
    (added,) = differences(gone, old)
    assert (added.change, added.title) == ("added", "Failed logins")
    assert list(differences(old, old)) == []


class Deed:
    """A worker that only notes what it is asked to do."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.words: list[Running] = []

    def use(self, ruleset: RuleSet) -> None:
        self.used.append(ruleset.hash)

    def say(self, words: str) -> None:
        self.words.append(msgspec.json.decode(words, type=Running))


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_a_switch_is_told_to_metrics_and_to_whoever_asks():
    old, new = load(), load(ladder=books.ladder())
    worker, metrics, clock = Deed(), Metrics({"accounts": ()}), iter(range(1_790_000_000, 10**10))
    in_force = InForce(worker, metrics, old, source="catalogue", clock=lambda: next(clock))
    assert worker.used == []
    in_force.switch(new)
    assert worker.used == [new.hash]
    assert [(one.ruleset, one.source) for one in worker.words] == [
        (old.hash, "catalogue"),
        (new.hash, "published"),
    ]
    assert worker.words[0].since < worker.words[1].since
    found = samples(metrics)
    assert ("vigil_ruleset_info", old.hash) not in found
    assert found["vigil_ruleset_info", new.hash] == 1
    assert found["vigil_detections_total", books.LADDER, "live"] == 0


def test_a_refusal_is_told_until_another_set_is_current():
    ruleset = load()
    worker, metrics = Deed(), Metrics({"accounts": ()})
    refusal = Refusal("abc", "x" * 10_000)
    in_force = InForce(worker, metrics, ruleset, source="published", refusal=refusal)
    assert samples(metrics)["vigil_ruleset_refused",] == 1
    assert (worker.words[-1].ruleset, worker.words[-1].refused) == (ruleset.hash, "abc")
    assert len(worker.words[-1].note()) < 4_096
    in_force.refuse(None)
    assert samples(metrics)["vigil_ruleset_refused",] == 0
    assert worker.words[-1].refused is None
    in_force.refuse(refusal)
    in_force.switch(ruleset)
    assert samples(metrics)["vigil_ruleset_refused",] == 0
    assert worker.words[-1].refused is None


def test_a_worker_started_with_rules_of_its_own_is_told_to_leave_them_out_next_time(caplog):
    in_force = InForce(Deed(), Metrics({"accounts": ()}), load(), source="--rules mine")
    with caplog.at_level(logging.INFO):
        in_force.switch(load(ladder=books.ladder()))
    assert [record.getMessage() for record in caplog.records][-1] == "rules_given_too"


@pytest.mark.parametrize(
    ("alive", "running", "state"),
    [
        (True, Running(ruleset="a", since=""), State.OK),
        (True, Running(ruleset="b", since=""), State.BEHIND),
        (True, Running(ruleset="b", since="", refused="a"), State.REFUSES),
        (True, Running(ruleset="b", since="", refused="c"), State.BEHIND),
        (True, None, State.SILENT),
        (False, Running(ruleset="a", since=""), State.GONE),
    ],
)
def test_how_a_worker_stands_to_the_current_set(alive, running, state):
    assert Worker("w1", alive, running).state("a") == state
