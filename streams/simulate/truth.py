"""What was hidden in a simulation: one JSON line per campaign instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from streams.patterns import load_rules
from streams.patterns.loader import CATALOGUE
from streams.signals import Schema


class Pattern(msgspec.Struct, frozen=True):
    """A pattern that is expected to find a campaign: its Sigma id, file name and title."""

    id: str
    slug: str
    title: str


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign instance.

    `started_at` is the first abusive act and `ended_at` the last one or its verdict, RFC 3339. `pace` is how fast
    it went compared with the campaign's usual pace. `detectable` says whether, by what its accounts
    did, each of them meets one of `patterns` as shipped; if not, nobody is expected to find it.
    """

    campaign: str
    instance: int
    accounts: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    started_at: str
    ended_at: str
    pace: float
    detectable: bool


class UnreadableTruthError(Exception):
    """A ground-truth file isn't one. Says which line, and what to do."""


def write(path: Path, hidden: Iterable[Hidden]) -> None:
    """Write the ground truth as JSON lines."""
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in hidden))


def read(path: Path) -> list[Hidden]:
    """Read what `write` wrote.

    Raises:
        UnreadableTruthError: the file is missing or a line is not a `Hidden`.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableTruthError(
            f"{path}: can't be read ({error.strerror}); `vigil simulate --truth {path}` writes one"
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(msgspec.json.decode(line, type=Hidden))
        except msgspec.DecodeError as error:
            raise UnreadableTruthError(
                f"{path}:{number}: not a line of ground truth; `vigil simulate --truth FILE` "
                "writes one JSON object per campaign"
            ) from error
    return found


@cache
def shipped() -> Mapping[str, Pattern]:
    """Return the patterns of the shipped catalogue by slug."""
    return MappingProxyType(
        {
            Path(pattern.file).stem: Pattern(pattern.id, Path(pattern.file).stem, pattern.title)
            for pattern in load_rules([CATALOGUE], Schema()).patterns
        }
    )
