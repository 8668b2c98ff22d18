"""Running workers and the rule sets published to them, on a real broker."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from typing import Self

import pytest

from streams import __version__
from streams.doctor import Deployment as Examined
from streams.doctor import examine
from streams.patterns import load_files
from streams.signals import Schema
from tests.faults.drill import wait_until
from tests.rules import books
from tests.rules.deployment import Deployment, replayed

ACCOUNTS = [f"a{number}" for number in range(60)]
REFUSED, FAILED, UPLOAD = "prompt.refused", "login.failed", "upload.created"


@pytest.fixture
def deployment(kafka, prefix, tmp_path):
    with Deployment(kafka, prefix, tmp_path) as deployment:
        yield deployment


class Load(threading.Thread):
    """Uploads of all accounts, without a break; each is a detection."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(daemon=True)
        self.rounds = 0
        self._deployment = deployment
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            for account in ACCOUNTS:
                self._deployment.send(UPLOAD, account, self.rounds)
            self.rounds += 1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


def test_one_pattern_changed_under_load_loses_no_window_of_the_others(deployment, tmp_path):
    first_book = {"ladder": books.ladder(3), "logins": books.logins(3)}
    second_book = {"ladder": books.ladder(3), "logins": books.logins(4)}
    rules = tmp_path / "rules"
    first = deployment.publish(books.write(rules, **first_book))
    deployment.start("w1")
    deployment.start("w2")
    sent = deployment.sent
    with Load(deployment) as load:
        # Half a window of each pattern under the first set; in some accounts a whole one.
        for number in range(2):
            for account in ACCOUNTS:
                deployment.send(REFUSED, account, number)
                deployment.send(FAILED, account, number)
        for account in ACCOUNTS[:10]:
            deployment.send(FAILED, account, 2)
        deployment.flush()
        deployment.wait_for(first, "w1", "w2")
        deployment.wait_until_ready("w1", "w2")
        wait_for_uploads(deployment, load, first)

        second = deployment.publish(books.write(rules, **second_book))
        deployment.wait_for(second, "w1", "w2")
        # The ladder's windows straddle the switch; those of the changed pattern begin anew.
        for account in ACCOUNTS:
            deployment.send(REFUSED, account, 2)
            for number in range(10, 14):
                deployment.send(FAILED, account, number)
        deployment.flush()
        wait_for_uploads(deployment, load, second)

        # One command back, and a worker killed meanwhile runs what is published when it is back.
        assert deployment.json("rules", "rollback")["ruleset"] == first
        deployment.kill("w1")
        deployment.start("w1")
        deployment.wait_for(first, "w1", "w2")
        for account in ACCOUNTS[10:]:
            deployment.send(FAILED, account, 20)
        wait_for_uploads(deployment, load, first)
    deployment.finish()

    found = deployment.detections()
    assert max(Counter(one["id"] for one in found).values()) == 1, "each decision once"
    by_pattern = defaultdict(dict)
    for one in found:
        by_pattern[one["pattern"]][one["id"]] = one

    old, new = (load_files(books.book(**book), Schema()) for book in (first_book, second_book))
    of_all = replayed(old, sent)
    for pattern in (books.LADDER, books.UPLOADS):
        expected = {one["id"]: one for one in of_all if one["pattern"] == pattern}
        assert unstamped(by_pattern[pattern]) == unstamped(expected)
    ladders = by_pattern[books.LADDER].values()
    assert len(ladders) == len(ACCOUNTS), "no window was lost"
    assert {one["ruleset"] for one in ladders} == {second}
    middle = [line for line in sent if is_failed(line, range(10, 14))]
    rest = [line for line in sent if not is_failed(line, range(10, 14))]
    expected = {
        one["id"]: one
        for one in [*replayed(old, rest), *replayed(new, middle)]
        if one["pattern"] == books.LOGINS
    }
    assert by_pattern[books.LOGINS] == expected, "with the set that made them"
    assert len(expected) == 2 * len(ACCOUNTS)

    # First, second, first again: no account sees another order.
    stamps = defaultdict(list)
    for one in found:
        mine = stamps[one["account"]]
        if not mine or mine[-1] != one["ruleset"]:
            mine.append(one["ruleset"])
    names = {first: "first", second: "second"}
    orders = {tuple(names[one] for one in mine) for mine in stamps.values()}
    assert orders == {("first", "second", "first")}


