"""What the tests of adapters share: the recorded formats, a key, a clock that stands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from streams import __version__
from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.files import Count, come_in, go_out
from streams.adapters.foreign import Foreign
from streams.adapters.making import Given
from streams.adapters.pseudonyms import Pseudonyms
from streams.adapters.table import ADAPTERS, In, Out
from streams.signals import Refused, Schema

FIXTURES = Path(__file__).parent / "fixtures"
KEY = b"a key of at least 16 bytes"
NOW = 1_772_500_000_000
"""When foreign records came: some hours after they happened."""

SCHEMA = Schema.load()
WORDS = Dictionary.load(FIXTURES / "words.toml", SCHEMA)
INCOMING = [one.name for one in ADAPTERS.values() if isinstance(one, In)]
OUTGOING = [one.name for one in ADAPTERS.values() if isinstance(one, Out)]


def door(name: str, *, replace_all: bool = False) -> Door:
    """The door of an incoming adapter."""
    given = Given(Pseudonyms(KEY, replace_all=replace_all), WORDS, SCHEMA)
    return Door(ADAPTERS[name].adapt, given)


def let_in(name: str, record: object, **options: bool) -> list[dict]:
    """What becomes of one foreign record: topic and value of each."""
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    entering = door(name, **options)(Foreign(body, NOW))
    return [{"topic": one.topic, **json.loads(one.value)} for one in entering]


def recorded(name: str) -> list[dict]:
    """The records of a fixture."""
    return list(read_lines((FIXTURES / f"{name}.jsonl").read_bytes().splitlines()))


def read_lines(lines: Iterable[bytes]) -> Iterable[dict]:
    """JSON lines, decoded."""
    return map(json.loads, lines)


def came_in(name: str) -> list[dict]:
    """What an incoming adapter makes of its recorded format; nothing may be refused."""
    lines = (FIXTURES / f"{name}.jsonl").read_bytes().splitlines()
    return list(read_lines(come_in(lines, door(name), lambda: NOW, Count(), _refused)))


def went_out(name: str) -> list[dict]:
    """What an outgoing adapter makes of the recorded decisions."""
    lines = (FIXTURES / "decisions.jsonl").read_bytes().splitlines()
    adapter = ADAPTERS[name]
    return [one.body for _, one in go_out(lines, adapter, WORDS, Count(), _refused)]


def expected(name: str) -> list[dict]:
    """What is written down; VERSION stands for Vigil's own."""
    text = (FIXTURES / f"{name}.expected.jsonl").read_text().replace("VERSION", __version__)
    return list(read_lines(text.encode().splitlines()))


def _refused(number: int, refused: Refused) -> None:
    raise AssertionError(f"line {number}: {refused}")
