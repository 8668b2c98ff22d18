"""Break the thing under load and recount: no signal lost, no decision doubled, no state wrong."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded import EmbeddedKafka
from tests.faults.drill import Drill, wait_until


@pytest.fixture
def drill(kafka: str, tmp_path: Path) -> Iterator[Drill]:
    with Drill(kafka, tmp_path) as drill:
        yield drill


def test_a_worker_killed_under_load_again_and_again_loses_and_doubles_nothing(
    drill: Drill,
) -> None:
    for _ in range(4):
        worker = drill.worker("w1")
        drill.wait_for_decisions(300)
        worker.kill()
        worker.wait()
    drill.worker("w1")
    drill.finish()
    assert drill.recount() == []


def test_a_zombie_that_wakes_up_after_its_session_changes_nothing(drill: Drill) -> None:
    zombie = drill.worker("w1")
    drill.wait_for_decisions()
    zombie.send_signal(signal.SIGSTOP)
    drill.worker("w2")
    drill.wait_for_decisions(800)  # nobody but w2 can make them: it has taken over
    zombie.send_signal(signal.SIGCONT)
    drill.wait_for_decisions(800)
    drill.finish()
    assert drill.recount() == []
    assert zombie.poll() is None, "it goes on as a member, with what is assigned to it anew"


def test_workers_that_come_and_go_lose_and_double_nothing(drill: Drill) -> None:
    first = drill.worker("w1")
    drill.wait_for_decisions()
    drill.worker("w2")
    drill.wait_for_decisions(1_000)
    third = drill.worker("w3")
    drill.wait_for_decisions(1_000)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=10) == 0
    drill.wait_for_decisions(500)
    third.kill()
    drill.wait_for_decisions(1_000)
    drill.finish()
    assert drill.recount() == []


def test_a_broker_killed_and_started_again_ends_no_worker_and_loses_nothing(
    tmp_path: Path,
) -> None:
    with (
        EmbeddedKafka(tmp_path / "kafka", tied=True) as broker,
        Drill(broker.address, tmp_path) as drill,
    ):
        workers = [drill.worker("w1"), drill.worker("w2")]
        drill.wait_for_decisions(500)
        broker.kill()
        assert broker.start() == drill.brokers, "the node comes back where it was"
        drill.wait_for_decisions(500)
        drill.finish()
        assert drill.recount() == []
        assert [worker.poll() for worker in workers] == [None, None]


def test_a_second_worker_of_the_same_name_ends_the_first_with_exit_4(drill: Drill) -> None:
    first = drill.worker("w1")
    drill.wait_for_decisions()
    drill.worker("w1")
    assert first.wait(timeout=30) == 4
    drill.wait_for_decisions(500)
    drill.finish()
    assert drill.recount() == []


def test_sigterm_ends_a_worker_cleanly_also_while_it_starts(drill: Drill) -> None:
    worker = drill.worker("w1")
    wait_until(lambda: _catches_sigterm(worker.pid), "the worker to handle SIGTERM")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0


def test_the_recount_notices_a_worker_that_fences_nobody(drill: Drill) -> None:
    zombie = drill.worker("w1", broken="fencing")
    drill.wait_for_decisions(500)
    zombie.send_signal(signal.SIGSTOP)
    drill.worker("w2", broken="fencing")
    drill.wait_for_decisions(800)
    zombie.send_signal(signal.SIGCONT)
    drill.wait_for_decisions(800)
    drill.finish()
    assert drill.recount() != []


def test_the_recount_notices_a_worker_that_goes_on_one_record_too_late(drill: Drill) -> None:
    worker = drill.worker("w1")
    drill.wait_for_decisions(500)
    worker.kill()
    drill.worker("w1", broken="offsets")
    drill.wait_for_decisions(500)
    drill.finish()
    assert drill.recount() != []


def _catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & (1 << (signal.SIGTERM - 1)))
