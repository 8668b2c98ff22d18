"""The demo as a user runs it: real Kafka, real workers, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from importlib import resources
from pathlib import Path

import pytest
from msgspec import json

SMALL = ("--signals", "4000", "--accounts", "400", "--rate", "500")


class Demo:
    """One run of `vigil demo`, its temporary files below `directory`."""

    def __init__(self, directory: Path, *options: str, **environment: str) -> None:
        self.temporary = directory / "temporary"
        self.kept = directory / "kept"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "demo", "--keep", self.kept, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "TMPDIR": str(self.temporary),
                "VIGIL_BROKERS": "127.0.0.1:1",
                **environment,
            },
        )

    def wait_for(self, words: str) -> str:
        """Read its standard output up to a line with these words, and return that."""
        for line in self.process.stdout:
            if words in line:
                return line
        pytest.fail(f"it ended without saying {words!r}: {self.process.stderr.read()}")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=90)
        return self.process.returncode, out, err

    def processes(self) -> dict[int, str]:
        """Everything that still runs in or on the temporary directory: pid → command line."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = (entry / "cwd").readlink()
            except (OSError, ValueError):
                continue
            if entry.name.isdigit() and str(self.temporary) in f"{where} {command}":
                found[int(entry.name)] = command
        return found

    def assert_nothing_left(self) -> None:
        assert self.processes() == {}
        assert list(self.temporary.iterdir()) == []


@pytest.fixture
def demo(tmp_path):
    started = []

    def start(*options: str, **environment: str) -> Demo:
        started.append(Demo(tmp_path, *options, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(60)


@pytest.fixture
def without_prometheus(tmp_path):
    """A directory for PATH with what else the demo calls."""
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("java", "setpriv"):
        (path / name).symlink_to(shutil.which(name))
    return path


def test_the_demo_finds_every_campaign_and_its_recording_replays_to_the_same(demo):
    # So slow that no hiccup of a busy machine is longer than what patterns about entities wait for.
    run = demo(*SMALL, "--rate", "300", "--json")
    code, out, err = run.end()
    assert code == 0, err
    summary = json.decode(out)
    assert all(one["found"] == one["accounts"] for one in summary["campaigns"] if one["detectable"])
    assert [one["campaign"] for one in summary["campaigns"] if not one["detectable"]] == [
        "refusal-ladder"
    ]
    replay = subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", run.kept / "day.jsonl.zst"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    # A day in seconds: inputs overtake each other by hours, which Vigil promises to bear as long as
    # it is within a pattern's lateness, in the set of what fires and when; evidence may be older.
    replayed, committed = (
        [(record["topic"], record["value"]) for record in map(json.decode, text.splitlines())]
        for text in (replay.stdout, (run.kept / "outputs.jsonl").read_bytes())
    )
    assert found(committed) == found(replayed), "each exactly once"
    assert at_once(committed) == at_once(replayed) != []
    assert len(committed) == sum(summary["outputs"].values())
    assert not [value for topic, value in committed if topic == "dead-letters"]
    boards = summary["boards"]
    assert len(boards) == 5
    live = sum(
        value["mode"] == "live" and "retracts" not in value
        for topic, value in committed
        if topic == "detections"
    )
    # The demo's own pattern is played after the outputs are kept, and Prometheus extrapolates.
    assert value_of(boards, "Detection overview", "Live detections") >= 0.9 * live > 0
    assert value_of(boards, "Enforcement and review", "Held") == pytest.approx(7, rel=0.1)
    assert value_of(boards, "Stream health", "Workers up") == 2
    run.assert_nothing_left()


def value_of(boards, board, panel):
    (one,) = boards[board][panel]
    return one["value"]


def found(records):
    """What one account's signals led to; who met an entity when is another matter in such a hurry."""
    return sorted(
        (value["pattern"], value["account"], value["at"])
        for topic, value in records
        if topic == "detections" and "entity" not in value and "derived" not in value
    )


def at_once(records):
    return sorted(
        (value["account"], value["action"])
        for topic, value in records
        if topic == "enforcement" and value.get("why") == "zero_tolerance"
    )


def test_a_detectable_campaign_that_is_not_found_makes_the_demo_fail(demo, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    shutil.copy(str(resources.files("streams") / "catalogue" / "refusal_ladder.yml"), rules)
    run = demo(
        *SMALL, "--rules", str(rules),
        "--campaigns", "refusal-ladder,confirmed-hash-match", "--stay",
    )  # fmt: skip
    address = run.wait_for("Prometheus  http://").split()[-1]
    with urllib.request.urlopen(f"{address}/api/v1/query?query=sum(up)", timeout=10) as answer:
        assert json.decode(answer.read())["data"]["result"][0]["value"][1] == "2", "all stays up"
    run.process.send_signal(signal.SIGINT)
    code, out, err = run.end()
    assert code == 1, err
    rows = {line.split()[0]: line for line in out.splitlines() if "found" in line or "MISS" in line}
    assert rows["refusal-ladder"].split()[-1] == "found"
    assert rows["confirmed-hash-match"].split()[-1] == "MISSED"
    run.assert_nothing_left()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_cleans_up(demo, sign, without_prometheus):
    run = demo("--signals", "20000", "--rate", "500", PATH=str(without_prometheus))
    run.wait_for("No Prometheus here (apt-get install prometheus)")
    run.wait_for("✔ Starting 2 workers")
    commands = " ".join(run.processes().values())
    assert all(words in commands for words in ("kafka.Kafka", "demo-1", "demo-2"))
    run.process.send_signal(sign)
    run.process.send_signal(sign)  # impatience changes nothing
    code, _, err = run.end()
    assert code == 130, err
    run.assert_nothing_left()


def test_a_worker_that_dies_ends_the_demo_with_its_last_words(demo):
    run = demo("--signals", "20000", "--rate", "500")
    run.wait_for("✔ Starting 2 workers")
    victim = next(pid for pid, command in run.processes().items() if "demo-2" in command)
    os.kill(victim, signal.SIGKILL)
    code, _, err = run.end()
    assert code == 5
    assert "worker demo-2 ended with exit -9; its log ends:" in err
    run.assert_nothing_left()
