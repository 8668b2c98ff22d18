"""`vigil explain`: the record is found, and what is told of it is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.cli import main
from streams.patterns import RuleSet, load_rules
from streams.workbench.explain.conditions import Explained, nearness
from streams.workbench.explain.near import Watch
from streams.workbench.explain.recorded import NotFound
from streams.workbench.explain.story import Story, tell
from tests.patterns.driving import (
    DAY,
    GENERATED,
    HIT,
    HOUR,
    MINUTE,
    REFUSED,
    SCHEMA,
    START,
    activity,
    correlation,
    hit,
    load,
    refused,
    review,
)  # fmt: skip

CATALOGUE = load_rules(["catalogue"], SCHEMA)
FEW = (
    *("Refusal ladder", "Output hit after input refusals", "Repeated suspected hits"),
    *("Slow drip", "Surface hopping"),
)


def write(path: Path, signals: list[tuple[str, dict[str, Any]]], **lines: Any) -> Path:
    """A recording of these signals, by time; `lines` are further raw ones."""
    texts = [
        (value["at"], {"topic": topic, "key": value["account"], "value": value, "ts": value["at"]})
        for topic, value in signals
    ]
    texts.sort(key=lambda pair: pair[0])
    path.write_text("".join(json.dumps(line) + "\n" for _, line in texts) + "".join(lines.values()))
    return path


def outputs(capsys, path: Path, *arguments: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["replay", str(path), *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def ladder() -> list[tuple[str, dict[str, Any]]]:
    return [
        *(activity("prompt.submitted", n * MINUTE, surface="input") for n in range(40)),
        *(refused(10 * MINUTE + n * MINUTE, surface="input") for n in range(7)),
        hit(9 * MINUTE, surface="output", score=0.9, act_at=START + 4 * MINUTE),
        activity("login.succeeded", 5 * MINUTE, "a2"),
    ]


@pytest.fixture
def told(tmp_path, capsys) -> tuple[Story, list[dict[str, Any]], Path]:
    path = write(tmp_path / "day.jsonl", ladder())
    said = outputs(capsys, path)
    (id_,) = (one["value"]["id"] for one in said if one["value"].get("title") == "Refusal ladder")
    return tell(id_, [path], CATALOGUE), said, path


def test_the_story_has_who_when_what_and_on_which_evidence(told):
    story, said, _ = told
    detection = said[0]["value"]
    assert story.detection.id == detection["id"]
    assert (story.title, story.detection.account) == ("Refusal ladder", "a1")
    times = len(detection["evidence"])
    end = START + (9 + times) * MINUTE
    assert story.condition == f"at least {times} × 'Prompt refused', within 30 min"
    assert story.measured == f"{times} of {times}"
    assert (story.start, story.end, story.at) == (START + 10 * MINUTE, end, end)
    marked = [moment for moment in story.moments if moment.evidence]
    assert [moment.id for moment in marked] == detection["evidence"]
    assert {tuple(moment.matched) for moment in marked} == {("Prompt refused",)}
    assert len([one for one in story.moments if one.kind == "signal"]) == 48, "only this account's"
    assert story.about.why.startswith("somebody who wants")
    assert story.about.review
    assert story.about.falsepositives
    assert story.notes == []


def test_decisions_are_told_with_what_a_reviewer_said(told, capsys, tmp_path):
    _, said, path = told
    detection, enforcement = (one["value"] for one in said)
    reviewed = write(
        tmp_path / "reviews.jsonl",
        [review(DAY, decision=enforcement["id"], outcome="overturned"), review(DAY, decision="x")],
    )
    story = tell(detection["id"], [path, reviewed], CATALOGUE)
    (action,) = story.actions
    assert (action.action, action.state) == ("prevention.message", "undone, by r1")
    assert action.why == "the rung the pattern asks for"
    assert action.rung.startswith(
        "1 of 6 of the ladder 'child_safety': prevention.message, without"
    )
    assert [(step.what, step.by, step.at) for step in action.steps] == [
        ("proposed", "Vigil", story.at),
        ("granted", "Vigil", story.at),
        ("overturned (first)", "r1", START + DAY),
        ("undone", "r1", START + DAY),
    ]


def test_an_enforcement_is_explained_by_the_detection_behind_it(told):
    story, said, path = told
    assert said[1]["topic"] == "enforcement"
    assert tell(said[1]["value"]["id"], [path], CATALOGUE).detection == story.detection


def test_records_of_vigils_own_in_the_recording_say_which_account_it_is(told, tmp_path):
    story, said, path = told
    both = tmp_path / "both.jsonl"
    both.write_text(path.read_text() + "".join(json.dumps(line) + "\n" for line in said))
    again = tell(story.detection.id, [both], CATALOGUE)
    assert (again.detection, again.notes) == (story.detection, [])


def test_under_other_rules_what_was_recorded_is_told_and_said_to_be_so(told, tmp_path):
    story, said, path = told
    files = [path, tmp_path / "said.jsonl"]
    files[1].write_text("".join(json.dumps(line) + "\n" for line in said))
    rules = load(tmp_path, correlation("type: event_count\nrules: [hit]\ngroup-by: [account]\ntimespan: 1h\ncondition: {gte: 9}"))  # fmt: skip
    other = tell(story.detection.id, files, rules)
    assert "have no pattern" in other.notes[0]
    assert other.detection == story.detection
    assert [moment.id for moment in other.moments if moment.evidence] == list(
        story.detection.evidence
    )
    text = _catalogue_file("refusal_ladder.yml").replace("gte: 6", "gte: 4")
    changed = load(tmp_path, text)
    other = tell(story.detection.id, files, changed)
    assert "name the rules of that time" in other.notes[0]
    assert other.condition == ""
    assert [o.title for o in other.others] == [], "the same thing is not told twice"


def _catalogue_file(name: str) -> str:
    from streams.patterns.loader import _catalogue  # noqa: PLC0415

    return (_catalogue() / name).read_text()


@pytest.mark.parametrize("id_", ["x", "a" * 25, "A" * 26, "1" * 26, "a" * 26])
def test_an_id_that_is_not_there_is_wrong_use_and_says_what_to_do(told, capsys, id_):
    *_, path = told
    assert main(["explain", id_, "--from", str(path)]) == 2
    err = capsys.readouterr().err
    if id_ == "a" * 26:
        assert f"no detection or enforcement {id_} in {path}" in err
        assert "--rules" in err
        assert "--from" in err
        assert CATALOGUE.hash in err
    else:
        assert "26 characters of a-z and 2-7" in err


def test_a_recording_without_the_accounts_signals_says_so(told, tmp_path):
    story, said, _ = told
    only = tmp_path / "said.jsonl"
    only.write_text("".join(json.dumps(line) + "\n" for line in said))
    with pytest.raises(NotFound, match="none of its signals"):
        tell(story.detection.id, [only], CATALOGUE)


def test_evidence_that_is_not_in_the_recording_is_counted(told, tmp_path, capsys):
    story, said, path = told
    lines = path.read_text().splitlines(keepends=True)
    gone = story.detection.evidence[0]
    part = tmp_path / "part.jsonl"
    left = [line for line in lines if json.loads(line)["value"]["id"] != gone]
    part.write_text("".join(left) + json.dumps(said[0]) + "\n")
    assert main(["explain", story.detection.id, "--from", str(part)]) == 0
    text = capsys.readouterr().out
    times = len(story.detection.evidence)
    assert f"{times - 1} of {times} signals are in this recording" in text
    assert "don't lead to this very detection" in text


def test_near_misses_are_the_patterns_of_the_same_account_that_came_closest(told):
    story, *_ = told
    assert [(near.pattern.title, near.measured, near.at - START) for near in story.near][:1] == [
        ("Output hit after input refusals", 3, 16 * MINUTE)
    ]
    rules = CATALOGUE.only({one.id for one in CATALOGUE.patterns if one.title in FEW})
    path = told[2].with_name("near.jsonl")
    signals = [*(refused(n * MINUTE) for n in range(6)), hit(HOUR, surface="input")]
    signals += [hit(2 * HOUR, surface="input"), hit(9 * DAY, surface="upload")]
    write(path, signals)
    near = tell(_first_id(path, rules), [path], rules).near
    assert [(one.pattern.title, nearness(one), one.at - START) for one in near] == [
        ("Output hit after input refusals", "3 of 4 steps", 5 * MINUTE),
        ("Repeated suspected hits", "2 of 3", 2 * HOUR),
        ("Slow drip", "3 of 5", 9 * DAY),
    ]


def _first_id(path: Path, rules: RuleSet) -> str:
    from streams.agents.accounts import INPUTS, accounts_agent  # noqa: PLC0415
    from streams.engine.memory import MemoryDriver  # noqa: PLC0415
    from streams.replay import replay  # noqa: PLC0415

    driver = MemoryDriver([accounts_agent(rules, SCHEMA)])
    found: dict[str, Any] = json.loads(next(iter(replay(driver, [path], INPUTS))).value)
    return str(found["id"])


TWO_SOURCES = correlation(
    "type: event_count\nrules: [hit]\ngroup-by: [account]\ntimespan: 1d\ncondition: {gte: 2}",
    vigil="evidence: 2",
)
UNREVIEWED = correlation(
    "type: event_count\nrules: [hit]\ngroup-by: [account]\ntimespan: 1d\ncondition: {gte: 1}",
    vigil="unless: {rules: [reviewed], within: 1h}",
) + """---
title: Looked at
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a09
name: reviewed
status: stable
logsource: {product: vigil, service: reviews}
detection:
  it: {stage: first}
  condition: it
