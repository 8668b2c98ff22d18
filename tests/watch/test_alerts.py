"""The alerts: each rests on what is measured, has its tests, and leads to a page that helps."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import click
import pytest
import yaml

from dashboards import BOARDS
from streams.cli.commands import COMMANDS, load
from streams.signals.records import PATTERN_REASONS
from tests.watch.closed import possible
from tests.watch.programs import program
from tests.watch.promql import (
    ALERTS,
    ANYWHERE,
    RUNBOOKS,
    alerts,
    blocks,
    called,
    metrics,
    rules,
    selectors,
)

TESTS = sorted((Path(__file__).parent / "alerts").glob("*.yml"))
PAGES = sorted(RUNBOOKS.glob("Vigil*.md"))
HEADINGS = ["How to check", "What to do", "How to verify"]
SCRAPED_EVERY = timedelta(seconds=15)
TEAMS = {"operations", "trust-and-safety"}


def by_name(rule):
    return rule.get("alert") or rule["record"]


def test_promtool_finds_nothing_wrong():
    run = subprocess.run(
        [program("promtool"), "check", "rules", "--lint-fatal", ALERTS],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file):
    run = subprocess.run(
        [program("promtool"), "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_quiet():
    fires, quiet = set(), set()
    for file in TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                severities = {one["exp_labels"]["severity"] for one in case["exp_alerts"]}
                fires |= {(case["alertname"], severity) for severity in severities}
                if not severities:
                    quiet.add(case["alertname"])
    wanted = {(alert["alert"], alert["labels"]["severity"]) for alert in alerts()}
    assert fires == wanted
    assert quiet == {name for name, _ in wanted}


@pytest.mark.parametrize("rule", rules(), ids=by_name)
def test_what_a_rule_rests_on_is_measured(rule):
    for one in selectors(rule["expr"]):
        assert one.metric in metrics(), one.metric
        for label, value in one.matchers:
            assert label in metrics()[one.metric] | ANYWHERE, f"{one}: {label}"
            assert possible(label, value), f"{one}: {value}"


@pytest.mark.parametrize("rule", rules(), ids=by_name)
def test_what_pint_would_find_is_not_there(rule):
    """Three of its offline checks: promql/rate, promql/regexp, alerts/comparison. It can't be had (0047)."""
    expr = rule["expr"]
    assert all(over >= 4 * SCRAPED_EVERY for _, _, over in called(expr)), "four samples at least"
    for one in selectors(expr):
        for operator, value in re.findall(r'(=~|!~)"([^"]*)"', str(one)):
            assert re.escape(value) != value, f"{one}: {operator} without an expression"
    if "alert" in rule:
        assert re.search(r"\s(==|!=|<=?|>=?)\s|absent\(|\bunless\b", expr), (
            "it would fire on any value"
        )


@pytest.mark.parametrize("alert", alerts(), ids=by_name)
def test_an_alert_says_whom_it_is_for_what_it_means_and_where_to_go_on(alert):
    assert alert["labels"].keys() == {"severity", "team"}
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["labels"]["team"] in TEAMS
    said = alert["annotations"]
    assert said.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert said["description"].rstrip().endswith(".")
    assert said["runbook_url"] == f"docs/runbooks/{alert['alert']}.md"
    board = re.match(r"/d/([\w-]+)", said["dashboard_url"])
    assert board is not None
    assert board[1] in {one.uid for one in BOARDS}


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    names = {alert["alert"] for alert in alerts()}
    assert {page.stem for page in PAGES} == names
    listed = re.findall(r"^\| \[(\w+)\]", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_the_list_of_runbooks_says_who_is_woken():
    rows = (RUNBOOKS / "README.md").read_text().splitlines()
    for row in (row for row in rows if row.startswith("| [")):
        name, _, wakes = (cell.strip() for cell in row.strip("|").split("|"))
        pages = {
            alert["labels"]["team"].replace("-", " ")
            for alert in alerts()
            if f"[{alert['alert']}]" in name and alert["labels"]["severity"] == "page"
        }
        assert wakes.split(",")[0] in (pages or {"nobody"}), row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_how_to_check_what_to_do_and_how_to_verify(page):
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    check, _, verify = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert "```" in check, "something to look at"
    assert "```" in verify, "something to look at"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_asks_for_what_is_measured(page):
    for query in blocks(page, "promql"):
        for one in selectors(query):
            assert one.metric in metrics(), f"{page.stem}: {one.metric}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_runbook_exist_with_their_options(page):
    """Those in blocks are run as well, on a live deployment: test_prometheus.py."""
    text = page.read_text()
    for line in [*blocks(page, "sh"), *re.findall(r"`(vigil [^`]+)`", text)]:
        words = line.split()
        assert words[0] == "vigil", line
        assert words[1] in COMMANDS, line
        command = load(words[1])
        if isinstance(command, click.Group):
            command = command.commands[words[2]]
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
        if "--reviewer" in words:
            assert words[words.index("--reason") + 1] in PATTERN_REASONS, line
