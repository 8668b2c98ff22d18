"""Workers of two versions in one group, of which the newer one writes state the older can't read."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.drill import Drill, read, wait_until
from tests.upgrades import next_worker

NEXT = Path(next_worker.__file__)


@pytest.fixture
def drill(kafka: str, tmp_path: Path):
    with Drill(kafka, tmp_path, per_second=1_000) as drill:
        yield drill


def replace(drill: Drill, worker: subprocess.Popen[bytes], name: str) -> subprocess.Popen[bytes]:
    """A worker stops as it is asked to, and the next version starts under its name."""
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=10) == 0
    return drill.worker(name, program=NEXT)


def versions(drill: Drill) -> list[int]:
    """The versions of all records of state there ever were, in each partition's order."""
    records = read(drill.brokers, drill.prefix + "accounts-state")
    return [value[0] for key, value in records if value and key[:1] == b"A"]


def test_a_rolling_upgrade_loses_and_doubles_nothing_and_an_older_worker_stops_at_newer_state(
    drill: Drill, tmp_path: Path
) -> None:
    first, second = drill.worker("w1"), drill.worker("w2")
    drill.wait_for_decisions(100)
    newer = replace(drill, second, "w2")
    wait_until(lambda: 2 in versions(drill), "the next version to have written")
    assert first.poll() is None, "both work in one group"
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=10) == 0
    drill.wait_for_decisions(200)  # all partitions are the next version's

    # Who goes back, or a machine that was forgotten.
    older = drill.worker("w3")
    assert older.wait(timeout=30) == 5
    said = (tmp_path / "w3.log").read_text()
    place = rf"{drill.prefix}accounts-state/\d offset \d+"
    assert re.search(rf"{place}: .* version 2, this Vigil reads 1: a newer Vigil wrote it", said)
    assert "Start the version of Vigil that wrote it" in said

    drill.worker("w1", program=NEXT)
    drill.wait_for_decisions(100)
    drill.finish()
    assert drill.recount() == []
    assert newer.poll() is None
