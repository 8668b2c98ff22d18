"""`vigil topics repartition` on a real broker: refused while it may not, killed in the middle, run
again; afterwards nothing is lost, doubled or in two places, and nobody works as before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams import admin
from streams.admin.cluster import open_cluster
from streams.engine.partitioner import partition_of
from streams.repartition import Fewer, look
from tests.faults.drill import Drill, read, read_apart, wait_until

MORE = 6
RULES = [b"current", b"set.a", b"set.b", b"set.c", b"set.d"]


@pytest.fixture
def drill(kafka: str, tmp_path: Path):
    with Drill(kafka, tmp_path, per_second=1_000) as drill:
        yield drill


def command(drill: Drill, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "topics", "repartition", "--brokers", drill.brokers,
         "--prefix", drill.prefix, "--partitions", str(MORE), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("VIGIL_")},
    )  # fmt: skip


def refused(drill: Drill) -> str:
    run = command(drill, "--dry-run")
    _, told = run.communicate(timeout=60)
    assert run.returncode == 1, told
    return told


def killed_at(drill: Drill, words: str) -> None:
    """Run it until it says something, and kill it then."""
    run = command(drill)
    assert run.stderr is not None
    for line in run.stderr:
        if words in line:
            break
    run.kill()
    run.communicate()
    assert run.returncode == -signal.SIGKILL, f"it was killed before it was through: {words}"


def members(drill: Drill) -> tuple[str, ...]:
    with open_cluster({"bootstrap_servers": drill.brokers}) as cluster:
        return look(cluster, drill.prefix).members


def publish(drill: Drill) -> None:
    producer = KafkaProducer(bootstrap_servers=drill.brokers)
    for key in RULES:
        producer.send(drill.prefix + "rules", b"of " + key, key)
    producer.close()


def test_killed_again_and_again_it_loses_doubles_and_misplaces_nothing(
    drill: Drill, tmp_path: Path
) -> None:
    connection = {"bootstrap_servers": drill.brokers}
    publish(drill)
    assert "records wait to be read" in refused(drill)
    awake, sleeper = drill.worker("w1"), drill.worker("w2")
    wait_until(lambda: members(drill) == ("w1", "w2"), "both to be in the group")
    drill.wait_for_decisions(100)
    sleeper.send_signal(signal.SIGSTOP)
    drill.finish()
    assert f"workers are in the group {drill.prefix}vigil (w1)" in refused(drill)
    awake.send_signal(signal.SIGTERM)
    assert awake.wait(timeout=10) == 0
    assert members(drill) == (), "who is asked to stop leaves at once"

    for words in ("gets 6 partitions", "accounts-state/1: ", "moderation-hits gets"):
        killed_at(drill, words)
        with pytest.raises(admin.TopicsWrong, match="run it again"):
            admin.require(connection, prefix=drill.prefix)
    run = command(drill)
    table, told = run.communicate(timeout=60)
    assert run.returncode == 0, told
    assert admin.require(connection, prefix=drill.prefix) == drill.partitions + 2
    assert f"{drill.prefix}accounts-state" in table

    drill.partitions = MORE
    assert drill.recount() == []
    rules = read_apart(drill.brokers, drill.prefix + "rules", MORE)
    there = {n: {k for k, v in dict(part).items() if v} for n, part in rules.items()}
    assert there == {n: {k for k in RULES if partition_of(k, MORE) == n} for n in range(MORE)}

    # Who slept through it would still put keys where they belonged.
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(timeout=30) == 3
    assert (
        "has 6 partitions, it had 4 when this worker started" in (tmp_path / "w2.log").read_text()
    )

    drill.worker("w1")
    drill.worker("w2")
    drill.go_on()
    drill.wait_for_decisions(100)
    drill.finish()
    assert drill.recount() == []
    assert read(drill.brokers, drill.prefix + "dead-letters", MORE) == []
    with open_cluster(connection) as cluster, pytest.raises(Fewer, match="just stop some"):
        look(cluster, drill.prefix).insist(4)
