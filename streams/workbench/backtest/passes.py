"""The passes over a recording: a survey of all accounts, then what either rule set decides."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from streams.patterns import RuleSet
from streams.recording import Progress
from streams.workbench.backtest.decided import decide, of_entities
from streams.workbench.backtest.finds import Finds
from streams.workbench.backtest.shards import Task, surveys
from streams.workbench.backtest.survey import Survey
from streams.workbench.backtest.tally import Tally, tally

DECISIONS = 2
"""Passes that follow the survey, which is one for each process."""


def run(task: Task, rulesets: tuple[RuleSet, RuleSet], processes: int, progress: Progress) -> Tally:
    """The figures of the whole recording; `rulesets` are the task's, loaded.

    `progress` is told bytes that add up to `processes` and `DECISIONS` times the size of the files,
    more where a part had to be done again. Raises as `surveys`.
    """
    with TemporaryDirectory(prefix="vigil-backtest-") as directory:
        found = surveys(task, processes, Path(directory), progress)
        finds = both(task, rulesets, found, progress)
    reviews = [review for one in found for review in one.reviews]
    figures = tally(rulesets, finds, reviews)
    figures.signals = sum(one.signals for one in found)
    figures.refused = sum(one.refused for one in found)
    figures.first = min((one.first for one in found if one.first is not None), default=None)
    figures.last = max((one.last for one in found if one.last is not None), default=None)
    return figures


def both(
    task: Task, rulesets: tuple[RuleSet, RuleSet], found: list[Survey], progress: Progress
) -> tuple[Finds, Finds]:
    """What both rule sets decide about the accounts that were found."""
    accounts = set[bytes]().union(*(one.accounts for one in found))
    disordered = set[Path]().union(*(one.disordered for one in found))
    recordings = [(path, path not in disordered) for path in task.files]
    newest = max(one.newest for one in found)
    told = [[one.told[side] for one in found] for side in (0, 1)]
    entities = of_entities(rulesets[0], told[0], newest)
    others = entities if told[0] == told[1] else of_entities(rulesets[1], told[1], newest)
    old, new = (
        decide(ruleset, recordings, accounts, said, progress)
        for ruleset, said in zip(rulesets, (entities, others), strict=True)
    )
    return old, new
