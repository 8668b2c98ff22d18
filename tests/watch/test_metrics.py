"""What the on-call sees: closed series, zeros from the start, and the engine's plain calls."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.agents.accounts import accounts_agent
from streams.engine.observer import Observer
from streams.metrics import Loaded, Metrics
from streams.metrics.page import page
from streams.metrics.series import LABELS, WRITTEN, Series
from streams.patterns import load_rules
from streams.rules.in_force import InForce
from streams.signals import Reason, Schema
from streams.topics import BY_NAME
from tests.signals.records import changed, raw

AGENTS = {"accounts": ("moderation-hits", "activity")}
LADDER = Loaded("p-1", "Refusal ladder", "v1", "live", "high", "csam")
DRIP = Loaded("p-2", "Slow drip", "v1", "shadow", "low", "spam")
NOW_MS = 1_790_000_000_000


class Output(NamedTuple):
    topic: str
    value: bytes
    ts: int


class Checkpoint(NamedTuple):
    outputs: list[Output]
    refused: Counter[str]


class Clock:
    now = 1_790_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def metrics(clock):
    metrics = Metrics(AGENTS, clock=clock)
    metrics.loaded("rules-1", [LADDER, DRIP])
    return metrics


class Silent:
    """A worker that judges by whatever it is told."""

    def use(self, ruleset):
        pass

    def say(self, words):
        pass


def families(metrics):
    return text_string_to_metric_families(metrics.text().decode())


def samples(metrics):
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families(metrics)
        for sample in family.samples
    }


def value(metrics, name, *labels):
    return samples(metrics)[f"vigil_{name}", tuple(sorted(labels))]


def test_it_is_the_observer_the_engine_wants(metrics):
    observer: Observer = metrics  # mypy holds this; at run time the names are compared
    wanted = {name for name in vars(Observer) if not name.startswith("_")}
    assert wanted <= set(dir(observer))


def test_every_series_that_matters_exists_at_zero_before_anything_happens(metrics):
    assert value(metrics, "signals_total", "accounts", "activity") == 0
    assert value(metrics, "detections_total", "p-1", "live") == 0
    assert value(metrics, "detections_total", "p-2", "shadow") == 0
    assert value(metrics, "enforcement_total", "suspend", "csam") == 0
    assert value(metrics, "lag_seconds", "accounts") == 0
    assert value(metrics, "checkpoint_seconds_count", "accounts") == 0
    for reason in Reason:
        assert value(metrics, "dead_letters_total", "accounts", reason) == 0
    assert value(metrics, "ruleset_info", "rules-1") == 1


def test_a_checkpoint_counts_what_it_put_out_and_refused_and_how_long_it_took(metrics):
    now_ms = 1_790_000_000_000
    metrics.handled("accounts", "activity", 500)
    metrics.committed(
        "accounts",
        Checkpoint(
            outputs=[
                Output("detections", b'{"pattern":"p-1","mode":"live","x":[1]}', now_ms - 90),
                Output("enforcement", b'{"action":"warn","harm":"csam","pattern":"p-1"}', now_ms),
                Output("dead-letters", b"{}", now_ms),
            ],
            refused=Counter({"malformed_id": 2}),
        ),
        seconds=0.03,
        at_ms=now_ms,
    )
    assert value(metrics, "signals_total", "accounts", "activity") == 500
    assert value(metrics, "detections_total", "p-1", "live") == 1
    assert value(metrics, "enforcement_total", "warn", "csam") == 1
    assert value(metrics, "outputs_total", "dead-letters") == 1
    assert value(metrics, "dead_letters_total", "accounts", "malformed_id") == 2
    assert value(metrics, "checkpoint_seconds_count", "accounts") == 1
    assert value(metrics, "latency_seconds_sum", "detections") == pytest.approx(0.09)


def test_what_is_held_and_what_opened_a_breaker_is_counted_by_pattern(metrics):
    assert value(metrics, "held_total", "p-1", "budget_hour") == 0
    assert value(metrics, "breakers_total", "p-1", "precision") == 0
    outputs = [
        Output("review-queue", b'{"reason":"held","held_by":"budget_day","pattern":"p-1"}', 0),
        Output("review-queue", b'{"reason":"held","held_by":"surge","pattern":"p-1"}', 0),
        Output("review-queue", b'{"reason":"breaker","held_by":"surge","pattern":"p-1"}', 0),
        Output("review-queue", b'{"reason":"appeal","pattern":"p-1"}', 0),
        Output("review-queue", b'{"reason":"held","held_by":"free text","pattern":"qzx"}', 0),
    ]
    metrics.committed("governor", Checkpoint(outputs, Counter()), seconds=0.01, at_ms=0)
    assert value(metrics, "held_total", "p-1", "budget_day") == 1
    assert value(metrics, "held_total", "p-1", "surge") == 1
    assert value(metrics, "breakers_total", "p-1", "surge") == 1
    assert value(metrics, "held_total", "other", "other") == 1
    assert "qzx" not in metrics.text().decode()


def commit(metrics, *outputs, agent="accounts"):
    records = [Output(topic, json.dumps(value).encode(), NOW_MS) for topic, value in outputs]
    metrics.committed(agent, Checkpoint(records, Counter()), seconds=0.01, at_ms=NOW_MS)


def test_a_detection_taken_back_is_no_detection(metrics):
    commit(
        metrics,
        ("detections", {"pattern": "p-1", "mode": "live"}),
        ("detections", {"pattern": "p-1", "mode": "live", "retracts": "d-1"}),
    )
    assert value(metrics, "detections_total", "p-1", "live") == 1
    assert value(metrics, "retractions_total", "p-1") == 1


def test_what_became_of_proposed_actions_is_counted_by_who_decided(metrics):
    about = {"pattern": "p-1", "at": "2026-09-21T14:13:20.000Z"}
    commit(
        metrics,
        ("account-signals", {**about, "kind": "granted"}),
        ("account-signals", {**about, "kind": "granted", "reviewer": "rv-1"}),
        ("account-signals", {**about, "kind": "voided", "reviewer": "rv-1"}),
        ("account-signals", {**about, "kind": "undone", "reviewer": "rv-1"}),
        ("account-signals", {**about, "kind": "held"}),
        agent="accounts",
    )
    for verdict in ("granted", "released", "voided", "undone"):
        assert value(metrics, "verdicts_total", "p-1", verdict) == 1, verdict


def test_time_to_removal_runs_from_when_content_had_to_go_to_the_commit(metrics):
    assert value(metrics, "removal_seconds_count") == 0
    commit(
        metrics,
        ("account-signals", {"kind": "content", "at": "2026-09-21T14:12:20.000Z"}),
        ("account-signals", {"kind": "entity", "at": "2026-09-21T14:12:20.000Z"}),
    )
    assert value(metrics, "removal_seconds_count") == 1
    assert value(metrics, "removal_seconds_sum") == 60


def test_reviews_count_for_the_pattern_they_judge(metrics):
    commit(
        metrics,
        ("proposals", {"kind": "propose", "pattern": "p-1"}),
        ("proposals", {"kind": "outcome", "pattern": "p-1", "outcome": "upheld"}),
        ("proposals", {"kind": "outcome", "pattern": "p-1", "outcome": "overturned"}),
        ("proposals", {"kind": "outcome", "pattern": "qzx", "outcome": "qzx"}),
    )
    assert value(metrics, "reviewed_total", "p-1", "upheld") == 1
    assert value(metrics, "reviewed_total", "p-1", "overturned") == 1
    assert value(metrics, "reviewed_total", "other", "other") == 1


def test_what_is_put_before_people_is_counted_by_reason_and_reports_too(metrics):
    assert value(metrics, "review_items_total", "appeal") == 0
    commit(
        metrics,
        ("review-queue", {"reason": "appeal", "pattern": "p-1"}),
        ("review-queue", {"reason": "held", "held_by": "surge", "pattern": "p-1"}),
        ("reports", {"kind": "with a message", "status": "with a message"}),
    )
    assert value(metrics, "review_items_total", "appeal") == 1
    assert value(metrics, "review_items_total", "held") == 1
    assert value(metrics, "reports_total", "other", "other") == 1


def test_hits_are_counted_by_who_found_them_and_where(metrics):
    assert value(metrics, "hits_total", "classifier", "output") == 0
    agent = metrics.counting(accounts_agent(load_rules(("catalogue",), Schema()), Schema()))
    decode = agent.decoders["moderation-hits"]
    for without in ("", "score", "surface"):
        decode(raw(changed("moderation-hits", without)))
    assert value(metrics, "hits_total", "classifier", "output") == 0, "per chunk"
    metrics.handled("accounts", "moderation-hits", 3)
    assert value(metrics, "hits_total", "classifier", "output") == 2
    assert value(metrics, "hits_total", "classifier", "none") == 1
    metrics.handled("accounts", "moderation-hits", 3)
    assert value(metrics, "hits_total", "classifier", "output") == 2, "once"


def test_a_report_is_a_draft_once_however_often_it_changes(metrics):
    draft = {"kind": "cybertipline", "status": "draft"}
    by_one, by_two = {"doubted_by": "p-1"}, {"doubted_by": "p-1", "retracted_by": "p-2"}
    confirmed = {"status": "confirmed", "confirmed_by": "p-1", "amended": 1}
    assert value(metrics, "reports_total", "cybertipline", "draft") == 0
    steps = {
        "draft": draft,
        "amended": {**draft, "amended": 1},
        "doubted": {**draft, "amended": 1, **by_one},
        "confirmed": {**draft, **confirmed},
        "dropped": {**draft, "status": "retracted", **by_two},
        "retracted": {**draft, **confirmed, "status": "retracted", "retracted_by": "p-2"},
    }
    for step, report in steps.items():
        commit(metrics, ("reports", report))
        assert value(metrics, "reports_total", "cybertipline", step) == 1, step


def test_what_is_left_to_restore_is_summed_over_partitions_and_ends_with_them(metrics):
    metrics.restoring("accounts", 0, 500)
    metrics.restoring("accounts", 1, 300)
    metrics.restoring("accounts", 0, 100)
    assert value(metrics, "restore_left_records", "accounts") == 400
    metrics.state_size("accounts", 0, 500, 10_000)  # read to the end
    metrics.state_size("accounts", 1, 0, 0)  # given up
    assert value(metrics, "restore_left_records", "accounts") == 0


def test_with_the_whole_catalogue_a_worker_has_far_less_than_five_thousand_series():
    ruleset = load_rules(("catalogue",), Schema())
    metrics = Metrics(dict.fromkeys(("accounts", "entities", "governor"), BY_NAME))
    InForce(Silent(), metrics, ruleset, source="catalogue")
    for agent, topic in itertools.product(("accounts", "entities", "governor"), WRITTEN):
        metrics.committed(agent, Checkpoint([Output(topic, b"{}", 0)], Counter()), 0.0, NOW_MS)
    found = [sample for family in families(metrics) for sample in family.samples]
    assert len(found) <= 5_000 / 3
    looked_at = {one.labels["topic"] for one in found if one.name == "vigil_pattern_topic_info"}
    assert looked_at <= {"activity", "moderation-hits", "reviews", "account-signals"}
    assert "moderation-hits" in looked_at
    needed = {one.labels["source"] for one in found if one.name == "vigil_pattern_source_info"}
    assert {"hash_match", "classifier", "user_report"} == needed


def test_every_label_has_a_closed_list_and_every_metric_a_row(metrics):
    table = {one.name: one for one in metrics.series.table}
    assert {label for one in table.values() for label in one.labels} == LABELS.keys()
    for family in families(metrics):
        if family.name.startswith("vigil_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            assert table.pop(name).type == family.type
    assert not table


def test_the_page_is_the_one_made_from_the_registry():
    committed = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert committed.read_text() == page(Series({})), "run: make docs"


def test_no_value_outside_the_closed_lists_becomes_a_label(metrics):
    canary = "qzxcanary"
    metrics.committed(
        "accounts",
        Checkpoint(
            outputs=[
                Output("detections", f'{{"pattern":"{canary}","mode":"{canary}"}}'.encode(), 0),
                Output("enforcement", f'{{"action":"{canary}","harm":"{canary}"}}'.encode(), 0),
            ],
            refused=Counter({canary: 1}),
        ),
        seconds=0.0,
        at_ms=0,
    )
    metrics.commit_failed("accounts", f"{canary} went wrong: with a message")
    assert canary not in metrics.text().decode()
    assert value(metrics, "detections_total", "other", "other") == 1
    assert value(metrics, "checkpoint_failures_total", "accounts", "other") == 1


def test_failures_are_counted_by_type_and_their_types_are_bounded(metrics):
    for number in range(100):
        metrics.commit_failed("accounts", f"Error{number}")
    reasons = [key for key in samples(metrics) if key[0] == "vigil_checkpoint_failures_total"]
    assert len(reasons) <= 25
    assert value(metrics, "checkpoint_failures_total", "accounts", "Error1") == 1


def test_lag_is_the_age_of_the_oldest_waiting_signal_and_ends_with_the_backlog(metrics, clock):
    metrics.backlog("accounts", 1_790_000_000_000 - 2_500)
    assert value(metrics, "lag_seconds", "accounts") == 2.5
    clock.now += 10
    assert value(metrics, "lag_seconds", "accounts") == 12.5, "it grows while nothing moves"
    metrics.backlog("accounts", None)
    assert value(metrics, "lag_seconds", "accounts") == 0


def test_a_queue_is_as_old_as_the_first_in_it_over_all_partitions(metrics, clock):
    assert value(metrics, "queue_oldest_seconds", "held") == 0
    metrics.queued("governor", 0, {"held": 1_790_000_000_000 - 60_000})
    metrics.queued("governor", 1, {"held": 1_790_000_000_000 - 3_600_000})
    metrics.queued("governor", 2, {"held": None})
    metrics.queued("accounts", 1, {"report": 1_790_000_000_000})
    assert value(metrics, "queue_oldest_seconds", "held") == 3_600
    clock.now += 10
    assert value(metrics, "queue_oldest_seconds", "report") == 10
    metrics.queued("governor", 1, {})
    assert value(metrics, "queue_oldest_seconds", "held") == 70, "the other is somebody else's now"


def test_state_is_summed_over_partitions_and_forgotten_with_them(metrics):
    metrics.state_size("accounts", 0, 10, 1000)
    metrics.state_size("accounts", 1, 5, 500)
    assert value(metrics, "state_records", "accounts") == 15
    assert value(metrics, "state_bytes", "accounts") == 1500
    metrics.state_size("accounts", 0, 0, 0)
    assert value(metrics, "state_bytes", "accounts") == 500


def test_the_text_is_byte_for_byte_the_client_librarys_however_often_it_is_made(metrics, clock):
    """Of the process's own figures all but the numbers: those move while one looks."""

    def same():
        written, wanted = metrics.text(), generate_latest(metrics.series.registry)
        return steady(written) == steady(wanted)

    def steady(text):
        return [
            line.rpartition(b" ")[0] if line.startswith(b"process_") else line
            for line in text.splitlines(keepends=True)
        ]

    assert same()
    metrics.handled("accounts", "activity", 3)
    metrics.commit_failed("accounts", "KafkaError")
    metrics.backlog("accounts", NOW_MS - 1_234)
    metrics.loaded("rules-2", [LADDER._replace(title='a "b" \\ c\nd 1.0', version="v2")])
    assert same()
    clock.now += 10_000_000.5
    metrics.handled("accounts", "activity", 10**18)
    metrics.loaded("rules-1", [LADDER, DRIP])
    assert same()


def test_another_rule_set_replaces_the_info_and_keeps_the_counts(metrics):
    metrics.committed(
        "accounts",
        Checkpoint([Output("detections", b'{"pattern":"p-1","mode":"live"}', 0)], Counter()),
        0.0,
        0,
    )
    metrics.loaded("rules-2", [LADDER._replace(version="v2")])
    found = samples(metrics)
    assert ("vigil_ruleset_info", ("rules-1",)) not in found
    assert value(metrics, "ruleset_info", "rules-2") == 1
    assert value(metrics, "detections_total", "p-1", "live") == 1
    assert sum(1 for name, _ in found if name == "vigil_pattern_info") == 1


def test_names_carry_the_prefix_and_a_base_unit(metrics):
    for family in families(metrics):
        assert family.name.startswith(("vigil_", "process_")), family.name
        assert not family.name.endswith(("_ms", "_kb", "_percent"))
