"""The fault drill: it tries every alert, on rules that differ in nothing but how fast time passes.

What it finds is seen by running it: `make drill`.
"""

from __future__ import annotations

import re
import subprocess

import promql_parser
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.drill.__main__ import exit_code
from streams.drill.drill import Outcome, UnknownAlert, chosen
from streams.drill.faster import expression, faster, milliseconds
from streams.drill.faults import FAULTS, SOLICITATION
from streams.drill.prometheus import program
from streams.drill.table import at_real_speed, for_programs, table
from streams.drill.watch import DAYS, MINUTES, Alert
from streams.patterns import load_rules
from streams.signals import Schema
from tests.watch.promql import ALERTS, RUNBOOKS, alerts

DURATIONS = re.compile(r"\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*")
TRIED = [alert for fault in FAULTS for alert in fault.alerts]


def test_every_alert_is_brought_about_once():
    wanted = sorted((one["alert"], one["labels"]["severity"]) for one in alerts())
    assert sorted((one.name, one.severity) for one in TRIED) == wanted


def test_the_pattern_it_lets_surge_is_live_critical_and_has_the_budget_it_counts_on():
    shipped = load_rules(("catalogue",), Schema.load(None)).patterns
    (pattern,) = (one for one in shipped if one.id == SOLICITATION)
    assert (pattern.mode, pattern.severity) == ("live", "critical")
    assert pattern.block.budget == 100


@pytest.mark.parametrize("speed", [MINUTES, DAYS], ids=["minutes", "days"])
def test_promtool_takes_the_faster_rules(speed, tmp_path):
    file = tmp_path / "alerts.yml"
    file.write_text(faster(ALERTS.read_text(), speed.factor))
    run = subprocess.run(
        [program("promtool"), "check", "rules", "--lint-fatal", file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_only_durations_differ_and_each_by_the_factor():
    before = yaml.safe_load(ALERTS.read_text())
    after = yaml.safe_load(faster(ALERTS.read_text(), 60))
    rules = [
        (was, now)
        for old, new in zip(before["groups"], after["groups"], strict=True)
        for was, now in zip(old["rules"], new["rules"], strict=True)
    ]
    for was, now in rules:
        assert milliseconds(now.pop("for", "0s")) * 60 == milliseconds(was.pop("for", "0s"))
        assert parsed(now.pop("expr")) == slower(parsed(was.pop("expr")), 60)
        assert now == was
    assert [group["name"] for group in after["groups"]] == [one["name"] for one in before["groups"]]


def parsed(expr):
    """The expression as Prometheus' own grammar understands it; durations come out as numbers."""
    return str(promql_parser.parse(expr).prettify())


def slower(expr, factor):
    """Ranges and offsets of a parsed expression divided, in the words of the parser."""
    divide = r"(?<=\[)[^\]]+(?=\])|(?<=offset )\w+"
    return parsed(re.sub(divide, lambda found: f"{milliseconds(found[0]) // factor}ms", expr))


def test_names_strings_and_numbers_are_no_durations():
    expr = "a{b=\"1h\",c=~'5m'}[1h30m] offset 1d > 5e3 and late:ratio5m > 10 * 1m5 # 2h"
    assert expression(expr, 10) == (
        "a{b=\"1h\",c=~'5m'}[540000ms] offset 8640000ms > 5e3 and late:ratio5m > 10 * 1m5 # 2h"
    )


@given(st.integers(1, 10**6), st.sampled_from(["ms", "s", "m", "h", "d", "w"]), st.integers(1, 999))
def test_a_divided_duration_is_one_of_at_least_a_millisecond(amount, unit, factor):
    (found,) = DURATIONS.findall(expression(f"x[{amount}{unit}]", factor))
    exact = milliseconds(f"{amount}{unit}") / factor
    assert abs(milliseconds(found) - exact) <= max(0.5, 1 - exact)


def test_alerts_are_picked_by_name_with_all_the_fault_brings_about():
    assert chosen([]) == list(FAULTS)
    (fault,) = chosen(["VigilStuck"])
    assert {alert.name for alert in fault.alerts} >= {"VigilStuck", "VigilLagging"}
    with pytest.raises(UnknownAlert, match="no alert 'VigilStruck'; there are: VigilBreakerOpened"):
        chosen(["VigilStruck"])


def test_one_alert_that_did_not_fire_makes_the_drill_fail():
    stuck, down = Alert("VigilStuck", "page", MINUTES), Alert("VigilWorkerDown", "ticket", MINUTES)
    fired, silent = Outcome(stuck, "…", 7.3), Outcome(down, "…", why_not="not within 75 s")
    assert exit_code([fired]) == 0
    assert exit_code([fired, silent]) == 1
    text = table([fired, silent])
    assert "fired after   7.3 s  × 30   = 3.6 min" in text
    assert "NOT FIRED: not within 75 s  docs/runbooks/VigilWorkerDown.md" in text
    assert text.endswith("1 of 2 alerts fired.")
    told = for_programs([fired, silent])
    assert [one["fired"] for one in told] == [True, False]
    assert told[1]["why_not"] == "not within 75 s"
    assert all((RUNBOOKS.parents[1] / one["runbook"]).exists() for one in told)


def test_what_a_time_in_the_drill_is_at_real_speed_has_two_digits():
    assert [at_real_speed(one) for one in (29, 90, 1_400, 4_464, 90_240)] == [
        "29 s", "1.5 min", "23 min", "1.2 h", "1.0 d",
    ]  # fmt: skip
