"""The rules of the patterns job are real rules, and always the same."""

from __future__ import annotations

from pathlib import Path

from streams.bench.operator_rules import SCHEMA, write_rules
from streams.bench.pattern_run import main
from streams.engine.inline import play
from streams.patterns import load_rules, run_tests
from streams.signals import Schema


def rules(directory: Path, count: int) -> tuple[Path, Path]:
    schema = directory / "schema.toml"
    schema.write_text(SCHEMA)
    below = directory / f"rules-{count}"
    below.mkdir()
    write_rules(below, count)
    return below, schema


def test_every_made_up_pattern_loads_and_its_tests_pass(tmp_path):
    directory, schema = rules(tmp_path, 120)
    ruleset = load_rules([directory], Schema.load(schema))
    assert len(ruleset) == 120
    results = run_tests(ruleset, play)
    assert len(results) == 3 * 120
    assert [str(result) for result in results if not result.passed] == []
    types = {pattern.measures for pattern in ruleset.patterns}
    assert types == {"", "event_count", "value_count", "rules"}


def test_fewer_patterns_are_the_first_of_more(tmp_path):
    few, _ = rules(tmp_path, 3)
    more, _ = rules(tmp_path, 7)
    for path in few.iterdir():
        assert (more / path.name).read_text() == path.read_text()


def test_a_run_measures_what_it_says(tmp_path):
    found = main(*rules(tmp_path, 60), 2_000, 200)
    assert found["patterns"] == 60
    assert 1_900 < found["signals"] < 2_100
    assert found["cpu_s"] > 0
    assert found["load_s"] > 0
    assert found["detections"] > 0
