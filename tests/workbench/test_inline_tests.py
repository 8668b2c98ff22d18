"""`vigil test` as a command: what it prints, how it ends, and what a CI is given."""

from __future__ import annotations

import json
import time
from xml.etree import ElementTree as ET

import pytest

from streams.cli import main
from streams.patterns import load_rules
from streams.workbench.inline import outcomes
from tests.patterns.driving import SCHEMA, correlation

BODY = """
type: event_count
rules: [refused]
group-by: [account]
timespan: 10m
condition: {gte: 3}
"""
TESTS = """
tests:
- name: three in ten minutes
  signals: [{kind: prompt.refused, at: 1m, every: 1m, times: 3}]
  fires: 3m
- name: two are not enough
  signals: [{kind: prompt.refused, at: 1m, every: 1m, times: 2}]
  fires: %s
"""


@pytest.fixture
def rules(tmp_path):
    def write(fires: str = "never", head: str = "") -> str:
        (tmp_path / "many.yml").write_text(correlation(BODY, vigil=TESTS % fires, head=head))
        return str(tmp_path)

    return write


def test_one_line_per_pattern_and_a_summary_on_stderr(rules, capsys):
    assert main(["test", rules()]) == 0
    captured = capsys.readouterr()
    assert captured.out == "✓ Correlation: 2 passed\n"
    assert captured.err.startswith("1 pattern, 2 tests: all passed")


def test_a_failure_says_where_what_was_expected_and_what_was_found_and_ends_with_1(rules, capsys):
    directory = rules("2m")
    assert main(["test", directory]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "✗ Correlation: 1 of 2 failed",
        f"  {directory}/many.yml:15: two are not enough",
        "    expected 2m, found never",
    ]
    assert "1 failed" in captured.err


def test_a_threshold_that_is_broken_fails_the_tests_of_the_catalogue(tmp_path, capsys):
    source = next(p for p in load_rules(["catalogue"], SCHEMA).patterns if p.title == "Slow drip")
    assert main(["test", "catalogue", "-k", "slow drip"]) == 0
    from streams.patterns.loader import _catalogue  # noqa: PLC0415

    text = (_catalogue() / "slow_drip.yml").read_text()
    (tmp_path / "slow_drip.yml").write_text(text.replace("gte: 5", "gte: 6"))
    capsys.readouterr()
    assert main(["test", str(tmp_path)]) == 1
    assert f"✗ {source.title}" in capsys.readouterr().out


def test_rules_that_do_not_load_are_2(rules, tmp_path, capsys):
    directory = rules()
    (tmp_path / "bad.yml").write_text("title: x\n")
    assert main(["test", directory]) == 2
    assert "bad.yml" in capsys.readouterr().err
    assert main(["test", str(tmp_path / "nowhere")]) == 2


def test_k_picks_by_test_pattern_id_and_file_and_insists_on_finding_something(rules, capsys):
    directory = rules()
    for text, tests in (("TWO ARE", 1), ("correlation", 2), ("6a0d1e8e-6f6e", 2), ("many", 2)):
        assert main(["test", directory, "-k", text, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["tests"] == tests
    assert main(["test", directory, "-k", "nothing like it"]) == 2
    assert "nothing like it" in capsys.readouterr().err


def test_a_pattern_without_tests_is_told_and_is_no_failure(tmp_path, capsys):
    (tmp_path / "bare.yml").write_text(correlation(BODY))
    assert main(["test", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "- Correlation: no tests\n"
    assert "(1 without)" in captured.err


def test_json_has_every_test_with_its_place(rules, capsys):
    directory = rules("2m")
    assert main(["test", directory, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["tests"], found["failed"]) == (2, 1)
    (pattern,) = found["patterns"]
    good, bad = pattern["tests"]
    assert good["passed"]
    assert {"expected": "2m", "found": "never", "line": 15, "passed": False}.items() <= bad.items()
    assert bad["file"] == f"{directory}/many.yml"


def test_junit_has_a_suite_per_pattern_and_a_failure_per_failing_test(rules, tmp_path):
    report = tmp_path / "report.xml"
    assert main(["test", rules("2m"), "--junit", str(report)]) == 1
    root = ET.parse(report).getroot()
    assert root.tag == "testsuites"
    assert {"tests": "2", "failures": "1", "errors": "0"}.items() <= root.attrib.items()
    (suite,) = root
    assert {"name": "Correlation", "tests": "2", "failures": "1"}.items() <= suite.attrib.items()
    good, bad = suite
    assert good.tag == bad.tag == "testcase"
    assert bad.attrib["name"] == "two are not enough"
    assert {"classname", "file", "line", "time"} <= bad.attrib.keys()
    assert list(good) == []
    (failure,) = bad
    assert (failure.tag, failure.attrib["message"]) == ("failure", "expected 2m, found never")
    assert "many.yml:15" in (failure.text or "")


def test_control_characters_of_a_title_reach_neither_terminal_nor_xml(tmp_path, capsys):
    text = correlation(BODY, vigil=TESTS % "2m").replace(
        "title: Correlation", r'title: "Sly \e[2J & <b>"', 1
    )
    (tmp_path / "sly.yml").write_text(text)
    report = tmp_path / "report.xml"
    assert main(["test", str(tmp_path), "--junit", str(report)]) == 1
    assert "\x1b" not in capsys.readouterr().out
    (suite,) = ET.parse(report).getroot()
    assert suite.attrib["name"] == "Sly �[2J & <b>"


def test_the_whole_catalogue_is_tested_in_well_under_ten_seconds():
    ruleset = load_rules(["catalogue"], SCHEMA)
    began = time.perf_counter()
    ran = list(outcomes(ruleset))
    assert sum(len(outcome.results) for outcome in ran) == sum(map(len, ruleset.tests.values()))
    assert not any(outcome.failures for outcome in ran)
    assert time.perf_counter() - began < 10
