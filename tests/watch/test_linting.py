"""The rules of dashboard-linter 0.3.0, under their names, held to what Grafana reads.

The linter itself can't be had (docs/decisions/0047-pictures.md). What a rule finds must be excused in
its own file of exceptions, `dashboards/.lint`, and what is excused there must be found.
"""

from __future__ import annotations

import json
import re

import promql_parser
import pytest
import yaml

from dashboards import BOARDS
from tests.watch.promql import ROOT, called, filled, selectors

EXCUSED = yaml.safe_load((ROOT / "dashboards" / ".lint").read_text())["exclusions"]
SOURCES = {"$datasource", "${datasource}"}
RATES = {"rate", "irate"}
UNITS = {"none", "short", "locale", "percent", "percentunit", "cps", "s", "ms", "bytes", "decbytes"}
"""Of Grafana's names those a board of ours may come to need."""


def variables(board, kind):
    return [one for one in board["templating"]["list"] if one["type"] == kind]


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board):
    return [target["expr"] for panel in panels(board) for target in panel["targets"]]


def template_datasource(board):
    (found,) = variables(board, "datasource")
    return (found["name"], found["label"], found["query"]) != (
        "datasource", "Data source", "prometheus",
    )  # fmt: skip


def template(board, name):
    (found,) = [one for one in variables(board, "query") if one["name"] == name]
    assert found["multi"], "that is not excused"
    assert found["datasource"]["uid"] in SOURCES, "that is not excused"
    return found.get("allValue") != ".+" or found["label"] != name.title()


def template_label_promql(board):
    for one in variables(board, "query"):
        function, asked = re.fullmatch(r"(\w+)\((.*)\)", one["query"]).groups()
        assert function in {"label_values", "query_result"}
        assert list(selectors(filled(asked.rpartition(", ")[0] or asked)))


def target_rate_interval(board):
    marked = [filled(one.replace("$__rate_interval", "7m")) for one in expressions(board)]
    return [
        expr
        for expr in marked
        for function, _, over in called(expr)
        if function in RATES and over.total_seconds() != 7 * 60
    ]


def target_counter_agg(board):
    for expr in expressions(board):
        named = sum(one.metric.endswith("_total") for one in selectors(filled(expr)))
        rated = [
            metric
            for function, metric, _ in called(filled(expr))
            if function in {*RATES, "increase"}
        ]
        if named != sum(metric.endswith("_total") for metric in rated):
            yield expr


def target_matcher(board, name):
    return [
        expr
        for expr in expressions(board)
        if expr.count(f'{name}=~"${name}"') != len(list(selectors(filled(expr))))
    ]


RULES = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": lambda board: template(board, "job"),
    "template-instance-rule": lambda board: template(board, "instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": lambda board: [
        one for one in variables(board, "query") if one["refresh"] != 2
    ],
    "panel-datasource-rule": lambda board: [
        one for one in panels(board) if one["datasource"]["uid"] not in SOURCES
    ],
    "panel-title-description-rule": lambda board: [
        one for one in panels(board) if not (one["title"] and one["description"])
    ],
    "panel-units-rule": lambda board: [
        one for one in panels(board) if one["fieldConfig"]["defaults"]["unit"] not in UNITS
    ],
    "panel-no-targets-rule": lambda board: [one for one in panels(board) if not one["targets"]],
    "target-promql-rule": lambda board: [
        one for one in expressions(board) if not promql_parser.parse(filled(one))
    ],
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": lambda board: target_matcher(board, "job"),
    "target-instance-rule": lambda board: target_matcher(board, "instance"),
    "target-counter-agg-rule": lambda board: list(target_counter_agg(board)),
    "uneditable-dashboard": lambda board: board["editable"],
}
"""Those for Loki are left out: no board asks it."""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_rule_of_the_linter_holds_or_is_excused(board, rule):
    found = RULES[rule](json.loads((ROOT / "dashboards" / f"{board.name}.json").read_text()))
    assert bool(found) == (rule in EXCUSED), found


def test_each_excuse_has_a_reason():
    assert EXCUSED.keys() <= RULES.keys()
    assert all(len(one["reason"]) > 40 for one in EXCUSED.values())
