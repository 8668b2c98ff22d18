"""The shipped rules as warehouse queries: pySigma's SQLite backend finds what Vigil finds."""

from __future__ import annotations

import copy
import json
import re
import sqlite3
import subprocess
import sys

import msgspec
import pytest
import yaml

from streams.patterns import load_rules
from streams.patterns.catalogue_page import read_entries
from streams.patterns.conditions import compile_test
from streams.patterns.inline_reader import Record
from streams.signals.durations import parse_duration_ms
from streams.signals.times import parse_ms
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from tests.patterns.breaking import read
from tests.patterns.driving import SCHEMA, play_inline
from tests.patterns.test_catalogue import CATALOGUE
from tests.patterns.warehouse import Warehouse, alone, queries

ROOT = CATALOGUE.parents[1]
PAGE = (ROOT / "docs" / "retro-hunt.md").read_text()
ENTRIES = read_entries(CATALOGUE)
RULESET = load_rules(["catalogue"], SCHEMA)
FILES = {entry.slug: read(CATALOGUE / f"{entry.slug}.yml") for entry in ENTRIES}
DETECTIONS = {
    f"{slug}: {rule['title']}": rule
    for slug, rules in FILES.items()
    for rule in rules
    if "detection" in rule
}
CORRELATIONS = [entry for entry in ENTRIES if "correlation" in entry.rule]

PLAN = Plan(accounts=1_000, signals=20_000, seed=3, wanted=parse_campaigns("all"))


def reads_not_otherwise(entry):
    """The backend waits for what must not come to stay away; Vigil looks back."""
    return " not " in str(entry.rule.get("correlation", {}).get("condition"))


def finds_more(entry):
    """Sigma has no words for some keys of the block, and the backend takes a step twice for one."""
    rules = entry.rule.get("correlation", {}).get("rules", [])
    return bool({"evidence", "unless"} & set(entry.block)) or len(set(rules)) < len(rules)


each_correlation = pytest.mark.parametrize("entry", CORRELATIONS, ids=lambda entry: entry.slug)
each_that_looks_back = pytest.mark.parametrize(
    "entry",
    [entry for entry in CORRELATIONS if not reads_not_otherwise(entry)],
    ids=lambda entry: entry.slug,
)
each_alike = pytest.mark.parametrize(
    "entry",
    [e for e in CORRELATIONS if not reads_not_otherwise(e) and not finds_more(e)],
    ids=lambda entry: entry.slug,
)


@pytest.fixture(scope="module")
def day():
    """The records of a simulated day."""
    return [
        Record(topic, key.encode(), value.encode(), ts_of(order))
        for chunk in Simulation(PLAN).chunks()
        for order, topic, key, value in chunk
    ]


@pytest.fixture(scope="module")
def day_as_tables(day):
    return Warehouse(day)


@pytest.fixture(scope="module")
def everything(day):
    """The day and every inline test, each of those on accounts of its own."""
    tests = [test for tests in RULESET.tests.values() for test in tests]
    moved = [
        _moved(record, f"t{number}-")
        for number, test in enumerate(tests)
        for record in test.records
    ]
    return day + moved


def _moved(record, prefix):
    value = msgspec.json.decode(record.value)
    value["account"] = prefix + value["account"]
    return record._replace(key=value["account"].encode(), value=msgspec.json.encode(value))


@pytest.fixture(scope="module")
def signals(everything):
    decoders = {topic: SCHEMA.decoder(topic) for topic in SCHEMA.topics}
    return [decoders[record.topic](record) for record in everything]


@pytest.fixture(scope="module")
def warehouse(everything):
    return Warehouse(everything)


@pytest.mark.parametrize("rule", DETECTIONS.values(), ids=DETECTIONS)
def test_a_detection_finds_the_same_records_as_a_query(rule, warehouse, signals, tmp_path):
    text = alone({key: value for key, value in rule.items() if key != "vigil"})
    (tmp_path / "rule.yml").write_text(text)
    (search,) = load_rules([tmp_path], SCHEMA).patterns[0].searches
    matches = compile_test(search.condition)
    found = {(s.account, s.id) for s in signals if s.topic == search.topic and matches(s)}
    (query,) = queries(text)
    assert warehouse.ids(query) == found
    assert found