"""  # fmt: skip
CHAINED = """
title: Two bursts
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aaa
status: stable
correlation:
  type: temporal
  rules: [burst, hit]
  group-by: [account]
  timespan: 1h
  condition: burst and not hit
---
title: Burst
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aab
name: burst
status: stable
correlation:
  type: value_count
  rules: [refused]
  group-by: [account]
  timespan: 10m
  condition: {field: device, gte: 4}
---""" + REFUSED + "---" + HIT  # fmt: skip


def near_of(tmp_path, text, *signals):
    """What came close when these signals were played with these rules."""
    from streams.agents.accounts import accounts_agent  # noqa: PLC0415
    from streams.engine.memory import MemoryDriver  # noqa: PLC0415
    from tests.patterns.driving import records  # noqa: PLC0415

    ruleset = load(tmp_path, text)
    watch = Watch(ruleset, "a1")
    driver = MemoryDriver([watch.watched(accounts_agent(ruleset, SCHEMA))])
    list(driver.feed(records(signals)))
    return watch.misses(())


def test_what_lacks_independent_sources_or_its_time_is_near_too(tmp_path):
    (near,) = near_of(tmp_path, TWO_SOURCES, hit(0), hit(MINUTE))
    assert nearness(near) == "2 of 2, but 1 of 2 independent sources"
    (near,) = near_of(tmp_path, UNREVIEWED, hit(0), review(MINUTE))
    assert near.held
    assert "it waits for what must not follow, or that did follow" in nearness(near)


def test_of_a_chain_the_part_that_got_furthest_is_told(tmp_path):
    (near,) = near_of(tmp_path, CHAINED, *(refused(n, device=f"d{n}") for n in range(3)))
    assert nearness(near) == "'Burst': 3 of 4"
    assert near.share == pytest.approx(0.75 * 0.8)
    assert near_of(tmp_path, CHAINED, refused(0, device="d1")) == []


def test_watching_changes_nothing(tmp_path, capsys):
    path = write(tmp_path / "day.jsonl", ladder())
    from streams.agents.accounts import INPUTS, accounts_agent  # noqa: PLC0415
    from streams.engine.memory import MemoryDriver  # noqa: PLC0415
    from streams.replay import replay  # noqa: PLC0415

    plain = accounts_agent(CATALOGUE, SCHEMA)
    watched = Watch(CATALOGUE, "a1").watched(accounts_agent(CATALOGUE, SCHEMA))
    one, other = (list(replay(MemoryDriver([a]), [path], INPUTS)) for a in (plain, watched))
    assert one == other
    assert one


GROUP = "group-by: [account]\ntimespan: 1h\n"


@pytest.mark.parametrize(
    ("body", "vigil", "words"),
    [
        (f"type: event_count\nrules: [hit, refused]\n{GROUP}condition: {{gt: 3}}", "",
         "more than 3 × 'Refused' or 'Hit', within 1 h"),
        (f"type: value_count\nrules: [refused]\n{GROUP}condition: {{field: device, gte: 3}}", "",
         "at least 3 different values of device among 'Refused', within 1 h"),
        (f"type: value_sum\nrules: [hit]\n{GROUP}condition: {{field: score, gte: 4}}", "",
         "sum of score at least 4 over 'Hit', within 1 h"),
        (f"type: value_avg\nrules: [hit]\n{GROUP}condition: {{field: score, lt: 0.5}}", "",
         "average of score less than 0.5 over 'Hit', within 1 h"),
        (f"type: temporal\nrules: [hit, refused]\n{GROUP}", "",
         "'Refused' and 'Hit', in any order within 1 h"),
        (f"type: temporal_ordered\nrules: [refused, refused, hit]\n{GROUP}", "",
         "2 × 'Refused', then 'Hit', in this order within 1 h"),
        (f"type: temporal\nrules: [refused, hit]\n{GROUP}condition: refused and not hit",
         "", "refused and not hit, within 1 h, of 'Refused', 'Hit'"),
        (f"type: event_count\nrules: [hit]\n{GROUP}condition: {{gte: 2}}".replace("t]\nti", "t, device]\nti"),
         "evidence: 2",
         "at least 2 × 'Hit', within 1 h, from 2 independent sources, with the same device"),
    ],
)  # fmt: skip
def test_conditions_are_put_into_words(tmp_path, body, vigil, words):
    ruleset = load(tmp_path, correlation(body, vigil=vigil))
    pattern = next(one for one in ruleset.patterns if one.title == "Correlation")
    said = Explained(pattern).condition
    # Which rule comes first hangs on where it is met first; both are there.
    assert sorted(said.replace(",", " ,").split()) == sorted(words.replace(",", " ,").split())


def test_a_wait_and_a_chain_are_put_into_words_too(tmp_path):
    (pattern,) = load(tmp_path, UNREVIEWED).patterns
    assert Explained(pattern).condition.endswith("unless 'Looked at' follows within 1 h")
    (pattern,) = load(tmp_path, CHAINED).patterns
    assert "'Burst' (at least 4 different values of device among 'Refused', within 10 min)" in (
        Explained(pattern).condition
    )
    (pattern,) = load(tmp_path, GENERATED).patterns
    assert Explained(pattern).condition == "one signal that is a 'Generated'"


def test_what_a_pattern_asks_for_is_seen_and_the_rest_of_the_technical_is_not(tmp_path, capsys):
    body = "type: value_count\nrules: [refused]\ngroup-by: [account]\ntimespan: 1h\ncondition: {field: device, gte: 2}"  # fmt: skip
    text = correlation(body).replace("{kind: prompt.refused}", "{kind: prompt.refused, model: m1}")
    ruleset = load(tmp_path, text)
    path = write(
        tmp_path / "day.jsonl",
        [refused(n, device=f"d{n}", network="n1", model="m1", surface="input") for n in range(2)],
    )
    found = outputs(capsys, path, "--rules", str(tmp_path / "rules.yml"))
    story = tell(found[0]["value"]["id"], [path], ruleset)
    assert story.moments[0].details == ["on input", "device d0", "model m1"]


def test_what_was_waiting_when_the_recording_ends_is_explained_too(tmp_path):
    ruleset = load(tmp_path, UNREVIEWED)
    path = write(tmp_path / "day.jsonl", [hit(0), activity("login.succeeded", MINUTE, "a2")])
    from streams.agents.accounts import accounts_agent  # noqa: PLC0415
    from streams.engine.memory import MemoryDriver  # noqa: PLC0415
    from tests.patterns.driving import records  # noqa: PLC0415

    driver = MemoryDriver([accounts_agent(ruleset, SCHEMA)])
    signals = [json.loads(line) for line in path.read_text().splitlines()]
    list(driver.feed(records((one["topic"], one["value"]) for one in signals)))
    (late,) = driver.advance(START + 2 * HOUR)
    said = {"topic": late.topic, "key": "a1", "value": json.loads(late.value), "ts": late.ts}
    path.write_text(path.read_text() + json.dumps(said) + "\n")
    story = tell(said["value"]["id"], [path], ruleset)
    assert story.at - story.end == HOUR
    assert [one.evidence for one in story.moments if one.kind == "signal"] == [True]
