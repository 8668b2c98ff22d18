"""Whether every worker runs the rule set it should, and how long its windows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.doctor.finding import Finding, Severity
from streams.patterns import RuleErrors, RuleSet, load_files
from streams.rules.published import Current, rule_files
from streams.rules.running import State, Worker
from streams.rules.shelf import Shelf
from streams.signals import Schema
from streams.signals.times import parse_ms

MOMENT_MS = 30_000
"""How long a worker may take to switch; it takes a second or two."""


def longest_window_ms(ruleset: RuleSet) -> int:
    """The longest window of a rule set, its lateness included."""
    windows = (p.correlation for p in ruleset.patterns if p.correlation is not None)
    return max((window.timespan + window.lateness for window in windows), default=0)


def published(shelf: Shelf, schema: Schema) -> RuleSet | None:
    """The current rule set, if there is one and it can be loaded with this schema."""
    current = shelf.current
    if current is None or current.ruleset not in shelf:
        return None
    try:
        return load_files(rule_files(shelf[current.ruleset]), schema)
    except RuleErrors:
        return None


def look(workers: Iterable[Worker], current: Current | None, *, now_ms: int) -> Iterator[Finding]:
    """Workers that refuse the current set, or still run another one than they should."""
    alive = [one for one in workers if one.alive]
    if current is None:
        yield from _differ(alive)
        return
    for worker in alive:
        state, running = worker.state(current.ruleset), worker.running
        about = f"worker {worker.name}"
        if state is State.REFUSES and running is not None:
            yield Finding(
                Severity.PROBLEM,
                about,
                f"refuses the current rule set {current.ruleset} and goes on with"
                f" {running.ruleset}: {running.why}",
                "Give it the schema file and the version of Vigil the set was published with, or go"
                " back: vigil rules rollback",
            )
        elif state in (State.BEHIND, State.SILENT) and now_ms - parse_ms(current.at) > MOMENT_MS:
            runs = running.ruleset if running is not None else "an unknown one"
            yield Finding(
                Severity.PROBLEM,
                about,
                f"runs {runs}, not the rule set that is current since {current.at},"
                f" {current.ruleset}",
                "Look for the cause in its log and restart it",
            )


def _differ(alive: list[Worker]) -> Iterator[Finding]:
    """Nothing is published, and workers were started with different rules."""
    said = {one.name: one.running.ruleset for one in alive if one.running is not None}
    if len(set(said.values())) > 1:
        each = ", ".join(f"{name} {ruleset}" for name, ruleset in said.items())
        yield Finding(
            Severity.WARNING,
            "workers",
            f"run different rule sets, so that what is found hangs on the partition: {each}",
            "Publish one for all: vigil rules publish DIR",
        )
