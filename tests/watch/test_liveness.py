"""`/livez` of real workers: it is about the worker's loop, and never about the broker."""

from __future__ import annotations

import http.client
import sys
import time
from pathlib import Path

from streams.cli.run import STUCK_S
from streams.embedded import EmbeddedKafka
from tests.faults.drill import wait_until
from tests.rules.deployment import Deployment
from tests.watch.stuck_worker import STUCK

STUCK_WORKER = [sys.executable, str(Path(__file__).with_name("stuck_worker.py"))]


def livez(web):
    client = http.client.HTTPConnection(web, timeout=10)
    client.request("GET", "/livez")
    answer = client.getresponse()
    return answer.status, answer.read().decode()


def test_a_worker_lives_through_an_outage_of_the_broker_and_not_with_a_stuck_loop(tmp_path):
    """Both at once, since both take as long as a loop may stand still."""
    with (
        EmbeddedKafka(tmp_path / "kafka", tied=True) as broker,
        Deployment(broker.address, "well.", tmp_path) as well,
        Deployment(broker.address, "ill.", tmp_path) as ill,
    ):
        well.start("w1")
        ill.start("w2", program=STUCK_WORKER)
        well.wait_until_ready("w1")
        ill.wait_until_ready("w2")
        assert livez(well.webs["w1"]) == livez(ill.webs["w2"]) == (200, "ok")
        ill.send("login.succeeded", "endless", 1)
        ill.flush()
        wait_until(lambda: STUCK in ill.log("w2").read_text(), "the worker to be stuck")
        stuck_at = time.monotonic()
        well.send("login.succeeded", "a1", 1)
        well.flush()
        broker.kill()

        lived = []

        def fails():
            lived.append(livez(well.webs["w1"]))
            return livez(ill.webs["w2"])[0] == 503

        wait_until(fails, "the stuck worker to be given up", 30)
        assert time.monotonic() - stuck_at < 30
        assert "the loop has not turned for" in livez(ill.webs["w2"])[1]
        wait_until(
            lambda: fails() and time.monotonic() - stuck_at > STUCK_S + 2, "the outage to last"
        )
        assert set(lived) == {(200, "ok")}
        assert well.workers["w1"].poll() is None
