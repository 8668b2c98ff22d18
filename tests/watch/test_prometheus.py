"""Boards, alerts and runbooks on a real Prometheus that watches a live worker under load."""

from __future__ import annotations

import os
import shlex
import signal
from typing import NamedTuple

import pytest
from kafka import KafkaProducer

from dashboards import BOARDS
from dashboards.render import narrowed
from tests.faults.drill import wait_until
from tests.rules.deployment import Deployment
from tests.watch.prometheus import Prometheus, QueryError
from tests.watch.promql import RUNBOOKS, blocks, filled, rules, selectors

SIGNALS = 4_000
RUBBISH = 400

MAY_BE_EMPTY = {
    "detections: Detections taken back": "nothing came late",
    "enforcement: Who is held most": "no budget was spent",
    "patterns: Breakers opened": "nothing went wrong",
    "patterns: Reviews": "nobody reviews in a simulated day but those of one campaign",
    "patterns: Precision": "nobody reviewed twenty decisions of one pattern",
    "stream: Restores, 90th percentile": "there was no state to restore",
    "patterns: Silent live patterns": "each may have found something",
}


class Watched(NamedTuple):
    deployment: Deployment
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(kafka, tmp_path_factory):
    """A worker with the shipped catalogue, a day of simulated traffic, rubbish, and Prometheus."""
    directory = tmp_path_factory.mktemp("watched")
    with Deployment(kafka, f"watched{os.getpid()}.", directory) as deployment:
        deployment.start("w1")
        deployment.wait_until_ready("w1")
        with Prometheus(directory, [deployment.webs["w1"]]) as prometheus:
            wait_until(lambda: prometheus.number("sum(up)") == 1, "the first scrape")
            simulated = deployment.vigil(
                "simulate", "--brokers", kafka, "--accounts", "300", "--signals", str(SIGNALS)
            )
            assert simulated.returncode == 0, simulated.stderr
            poison(deployment)
            handled = 'sum(vigil_signals_total{topic=~"activity|moderation-hits|reviews"})'
            wait_until(
                lambda: prometheus.number(handled) >= SIGNALS + RUBBISH, "all of it to be scraped"
            )
            wait_until(lambda: prometheus.number("count_over_time(up[1h])") > 10, "ten scrapes")
            yield Watched(deployment, prometheus)


def poison(deployment):
    producer = KafkaProducer(bootstrap_servers=deployment.kafka)
    for number in range(RUBBISH):
        producer.send(deployment.prefix + "activity", key=b"a1", value=b"rubbish %d" % number)
    producer.close()


def test_every_panel_gets_an_answer_and_is_empty_only_where_it_may_be(watched):
    wrong = []
    for board in BOARDS:
        for panel in board.panels:
            name = f"{board.name}: {panel.title}"
            for query in panel.queries:
                try:
                    found = watched.prometheus.query(filled(narrowed(query.expr)))
                except QueryError as error:
                    wrong.append(f"{name}: {error}")
                else:
                    if not found and name not in MAY_BE_EMPTY:
                        wrong.append(f"{name}: nothing")
    assert not wrong, "\n".join(wrong)


def test_every_rule_can_be_judged_and_what_it_rests_on_is_there(watched):
    wrong = []
    for rule in rules():
        try:
            watched.prometheus.query(rule["expr"])
        except QueryError as error:
            wrong.append(f"{rule.get('alert') or rule['record']}: {error}")
        wrong += [
            str(one)
            for one in selectors(rule["expr"])
            if not one.offset and not watched.prometheus.query(str(one))
        ]
    assert not wrong, "\n".join(wrong)


def test_what_stands_in_a_runbook_works(watched):
    pages = sorted(RUNBOOKS.glob("*.md"))
    for page in pages:
        for query in blocks(page, "promql"):
            watched.prometheus.query(query)
    commands = {command for page in pages for command in blocks(page, "sh")}
    for command in sorted(commands):
        run = watched.deployment.vigil(*shlex.split(command)[1:])
        assert run.returncode in (0, 1), f"{command}: {run.stderr}"
        assert "Traceback" not in run.stderr


def test_rubbish_among_the_signals_is_alerted(watched):
    alert = wait_for_alert(watched.prometheus, "VigilSignalsRefused")
    assert "error expanding" not in str(alert["annotations"])
    assert "% of signals can not be read" in alert["annotations"]["description"]


def test_a_worker_that_stands_still_is_alerted_until_it_goes_on(watched):
    prometheus, worker = watched.prometheus, watched.deployment.workers["w1"]
    assert "VigilWorkerDown" not in prometheus.firing()
    worker.send_signal(signal.SIGSTOP)
    wait_for_alert(prometheus, "VigilWorkerDown")
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: "VigilWorkerDown" not in prometheus.firing(), "the alert to end", 30)


def test_a_worker_that_is_killed_is_alerted(watched):
    watched.deployment.kill("w1")
    alert = wait_for_alert(watched.prometheus, "VigilWorkerDown")
    assert watched.deployment.webs["w1"] in alert["annotations"]["summary"]
    wait_for_alert(watched.prometheus, "VigilNoWorkers")


def wait_for_alert(prometheus, name):
    wait_until(lambda: name in prometheus.firing(), name, 30)
    return prometheus.firing()[name]
