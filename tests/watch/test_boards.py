"""The boards: what they ask for exists, what exists is on one, and each panel says what to do."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from dashboards import BOARDS
from dashboards.board import GRID, Look
from dashboards.render import narrowed, render
from streams.metrics.series import Series
from tests.watch.closed import possible
from tests.watch.promql import ANYWHERE, ROOT, alerts, filled, metrics, selectors

NOT_SHOWN = {
    "process_virtual_memory_bytes": "says nothing of a Python process: what it reserves, not what it uses",
    "process_start_time_seconds": "an annotation on every board, and an alert",
}
"""Metrics that no panel shows, and why."""

UNITS = {"locale", "cps", "s", "bytes", "percentunit"}
"""Grafana's names: a count, counts a second, seconds, bytes, a share of 1."""

PANELS = [
    pytest.param(board, panel, id=f"{board.name}: {panel.title}")
    for board in BOARDS
    for panel in board.panels
]


def file_of(board):
    return ROOT / "dashboards" / f"{board.name}.json"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_committed_file_is_the_one_made_from_the_program(board):
    assert file_of(board).read_text() == render(board), "run: make docs"


def test_there_is_no_file_without_a_program():
    assert {path.stem for path in (ROOT / "dashboards").glob("*.json")} == {
        board.name for board in BOARDS
    }


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_what_a_panel_asks_for_exists(board, panel):
    for query in panel.queries:
        for one in selectors(filled(narrowed(query.expr))):
            assert one.metric in metrics(), one.metric
            for label, value in one.matchers:
                assert label in metrics()[one.metric] | ANYWHERE, f"{one}: {label}"
                assert possible(label, value), f"{one}: {value}"


def test_every_metric_is_on_a_board_or_it_is_said_why_not():
    shown = {
        one.metric
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
        for one in selectors(filled(query.expr))
    }
    families = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in shown}
    registered = {one.name for one in Series({}).table}
    registered |= {name for name in metrics() if name.startswith("process_")}
    assert registered - families == NOT_SHOWN.keys()
    watched = {one.metric for alert in alerts() for one in selectors(alert["expr"])}
    assert "process_start_time_seconds" in watched


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_has_a_unit_names_for_its_series_and_says_what_to_do(board, panel):
    assert panel.unit in UNITS
    assert panel.about.endswith("."), panel.about
    assert len(panel.about) > 60
    assert bool(panel.columns) == (panel.look is Look.TABLE)
    for label, _ in panel.columns:
        assert label in {"Value", "title"} or label in panel.queries[0].expr
    if panel.look in (Look.LINES, Look.STACK):
        assert all(query.legend for query in panel.queries), "a legend"
        for query in panel.queries:
            named = set(re.findall(r"{{(\w+)}}", query.legend))
            assert named <= {"title", "instance"} | set(re.findall(r"\w+", query.expr))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_rows_are_full_and_numbers_are_given_once(board):
    made = json.loads(file_of(board).read_text())
    ids = [panel["id"] for panel in made["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    for panel in made["panels"]:
        targets = panel.get("targets", ())
        assert len({target["refId"] for target in targets}) == len(targets)
    lines = itertools.groupby(
        (panel["gridPos"] for panel in made["panels"]), key=lambda place: place["y"]
    )
    assert {sum(place["w"] for place in line) for _, line in lines} == {GRID}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_each_panel_heeds_the_choice_of_workers_and_boards_lead_to_each_other(board):
    made = json.loads(file_of(board).read_text())
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            for one in selectors(filled(target["expr"])):
                assert {"job", "instance"} <= dict(one.matchers).keys(), target["expr"]
    assert [link["tags"] for link in made["links"]] == [["vigil"]]
    assert made["tags"] == ["vigil"]
    uids = {one.uid for one in BOARDS}
    for panel in made["panels"]:
        for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links", ()):
            assert link["url"].split("?")[0].removeprefix("/d/") in uids
    variables = {one["name"] for one in made["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"} | (
        {"pattern"} if board.by_pattern else set()
    )


def test_what_names_a_metric_is_narrowed_and_nothing_else():
    chosen = 'job=~"$job", instance=~"$instance"'
    assert narrowed("sum(up)") == f"sum(up{{{chosen}}})"
    assert narrowed('vigil_x{a="b"} / vigil_y[5m]') == (
        f'vigil_x{{{chosen}, a="b"}} / vigil_y{{{chosen}}}[5m]'
    )
    assert narrowed("group_left (title) topk(3, sum by (up_to) (x))").count("job") == 0