@each_correlation
def test_every_correlation_becomes_a_query_that_runs(entry):
    (query,) = queries((CATALOGUE / f"{entry.slug}.yml").read_text())
    Warehouse(RULESET.tests[entry.rule["id"]][0].records).moments(query)


def test_the_page_names_the_queries_that_find_more_and_those_that_mean_something_else():
    _, more, otherwise = re.split("^### ", PAGE, flags=re.MULTILINE)
    assert files_in(more) == {entry.slug for entry in ENTRIES if finds_more(entry)}
    assert files_in(otherwise) == {entry.slug for entry in ENTRIES if reads_not_otherwise(entry)}


def files_in(text):
    return set(re.findall(r"`([a-z_]+)\.yml`", text))


def test_the_programs_on_the_page_find_what_a_replay_finds(tmp_path, day):
    to_tables, convert = re.findall("```python\n(.*?)```", PAGE, flags=re.DOTALL)
    lines = "".join(
        f'{{"topic": "{record.topic}", "value": {record.value.decode()}}}\n' for record in day
    )
    run(to_tables, cwd=tmp_path, text=lines)
    query = run(convert, cwd=ROOT)
    rows = sqlite3.connect(tmp_path / "day.db").execute(f"select group_keys from ({query})")
    (ladder,) = (entry for entry in ENTRIES if entry.slug == "refusal_ladder")
    assert {json.loads(keys)["account"] for (keys,) in rows} == set(told(ladder, day))


def run(program, *, cwd, text=""):
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=cwd, input=text, capture_output=True, text=True, check=True
    ).stdout


@each_that_looks_back
def test_a_correlation_as_a_query_misses_nothing(entry):
    (query,) = queries((CATALOGUE / f"{entry.slug}.yml").read_text())
    for test in RULESET.tests[entry.rule["id"]]:
        satisfied = Warehouse(test.records).moments(query)
        for group, moments in told(entry, test.records).items():
            assert set(moments) <= set(satisfied[group]), test.name


@each_alike
def test_a_correlation_finds_the_same_groups_at_the_same_time_as_a_query(entry):
    # The backend's windows are closed on the left. Of records at whole seconds a window one
    # second shorter holds the same as one that is open.
    (query,) = queries(shortened(FILES[entry.slug]))
    for test in RULESET.tests[entry.rule["id"]]:
        satisfied = Warehouse(test.records).moments(query)
        assert firsts(satisfied) == firsts(told(entry, test.records)), test.name


@each_alike
def test_over_a_simulated_day_too(entry, day, day_as_tables):
    (query,) = queries((CATALOGUE / f"{entry.slug}.yml").read_text())
    assert firsts(day_as_tables.moments(query)) == firsts(told(entry, day))


def told(entry, records):
    """Group → when Vigil finds the condition to hold, ms, of what it tells."""
    pattern = RULESET[entry.rule["id"]]
    waited = pattern.absence.within if pattern.absence else 0
    found = {}
    for topic, data in play_inline(RULESET.only({pattern.id}), records):
        if topic == "detections" and pattern.id.encode() in data:
            detection = msgspec.json.decode(data)
            whose = detection.get("entity", f":{detection['account']}").partition(":")[2]
            within = [str(detection["values"][pattern.group])] if pattern.group else []
            group = "/".join([whose, *within])
            found.setdefault(group, []).append(parse_ms(detection["at"]) - waited)
    return found


def firsts(moments):
    return {group: min(times) for group, times in moments.items()}


def shortened(rules):
    """The text of a rule file with every window a second shorter."""
    changed = copy.deepcopy(rules)
    for rule in changed:
        if "correlation" in rule:
            ms = parse_duration_ms(rule["correlation"]["timespan"])
            rule["correlation"]["timespan"] = f"{ms // 1000 - 1}s"
    return yaml.safe_dump_all(changed, sort_keys=False)
