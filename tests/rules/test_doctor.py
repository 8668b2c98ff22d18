"""What the doctor says of the rule sets and versions workers run; on a real broker in test_workers.py."""

from __future__ import annotations

from streams import __version__
from streams.doctor import Severity
from streams.doctor.rulesets import MOMENT_MS, look
from streams.doctor.workers import versions
from streams.rules.published import Current
from streams.rules.running import Running, Worker
from streams.signals.times import parse_ms

CURRENT = Current(ruleset="new", at="2026-01-01T00:00:00.000Z", by="ann")
NOW_MS = parse_ms(CURRENT.at) + MOMENT_MS


def worker(name, ruleset, *, alive=True):
    return Worker(name, alive, Running(ruleset=ruleset, since=CURRENT.at) if ruleset else None)


def test_a_worker_gets_a_moment_to_switch_and_is_a_problem_after_it():
    workers = [worker("w1", "new"), worker("w2", "old"), worker("w3", None)]
    workers += [worker("w4", "old", alive=False)]
    assert list(look(workers, CURRENT, now_ms=NOW_MS)) == []
    late = list(look(workers, CURRENT, now_ms=NOW_MS + 1))
    assert [(one.severity, one.about) for one in late] == [
        (Severity.PROBLEM, "worker w2"),
        (Severity.PROBLEM, "worker w3"),
    ]
    assert "runs old, not the rule set that is current since 2026-01-01" in late[0].problem


def test_without_a_published_set_workers_started_with_different_rules_are_told():
    assert list(look([worker("w1", "a"), worker("w2", "a")], None, now_ms=NOW_MS)) == []
    gone = worker("w3", "c", alive=False)
    (found,) = look([worker("w1", "a"), worker("w2", "b"), gone], None, now_ms=NOW_MS)
    assert "w1 a, w2 b" in found.problem
    assert "vigil rules publish" in found.remedy


def of_version(name, vigil, *, alive=True):
    return Worker(name, alive, Running(ruleset="a", since=CURRENT.at, vigil=vigil))


def test_workers_of_different_versions_are_told_and_so_is_a_machine_of_another():
    both = [of_version("w1", __version__), of_version("w2", __version__)]
    assert list(versions([*both, of_version("w3", "0.0.9", alive=False)])) == []
    (split,) = versions([*both, of_version("w3", "0.0.9"), of_version("w4", "")])
    assert split.severity is Severity.WARNING
    assert split.problem.endswith(f"w1 {__version__}, w2 {__version__}, w3 0.0.9, w4 an older one")
    (other,) = versions([of_version("w1", "9.0.0"), of_version("w2", "9.0.0")])
    assert other.severity is Severity.NOTE
    assert other.problem == f"is Vigil {__version__}, the workers run 9.0.0"
