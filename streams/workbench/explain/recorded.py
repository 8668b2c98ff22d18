"""What a recording holds of one account: its signals, what Vigil said of it, and who shares what.

What Vigil said is taken from the recording, topic by topic; a topic that isn't in it is made up for
by playing the signals again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver, MemoryRecord
from streams.engine.outbox import Output
from streams.patterns import RuleSet
from streams.recording import Progress, Record, Recording, Told, by_time, by_ts
from streams.records import OUTPUT_ID_CHARS
from streams.signals import Refused, Schema
from streams.topics import TABLE, Role
from streams.workbench.explain.records import Chain, Records, follow
from streams.workbench.explain.understanding import TOPICS, Said, Understanding, is_output_id

INPUTS = tuple(topic.name for topic in TABLE if topic.role is Role.IN)
HEARD = "account-signals"
"""What others say of an account: with it, its own agent decides again what it decided then."""

_BY_PATTERN = frozenset({"proposals", "pattern-commands"})
_CHUNK_RECORDS = 2_000

MOST_SHARING = 1_000
"""So many accounts tell enough of what they share: a carrier's network has millions."""


class NotFound(Exception):
    """There is nothing to explain; says what was looked at and what to do."""


class History(NamedTuple):
    """Everything about one account.

    `signals` came in about it, `others` about accounts that share an entity with it, and `orders`
    about patterns; all by time. `heard` are the account-signals, as records. `said` is what Vigil said of the
    account, with the time stamps; `topics` are those of Vigil's own whose records are known.
    `newest` is the greatest time stamp of the whole recording, ms. `replayed` says that all of it
    was played to find the account. So many others that share an entity were `left_out`.
    """

    account: str
    signals: list[Record]
    others: list[Record]
    orders: list[Record]
    heard: list[Record]
    said: list[tuple[int, Said]]
    topics: frozenset[str]
    newest: int
    replayed: bool
    left_out: int = 0

    @property
    def records(self) -> Records:
        """What was said, by id."""
        records = Records()
        for ts, said in self.said:
            records.add(said, ts)
        return records


def read(id_: str, files: Sequence[Path], ruleset: RuleSet, progress: Progress) -> History:
    """Everything about the account that the record `id_` of Vigil's is about.

    If the recording doesn't hold that record and what led to it, all its signals are replayed, which
    `progress` is told of. Memory grows with the signals of the account and of those it shares an
    entity with, and with what is found. Raises NotFound, and what reading a recording raises.
    """
    if not is_output_id(id_):
        raise NotFound(
            f"{id_!r} is no id of Vigil's: those of detections, enforcement and the like are "
            f"{OUTPUT_ID_CHARS} characters of a-z and 2-7"
        )
    understood = Understanding(ruleset.schema)
    account = _account_of(id_, _recorded(files), understood)
    history = None if account is None else _read(account, files, understood, ())
    if history is None or not _leads_back(id_, history):
        outputs = _replayed(files, ruleset, progress)
        account = account or _account_of(id_, outputs, understood)
        if account is None:
            raise NotFound(
                f"no detection or enforcement {id_} in {_named(files)}: it is not recorded there, "
                "and the signals recorded there don't lead to it under these rules (rule set "
                f"{ruleset.hash}). Ids hang on a pattern's version and on the evidence: name the "
                "rules of that time with --rules, and every file that holds signals of that account "
                "with --from."
            )
        history = _read(account, files, understood, outputs)
    if not history.signals:
        raise NotFound(
            f"{_named(files)} has what Vigil said of {account}, but none of its signals: name the "
            "recording of the inputs with another --from"
        )
    records = history.records
    detection = records.behind(id_)
    if detection is None:
        return history
    others, left_out = _sharing(follow(detection, records), files, ruleset.schema)
    return history._replace(others=others, left_out=left_out)


def named_by(signal: Any, schema: Schema) -> set[str]:
    """The entities (``TYPE:REF``) a signal names."""
    refs = ((kind, getattr(signal, field, None)) for kind, field in schema.entities.items())
    return {f"{kind}:{ref}" for kind, ref in refs if ref is not None}


def _leads_back(id_: str, history: History) -> bool:
    records = history.records
    detection = records.behind(id_)
    return detection is not None and not follow(detection, records).missing


def _recorded(files: Sequence[Path]) -> Iterator[Record]:
    """Vigil's own records in the files."""
    for path in files:
        recording = Recording(path, TOPICS, ignored=_without(TOPICS))
        yield from chain.from_iterable(recording.batches())


