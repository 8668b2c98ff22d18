"""What a recording holds of one account: its signals, and what Vigil said of it, if it is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.agents.accounts import INPUTS, accounts_agent
from streams.engine.memory import MemoryDriver
from streams.patterns import RuleSet
from streams.patterns.correlation_types import TYPES
from streams.patterns.metadata import LEVELS
from streams.patterns.pattern import LIVE, SHADOW
from streams.recording import Progress, Record, Recording, Told, by_time
from streams.records import ACTIONS, OUTPUT_ID_CHARS, Detection, Enforcement
from streams.signals import Schema
from streams.signals.ids import is_id
from streams.signals.times import parse_ms
from streams.topics import TABLE

SAID = ("detections", "enforcement")
"""Topics of Vigil's own that are understood here."""

_CHUNK_RECORDS = 2_000
_REST = frozenset(topic.name for topic in TABLE) - {*INPUTS, *SAID}
_DIGEST = re.compile(r"[a-z2-7]{8,32}\Z").match
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z").match
_ID = re.compile(rf"[a-z2-7]{{{OUTPUT_ID_CHARS}}}\Z").match
_QUANTITIES = ("rules", "threshold", "capped", "waited_s")
"""What a detection's values may name beside fields and types of correlations."""

Said = Detection | Enforcement

_DECODERS: Mapping[str, Callable[[bytes], Said]] = {
    "detections": msgspec.json.Decoder(Detection).decode,
    "enforcement": msgspec.json.Decoder(Enforcement).decode,
}


class NotFound(Exception):
    """There is nothing to explain; says what was looked at and what to do."""


class History(NamedTuple):
    """Everything about one account: its signals by time, and what was said of it, in order.

    `newest` is the greatest time stamp of the whole recording, ms.
    """

    account: str
    signals: list[Record]
    said: list[Said]
    newest: int


def find(id_: str, files: Sequence[Path], ruleset: RuleSet, progress: Progress) -> str:
    """The account that the detection or enforcement `id_` is about.

    Looks at what the recording says first; if it says nothing, its signals are replayed, and
    `progress` is told of it. Raises NotFound, and what reading a recording raises.
    """
    if _ID(id_) is None:
        raise NotFound(
            f"{id_!r} is no id of Vigil's: those of detections and enforcement are "
            f"{OUTPUT_ID_CHARS} characters of a-z and 2-7"
        )
    wanted = id_.encode()
    understood = Understanding(ruleset.schema)
    for path in files:
        for batch in Recording(path, SAID, ignored=_REST | {*INPUTS}).batches():
            for topic, _, value, _ in batch:
                if value is not None and wanted in value:
                    said = understood(topic, value)
                    if said is not None and said.id == id_:
                        return said.account
    driver = MemoryDriver([accounts_agent(ruleset, ruleset.schema)])
    recordings = [Recording(path, INPUTS, ignored=_REST | {*SAID}) for path in files]
    records, told = by_time(recordings), Told(recordings, progress)
    while chunk := list(islice(records, _CHUNK_RECORDS)):
        for output in driver.feed(chunk):
            if wanted in output.value:
                said = understood(output.topic, output.value)
                if said is not None and said.id == id_:
                    return said.account
        told()
    raise NotFound(
        f"no detection or enforcement {id_} in {_named(files)}: it is not recorded there, and the "
        f"signals recorded there don't lead to it under these rules (rule set {ruleset.hash}). Ids "
        "hang on a pattern's version and on the evidence: name the rules of that time with --rules, "
        "and every file that holds signals of that account with --from."
    )


def read(account: str, files: Sequence[Path], schema: Schema) -> History:
    """What the files hold of an account. Raises NotFound when there are no signals of it."""
    key = account.encode()
    recordings = [Recording(path, (*INPUTS, *SAID), ignored=_REST) for path in files]
    records = [
        record
        for recording in recordings
        for batch in recording.batches(lambda other: other == key)
        for record in batch
    ]
    records.sort(key=lambda record: record[3])
    signals = [record for record in records if record[0] in INPUTS]
    if not signals:
        raise NotFound(
            f"{_named(files)} has what Vigil said of {account}, but none of its signals: name the "
            "recording of the inputs with another --from"
        )
    understood = Understanding(schema)
    said = [
        one
        for topic, _, value, _ in records
        if topic in SAID and value is not None
        for one in [understood(topic, value)]
        if one is not None and one.account == account
    ]
    newest = max(recording.newest for recording in recordings)
    return History(account, signals, said, newest)


class Understanding:
    """Reads records of Vigil's own: the record, or None for what Vigil would not say.

    A recording is anybody's: only ids, closed lists, numbers and times get through. The title is
    emptied; titles are the rule set's.
    """

    def __init__(self, schema: Schema) -> None:
        self._harms = frozenset(schema.fields("moderation-hits")["category"].values or ())
        fields = {name for topic in schema.topics for name in schema.fields(topic)}
        self._quantities = frozenset((*fields, *TYPES, *_QUANTITIES))

    def __call__(self, topic: str, value: bytes) -> Said | None:
        """The record of a topic."""
        decode = _DECODERS.get(topic)
        if decode is None:
            return None
        try:
            said = decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        if isinstance(said, Detection):
            said.title = ""
            sound = self._detection(said)
        else:
            sound = _enforcement(said)
        return said if sound and self._both(said) else None

    def _detection(self, said: Detection) -> bool:
        texts = [value for value in said.values.values() if isinstance(value, str)]
        return (
            said.mode in (LIVE, SHADOW)
            and (said.entity is None or is_id(said.entity))
            and (said.retracts is None or _ID(said.retracts) is not None)
            and said.values.keys() <= self._quantities
            and all(map(is_id, (*said.evidence, *texts)))
            and _is_time(said.window.start)
            and _is_time(said.window.end)
        )

    def _both(self, said: Said) -> bool:
        refs = filter(None, (said.end_user, said.content_ref, said.dataset_ref))
        return (
            _ID(said.id) is not None
            and _UUID(said.pattern) is not None
            and said.severity in LEVELS
            and said.harm in self._harms
            and all(map(_DIGEST, (said.version, said.ruleset)))
            and all(map(is_id, (said.account, *refs)))
            and _is_time(said.at)
        )


def _enforcement(said: Enforcement) -> bool:
    return (
        said.action in ACTIONS
        and said.automated in ("fully", "partially", "not")
        and (said.undoes is None or _ID(said.undoes) is not None)
        and all(map(_ID, said.detections))
    )


def _is_time(text: str) -> bool:
    try:
        parse_ms(text)
    except ValueError:
        return False
    return True


def _named(files: Iterable[Path]) -> str:
    return ", ".join(map(str, files))
