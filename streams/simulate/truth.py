"""What was hidden in a simulation: one JSON line per campaign instance, one per look-alike."""

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
    """A pattern that is expected to find a campaign: its Sigma id, file name, title, and agent."""

    id: str
    slug: str
    title: str
    agent: str = "accounts"


class Hidden(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="campaign"):
    """One campaign instance.

    `accounts` are those to be found; `aside` act in it without being what it is about. `started_at`
    is the first abusive act and `ended_at` the last one or its verdict, RFC 3339. `pace` is how fast
    it went compared with the campaign's usual pace; `split`, `hop` and `pad` say how it evaded
    (accounts per actor, over surfaces, harmless records per record of its own).

    `met` says whether what its accounts did is what the pattern of its name looks for; `detectable`
    whether anybody is expected to find it: it is met, and one of `patterns` is shipped and asked.
    """

    campaign: str
    instance: int
    accounts: tuple[str, ...]
    aside: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...]
    started_at: str
    ended_at: str
    pace: float
    split: int = 1
    hop: bool = False
    pad: float = 0.0
    met: bool = True
    detectable: bool

    @property
    def evasion(self) -> str:
        """How it evaded, as it is asked for: ``pace=0.4:split=2``; ``plain`` if it did not."""
        said = [f"pace={self.pace:g}"] if self.pace != 1 else []
        said += [f"split={self.split}"] if self.split > 1 else []
        said += ["hop"] if self.hop else []
        said += [f"pad={self.pad:g}"] if self.pad else []
        return ":".join(said) or "plain"


class Lookalike(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="lookalike"):
    """Harmless accounts that look bad, one instance of a persona.

    Actions that are `wrong` must not be taken against `accounts`. What happens to those `aside`, who
    make them look bad, is nobody's mistake.
    """

    lookalike: str
    instance: int
    accounts: tuple[str, ...]
    aside: tuple[str, ...] = ()
    wrong: tuple[str, ...]
    started_at: str
    ended_at: str


class UnreadableTruthError(Exception):
    """A ground-truth file isn't one. Says which line, and what to do."""


def write(path: Path, truth: Iterable[Hidden | Lookalike]) -> None:
    """Write the ground truth as JSON lines."""
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in truth))


def read(path: Path) -> list[Hidden | Lookalike]:
    """Read what `write` wrote.

    Raises:
        UnreadableTruthError: the file is missing or a line is neither a `Hidden` nor a `Lookalike`.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableTruthError(
            f"{path}: can't be read ({error.strerror}); `vigil simulate --truth {path}` writes one"
        ) from error
    decode = msgspec.json.Decoder(Hidden | Lookalike).decode
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(decode(line))
        except msgspec.DecodeError as error:
            raise UnreadableTruthError(
                f"{path}:{number}: not a line of ground truth; `vigil simulate --truth FILE` "
                "writes one JSON object per campaign or look-alike"
            ) from error
    return found


@cache
def shipped() -> Mapping[str, Pattern]:
    """Return the patterns of the shipped catalogue by slug."""
    return MappingProxyType(
        {
            Path(pattern.file).stem: Pattern(
                pattern.id,
                Path(pattern.file).stem,
                pattern.title,
                getattr(pattern, "agent", "accounts"),
            )
            for pattern in load_rules([CATALOGUE], Schema()).patterns
        }
    )
