"""The shipped rules as warehouse queries: pySigma's SQLite backend finds what Vigil finds."""

from __future__ import annotations

import msgspec
import pytest

from streams.patterns import load_rules
from streams.patterns.catalogue_page import read_entries
from streams.patterns.conditions import compile_test
from streams.patterns.inline_reader import Record
from streams.signals.times import parse_ms
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from tests.patterns.breaking import read
from tests.patterns.driving import SCHEMA, play_inline
from tests.patterns.test_catalogue import CATALOGUE
from tests.patterns.warehouse import Warehouse, alone, queries

ENTRIES = read_entries(CATALOGUE)
RULESET = load_rules(["catalogue"], SCHEMA)
FILES = {entry.slug: read(CATALOGUE / f"{entry.slug}.yml") for entry in ENTRIES}
DETECTIONS = {
    f"{slug}: {rule['title']}": rule
    for slug, rules in FILES.items()
    for rule in rules
    if "detection" in rule
}
CORRELATIONS = [entry.slug for entry in ENTRIES if "correlation" in entry.rule]

PLAN = Plan(accounts=2_000, signals=40_000, seed=3, wanted=parse_campaigns("all"))


@pytest.fixture(scope="module")
def day():
    """The records of a simulated day, and of every inline test, each of those on accounts of its own."""
    records = [
        Record(topic, key.encode(), value.encode(), ts_of(order))
        for chunk in Simulation(PLAN).chunks()
        for order, topic, key, value in chunk
    ]
    for number, test in enumerate(t for tests in RULESET.tests.values() for t in tests):
        records += [_moved(record, f"t{number}-") for record in test.records]
    return records


def _moved(record, prefix):
    value = msgspec.json.decode(record.value)
    value["account"] = prefix + value["account"]
    return record._replace(key=value["account"].encode(), value=msgspec.json.encode(value))


@pytest.fixture(scope="module")
def signals(day):
    decoders = {topic: SCHEMA.decoder(topic) for topic in SCHEMA.topics}
    return [decoders[record.topic](record) for record in day]


@pytest.fixture(scope="module")
def warehouse(day):
    return Warehouse(day)


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


@pytest.mark.parametrize("slug", CORRELATIONS)
def test_a_correlation_finds_the_same_groups_at_the_same_time_as_a_query(slug):
    (query,) = queries((CATALOGUE / f"{slug}.yml").read_text())
    pattern = RULESET[FILES[slug][0]["id"]]
    alone_ = RULESET.only({pattern.id})
    for test in RULESET.tests[pattern.id]:
        moments = Warehouse(test.records).moments(query)
        found = {}
        for topic, data in play_inline(alone_, test.records):
            if topic == "detections":
                detection = msgspec.json.decode(data)
                group = [str(detection[key]) for key in ("account", pattern.group) if key]
                found.setdefault("/".join(group), []).append(parse_ms(detection["at"]))
        assert {g: t[0] for g, t in moments.items()} == {g: min(t) for g, t in found.items()}, (
            test.name
        )
