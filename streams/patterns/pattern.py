"""A pattern: one rule that reports, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from xxhash import xxh3_64_intdigest

from streams.patterns.absence import Absence
from streams.patterns.block import ALL_ACCOUNTS_PERCENT, Block
from streams.patterns.conditions import Condition
from streams.patterns.windows import Correlation

LIVE = "live"
SHADOW = "shadow"

ACCOUNTS = "accounts"
ENTITIES = "entities"

DISPATCH_FIELD: Mapping[str, str] = MappingProxyType(
    {"activity": "kind", "moderation-hits": "category"}
)
"""The required enum field of a topic by whose value signals are led to their patterns."""

STOP = -1
"""In place of a stage: a match that keeps the pattern from being told (`unless`)."""


@dataclass(frozen=True, slots=True)
class Search:
    """One detection a pattern looks for, and where its signals enter.

    `stage` is a place in `Pattern.stages` (0 where there is none), or `STOP`; `bits` says which of
    the stage's rules it is. `owner` names the field whose state it is; `group` and `value` those
    that group within it and whose values are counted, None without. `title` is the rule's.
    """

    topic: str
    condition: Condition
    stage: int = 0
    bits: int = 1
    owner: str = "account"
    group: str | None = None
    value: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One window of a pattern. Records that satisfy it enter the stage `above`, None for the first.

    There they are the rule `bits`, or, with `counted`, their value is this stage's group. `grouped`
    says whether this stage groups by a second field, `passes` whether the one above has the same.
    `title` is the rule's.
    """

    correlation: Correlation
    above: int | None = None
    bits: int = 1
    grouped: bool = False
    passes: bool = False
    counted: bool = False
    title: str = ""


@dataclass(frozen=True)
class Pattern:
    """One rule that reports. `key` is the short name its state is stored under.

    `stages` has its correlation first and those it is chained to after it; it is empty for a rule
    without a window. Then `cooldown` (ms) alone separates its episodes, and with none every match
    is one. `entity` is the type of entity it is about, None where it is about accounts, `group` the
    name of what groups within that, None without. `absence` is what must not follow.
    `description` and `falsepositives` are the rule's own words for people.
    `measures` and `threshold` name the quantity and its bound in a detection's `values`, `words` is
    a condition in words instead of a bound.
    """

    id: str
    title: str
    description: str
    falsepositives: tuple[str, ...]
    version: str
    key: str
    mode: str
    severity: str
    block: Block
    searches: tuple[Search, ...]
    stages: tuple[Stage, ...]
    cooldown: int
    entity: str | None
    group: str | None
    absence: Absence | None
    measures: str
    threshold: float
    words: str
    file: str
    line: int

    @cached_property
    def correlation(self) -> Correlation | None:
        """What is judged in the end, None for a rule without a window."""
        return self.stages[0].correlation if self.stages else None

    @property
    def agent(self) -> str:
        """The agent that runs it."""
        return ACCOUNTS if self.entity is None else ENTITIES

    @cached_property
    def simple(self) -> bool:
        """One window or none, and nothing to wait for: nearly all are."""
        return len(self.stages) <= 1 and self.absence is None

    @cached_property
    def horizon(self) -> int:
        """How long after the last touch (ms) its state is kept; 0: it has none."""
        if self.absence is not None:
            longest = max((stage.correlation.horizon for stage in self.stages), default=0)
            return max(longest, self.absence.horizon)
        if not self.stages:
            return 2 * self.cooldown
        return max(stage.correlation.horizon for stage in self.stages)

    def mode_for(self, account: str) -> str:
        """Live or shadow, for that account: a live pattern may be rolled out to some only.

        The share is stable: who is in at 10 percent is in at 20, whatever the version.
        """
        percent = self.block.rollout
        if self.mode != LIVE or percent >= ALL_ACCOUNTS_PERCENT:
            return self.mode
        drawn = xxh3_64_intdigest(f"{self.id}/{account}".encode()) % ALL_ACCOUNTS_PERCENT
        return LIVE if drawn < percent else SHADOW