def _account_of(id_: str, records: Iterable[Record], understood: Understanding) -> str | None:
    wanted = id_.encode()
    for topic, _, value, _ in records:
        if value is not None and wanted in value:
            said = understood(topic, value)
            if said is not None and said.id == id_:
                return said.account
    return None


def _replayed(files: Sequence[Path], ruleset: RuleSet, progress: Progress) -> list[Record]:
    """What all agents say about all that came in."""
    driver = MemoryDriver(all_agents(ruleset))
    recordings = [Recording(path, INPUTS, ignored=_without(INPUTS)) for path in files]
    records, told = by_time(recordings), Told(recordings, progress)
    found: list[Record] = []

    def keep(outputs: Iterable[Output]) -> None:
        found.extend(
            (one.topic, one.key, one.value, one.ts) for one in outputs if one.topic in TOPICS
        )

    while batch := list(islice(records, _CHUNK_RECORDS)):
        keep(driver.feed(batch))
        told()
    keep(driver.advance(max(one.newest for one in recordings)))
    return found


def _read(
    account: str, files: Sequence[Path], understood: Understanding, replayed: Sequence[Record]
) -> History:
    """The history of an account without that of others, from the files and from a replay's outputs."""
    key = account.encode()
    kept: list[Record] = []
    seen: set[str] = set()
    topics = (*INPUTS, *TOPICS)
    recordings = [Recording(path, topics, ignored=_without(topics)) for path in files]
    for record in _records(recordings):
        seen.add(record[0])
        if _is_about(record, key):
            kept.append(record)
    made_up = [record for record in replayed if record[0] not in seen and _is_about(record, key)]
    kept = sorted((*kept, *made_up), key=by_ts)
    known = seen.union(TOPICS) if replayed else seen
    said = [
        (ts, one)
        for topic, _, value, ts in kept
        if topic in TOPICS and value is not None
        for one in [understood(topic, value)]
        if one is not None and one.account == account
    ]
    return History(
        account,
        [record for record in kept if record[0] in INPUTS and record[0] not in _BY_PATTERN],
        [],
        [record for record in kept if record[0] == "pattern-commands"],
        [record for record in kept if record[0] == HEARD],
        said,
        frozenset(known & TOPICS.keys()),
        max(recording.newest for recording in recordings),
        bool(replayed),
    )


def _is_about(record: Record, account: bytes) -> bool:
    topic, key, value, _ = record
    if topic == "pattern-commands":
        return True
    return key == account or (topic in _BY_PATTERN and value is not None and account in value)


def _sharing(chain_: Chain, files: Sequence[Path], schema: Schema) -> tuple[list[Record], int]:
    """All signals of the other accounts that ever named an entity the chain is about.

    Of more than `MOST_SHARING` accounts those that no evidence is of are left out: how many.
    """
    entities, evidence = chain_.entities, chain_.evidence
    if not entities:
        return [], 0
    refs = [entity.partition(":")[2].encode() for entity in entities]
    decoders = {topic: schema.decoder(topic) for topic in INPUTS if topic in schema.topics}
    recordings = [Recording(path, INPUTS, ignored=_without(INPUTS)) for path in files]
    first: dict[bytes | None, None] = {}
    others: dict[bytes | None, None] = {}
    for topic, key, value, ts in _records(recordings):
        if topic not in decoders or value is None or not any(ref in value for ref in refs):
            continue
        try:
            signal: Any = decoders[topic](MemoryRecord(key, value, 0, ts))
        except Refused:
            continue
        if named_by(signal, schema).intersection(entities):
            (first if signal.id in evidence else others)[key] = None
    keys = dict.fromkeys((*first, *others))
    keys.pop(chain_.detection.account.encode(), None)
    kept = set(islice(keys, MOST_SHARING))
    theirs = (
        record for one in recordings for batch in one.batches(kept.__contains__) for record in batch
    )
    found = sorted((one for one in theirs if one[0] not in _BY_PATTERN), key=by_ts)
    return found if kept else [], len(keys) - len(kept)


def _records(recordings: Iterable[Recording]) -> Iterator[Record]:
    return (record for one in recordings for batch in one.batches() for record in batch)


def _without(topics: Iterable[str]) -> frozenset[str]:
    return frozenset(topic.name for topic in TABLE).difference(topics)


def _named(files: Iterable[Path]) -> str:
    return ", ".join(map(str, files))
