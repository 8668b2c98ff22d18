"""`vigil top` on real HTTP servers that serve real metrics, as a worker does."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections import Counter
from typing import NamedTuple

import pytest
from rich.console import Console

from streams.cli import main
from streams.metrics import Loaded, Metrics
from streams.top.between import Between
from streams.top.figures import frame
from streams.top.look import look
from streams.top.screen import show
from streams.web import Web

AGENTS = {"accounts": ("moderation-hits", "activity"), "governor": ("proposals",)}
LADDER = Loaded("p-1", "Refusal [bold]ladder[/]\x1b[2J", "v1", "live", "high", "csam")
DRIP = Loaded("p-2", "Slow drip", "v1", "shadow", "low", "spam")
NOW_MS = 1_790_000_000_000


class Output(NamedTuple):
    topic: str
    value: bytes
    ts: int


class Checkpoint(NamedTuple):
    outputs: list[Output]
    refused: Counter[str]


class Worker:
    """What a worker counts, served on a real socket. `each_time` is done before every scrape."""

    def __init__(self):
        self.metrics = Metrics(AGENTS, clock=lambda: NOW_MS / 1000)
        self.metrics.loaded("ruleset-0123456789abcdef", [LADDER, DRIP])
        self.metrics.partitions(6, 6)
        self.each_time = lambda: None
        self.web = Web("127.0.0.1:0", alive=str, ready=str, metrics=self._scraped)

    def _scraped(self):
        self.each_time()
        return self.metrics.text()

    @property
    def address(self):
        return self.web.address

    def work(self, signals=100, *, latency_ms=100, detections=0):
        self.metrics.handled("accounts", "activity", signals)
        outputs = [
            Output("detections", b'{"pattern":"p-1","mode":"live"}', NOW_MS - latency_ms)
            for _ in range(detections)
        ]
        held = b'{"reason":"held","held_by":"surge","pattern":"p-1"}'
        opened = b'{"reason":"breaker","held_by":"surge","pattern":"p-1"}'
        outputs += [Output("review-queue", one, NOW_MS) for one in (held, opened)]
        refused = Counter({"wrong_partition": 3})
        self.metrics.committed("accounts", Checkpoint(outputs, refused), 0.03, NOW_MS)


@pytest.fixture
def workers():
    workers = [Worker(), Worker()]
    with workers[0].web, workers[1].web:
        yield workers


class Seconds:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def between(workers, happens, seconds=10.0):
    """Two looks, `seconds` apart, and what happens between them."""
    clock, addresses = Seconds(), [worker.address for worker in workers]
    before = look(addresses, clock=clock)
    happens()
    clock.now += seconds
    return frame(Between(before, look(addresses, clock=clock)))


def test_rates_are_of_the_time_between_two_looks_and_totals_since_the_start(workers):
    one, other = workers
    one.work(1_000)

    def happens():
        one.work(200, detections=4)
        other.work(300)

    found = between(workers, happens)
    (activity,) = [row for row in found.inputs if row.topic == "activity"]
    assert (activity.agent, activity.per_s, activity.total) == ("accounts", 50.0, 1_500)
    assert [row.records_per_s for row in found.workers] == [20.0, 30.0]
    assert [(row.running, row.assigned) for row in found.workers] == [(6, 6)] * 2
    assert found.workers[0].ruleset == "ruleset-0123456789abcdef"
    (pattern,) = found.patterns
    assert (pattern.pattern, pattern.mode, pattern.per_min) == ("p-1", "live", 24.0)
    assert (pattern.detections, pattern.held, pattern.breakers) == (4, 3, 3)
    (held,) = found.held
    assert (held.held_by, held.total, held.per_min) == ("surge", 3, 12.0)
    (dead,) = found.dead_letters
    assert (dead.agent, dead.reason, dead.total) == ("accounts", "wrong_partition", 9)
    assert dead.per_min == pytest.approx(36)


def test_latency_is_of_what_was_committed_between_the_looks_alone(workers):
    one, _ = workers
    one.work(latency_ms=50_000, detections=50)
    found = between(workers, lambda: one.work(latency_ms=80, detections=10))
    (detections,) = [row for row in found.outputs if row.topic == "detections"]
    # All ten in the bucket from 50 to 100 ms, spread evenly as Prometheus has it.
    assert detections.p50_s == pytest.approx(0.075)
    assert detections.p95_s == pytest.approx(0.0975)
    found = between(workers, lambda: None)
    (detections,) = [row for row in found.outputs if row.topic == "detections"]
    assert (detections.p50_s, detections.per_s, detections.total) == (None, 0.0, 60)


def test_lag_and_what_is_to_be_restored_are_told_by_agent(workers):
    one, other = workers
    one.metrics.backlog("accounts", NOW_MS - 2_500)
    other.metrics.backlog("accounts", NOW_MS - 9_000)
    one.metrics.restoring("governor", 0, 70)
    other.metrics.restoring("governor", 1, 30)
    found = between(workers, lambda: None)
    by_agent = {row.agent: row for row in found.agents}
    assert by_agent["accounts"].lag_s == 9.0
    assert by_agent["governor"].restoring == 100
    assert [row.lag_s for row in found.workers] == [2.5, 9.0]


def test_a_worker_that_began_anew_counts_from_zero(workers):
    one, _ = workers
    one.work(1_000)

    def restarts():
        one.metrics = Worker().metrics
        one.work(70)

    found = between(workers, restarts)
    assert found.workers[0].records_per_s == 7.0


def test_who_does_not_answer_or_is_no_worker_is_shown_as_such_and_holds_up_nobody(workers):
    one, other = workers
    other.metrics.text = lambda: b"go_goroutines 7\n"
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed.bind(("127.0.0.1", 0))
        addresses = [one.address, other.address]
        addresses += [f"127.0.0.1:{it.getsockname()[1]}" for it in (silent, closed)]
        looks = look(addresses, timeout_s=0.3)
    assert [it.why for it in looks] == [
        "",
        "is no worker of Vigil's",
        "no answer within 0.3 s",
        "Connection refused",
    ]
    text = screen(frame(Between(looks, looks)))
    assert "1 of 4 workers answer" in text
    assert "doesn't answer: no answer within 0.3 s" in text


def screen(found, columns=120):
    console = Console(file=io.StringIO(), width=columns, force_terminal=True)
    console.print(show(found, columns))
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_frame_shows_everything_and_a_title_cannot_steer_the_terminal(workers, columns):
    found = between(workers, lambda: workers[0].work(detections=1))
    text = screen(found, columns)
    for words in ("workers answer", "activity", "detections", "surge", "wrong_partition"):
        assert words in text, words
    assert "Refusal [bold]ladder[/]" in text
    assert "\x1b[2J" not in text


def test_one_frame_as_json_or_text_and_1_when_a_worker_is_missing(workers, capsys):
    one, other = workers
    one.each_time = one.work
    webs = ["--web", one.address, "--web", other.address, "--interval", "0.1"]
    assert main(["top", *webs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["total"] for row in found["inputs"]] == [200]
    assert 0 < found["workers"][0]["records_per_s"] <= 1_000
    assert main(["top", *webs]) == 0, "one frame, where there is no terminal"
    assert "2 of 2 workers answer" in capsys.readouterr().out
    other.web.stop()
    assert main(["top", *webs, "--once"]) == 1
    assert "doesn't answer: Connection refused" in capsys.readouterr().out
    assert main(["top", "--web", "8321"]) == 2
    assert "is not host:port" in capsys.readouterr().err


def test_on_a_terminal_it_goes_on_until_ctrl_c_and_leaves_it_as_it_was(workers):
    """Three scrapes: the first, and two frames that moved."""
    master, slave = pty.openpty()
    run = subprocess.Popen(
        # Whoever runs the tests in the background has them ignore Ctrl-C.
        ["env", "--default-signal=INT", sys.executable, "-m", "streams.cli", "top",
         "--interval", "0.1", "--web", workers[0].address],
        stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    try:
        while shown.count(b"workers answer") < 3:
            piece = _read(master)
            assert piece, shown
            shown += piece
        run.send_signal(signal.SIGINT)
        while piece := _read(master):
            shown += piece
        assert run.wait(timeout=30) == 0
    finally:
        run.kill()
        run.wait()
        os.close(master)
    assert shown.index(b"\x1b[?1049h") < shown.index(b"\x1b[?1049l"), "back to the first screen"


def _read(master):
    """What comes next on the terminal; nothing at its end."""
    ready, _, _ = select.select([master], [], [], 30)
    assert ready, "nothing was shown for 30 s"
    try:
        return os.read(master, 65_536)
    except OSError:  # the other end is closed
        return b""