def wait_for_uploads(deployment: Deployment, load: Load, ruleset: str) -> None:
    """Wait until an upload of each account that is sent from now on is told with this set."""
    begin = load.rounds + 1

    def all_told() -> bool:
        told = {
            one["account"]
            for one in deployment.detections()
            if one["ruleset"] == ruleset
            and one["pattern"] == books.UPLOADS
            and int(one["evidence"][0].rpartition("-")[2]) >= begin
        }
        return len(told) == len(ACCOUNTS)

    wait_until(all_told, f"uploads of every account told with {ruleset}")


def unstamped(found: dict) -> dict:
    return {one: {**value, "ruleset": ""} for one, value in found.items()}


def is_failed(line: tuple[str, bytes, bytes, int], numbers: range) -> bool:
    kind, _, number = json.loads(line[2])["id"].rpartition("-")
    return kind.startswith(FAILED) and int(number) in numbers


SCHEMA = '[activity]\nkinds = ["star.added"]\n'


def test_a_set_a_worker_cannot_load_is_refused_and_what_runs_goes_on(
    deployment, kafka, prefix, tmp_path
):
    schema = tmp_path / "schema.toml"
    schema.write_text(SCHEMA)
    rules = books.write(tmp_path / "rules", ladder=books.ladder(3))
    local = load_files(books.book(ladder=books.ladder(3)), Schema()).hash
    deployment.start("w1", "--rules", rules)
    deployment.wait_for(local, "w1")
    assert deployment.said()["w1"].source == f"--rules {rules}"
    assert deployment.said()["w1"].vigil == __version__

    # It switches although it was started with rules of its own …
    good = deployment.publish(books.write(rules))
    status = deployment.vigil("rules", "status", "--wait", "30")
    assert status.returncode == 0
    assert f"w1\tok\t{good}" in status.stdout
    # … and can't be started so again.
    run = deployment.vigil("run", "--worker-id", "w2", "--rules", rules)
    assert run.returncode == 2
    assert good in run.stderr
    assert f"take away --rules {rules}" in run.stderr

    # A set for another schema: refused, told, and the old one stays.
    stars = books.ladder(3).replace(REFUSED, "star.added")
    bad = deployment.publish(books.write(rules, stars=stars), "--schema", str(schema))
    wait_until(lambda: deployment.said()["w1"].refused == bad, "the refusal")
    said = deployment.said()["w1"]
    assert said.ruleset == good
    assert "published with a --schema file" in said.why
    assert f"event=rules_refused ruleset={bad}" in deployment.log("w1").read_text()
    (worker,) = deployment.json("rules", "status", code=1)["workers"]
    assert (worker["state"], worker["ruleset"], worker["why"]) == ("refuses", good, said.why)
    examined = Examined({"bootstrap_servers": kafka}, prefix=prefix)
    assert [f.about for f in examine(examined) if "refuses" in f.problem] == ["worker w1"]

    # Killed and started again it falls back on what was current before, and works.
    deployment.kill("w1")
    deployment.start("w1")
    wait_until(
        lambda: deployment.said().get("w1", said).since > said.since, "the worker to be back"
    )
    assert deployment.said()["w1"].refused == bad
    deployment.send(UPLOAD, "a1", 1)
    deployment.finish()
    assert [one["ruleset"] for one in deployment.detections()] == [good]

    assert deployment.json("rules", "rollback")["ruleset"] == good
    wait_until(lambda: not deployment.said()["w1"].refused, "the refusal to be over")
    assert deployment.vigil("rules", "status").returncode == 0
