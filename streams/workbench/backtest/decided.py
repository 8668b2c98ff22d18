"""What one rule set finds, and what all three agents decide because of it.

Entities are decided first, from what all accounts told of them: what comes of that goes to accounts
and never comes back. The accounts that anything was found about, their own signals and what they
hear of entities, are then played to the accounts agent and the governor together, because each
decides on the strength of the other: strikes count once they are granted, and budgets are spent by
what strikes led to. All other accounts have nothing to do with that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from streams.agents.accounts import accounts_agent
from streams.agents.entities import entities_agent
from streams.agents.governor import governor_agent
from streams.agents.meetings import SIGNALS
from streams.engine.memory import NOT_HEARD, MemoryDriver
from streams.engine.outbox import Output
from streams.patterns import RuleSet
from streams.recording import Progress, Record, Recording, Told, by_ts, merged
from streams.workbench.backtest.finds import Finds
from streams.workbench.backtest.survey import IGNORED, READ

HEARD = "account-signals"
_CHUNK_RECORDS = 2_000


def of_entities(ruleset: RuleSet, told: Sequence[Path], newest: int) -> list[Output]:
    """What the entities agent says, from recordings of what accounts told it."""
    recordings = [Recording(path, (SIGNALS,)) for path in told]
    driver = MemoryDriver([entities_agent(ruleset, ruleset.schema)], within_ms=NOT_HEARD)
    return [
        *driver.feed(merged([one.streamed() for one in recordings])),
        *driver.advance(newest),
    ]


def decide(
    ruleset: RuleSet,
    recordings: Sequence[tuple[Path, bool]],
    accounts: set[bytes],
    entities: Sequence[Output],
    progress: Progress,
) -> Finds:
    """What a rule set comes to.

    `recordings` are files and whether they are in the order of time, `accounts` the keys of those
    something was found about, `entities` what `of_entities` gave.
    """
    finds = Finds(ruleset)
    for output in entities:
        finds.take(output)
    heard = sorted(
        ((HEARD, one.key, one.value, one.ts) for one in entities if one.topic == HEARD), key=by_ts
    )
    concerned = accounts.union(key for _, key, _, _ in heard)
    driver = MemoryDriver([accounts_agent(ruleset, ruleset.schema), governor_agent(ruleset.schema)])
    files = [Recording(path, READ, ignored=IGNORED) for path, _ in recordings]
    sources: list[Iterator[Record]] = [
        one.streamed(concerned.__contains__) if ordered else one.sorted(concerned.__contains__)
        for one, (_, ordered) in zip(files, recordings, strict=True)
    ]
    records, told = merged([*sources, iter(heard)]), Told(files, progress)
    while batch := list(islice(records, _CHUNK_RECORDS)):
        _take(finds, driver.feed(batch))
        told()
    told(end=True)
    _take(finds, driver.advance(max(one.newest for one in files)))
    return finds


def _take(finds: Finds, outputs: Iterable[Output]) -> None:
    for output in outputs:
        finds.take(output)
