"""A rule set: the patterns that were loaded together with a policy, under one hash."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from streams.patterns.findings import Finding
from streams.patterns.inline_reader import InlineTest
from streams.patterns.pattern import ACCOUNTS, Pattern
from streams.patterns.plans import Plan, plans
from streams.policy import Policy, shipped
from streams.signals import Schema

Plans = Mapping[str, Mapping[str, tuple[Plan, ...]]]


class RuleSet:
    """Patterns and the way signals find them; immutable.

    `policy` says what is done to whom; the shipped one where the files have none. `hash` names the
    files they came from. `patterns` are sorted by id, `tests` maps a pattern's id
    to its inline tests, `warnings` is what `check` would say about the files.
    """

    def __init__(
        self,
        patterns: Sequence[Pattern],
        schema: Schema,
        hash: str,  # noqa: A002 - it is what it is called everywhere else
        tests: Mapping[str, Sequence[InlineTest]] | None = None,
        warnings: Sequence[Finding] = (),
        *,
        policy: Policy | None = None,
    ) -> None:
        self.patterns = tuple(sorted(patterns, key=lambda pattern: pattern.id))
        self.schema = schema
        self.hash = hash
        self.tests = MappingProxyType(dict(tests or {}))
        self.warnings = tuple(warnings)
        self.policy = policy or shipped(schema)

    def __len__(self) -> int:
        return len(self.patterns)

    def __getitem__(self, pattern: str) -> Pattern:
        """The pattern with that id. Raises `KeyError`."""
        for known in self.patterns:
            if known.id == pattern:
                return known
        raise KeyError(pattern)

    @cached_property
    def plans(self) -> Plans:
        """What the accounts agent does with signals; see `plans_of`."""
        return self.plans_of(ACCOUNTS)

    def plans_of(self, agent: str) -> Plans:
        """Topic → value of its dispatch field → what to do; values nothing matches are missing."""
        own = [pattern for pattern in self.patterns if pattern.agent == agent]
        return MappingProxyType(
            {topic: plans(own, topic, self.schema.fields(topic)) for topic in self.schema.topics}
        )

    def only(self, ids: Collection[str]) -> RuleSet:
        """The same rule set reduced to some of its patterns; it keeps hash and tests."""
        chosen = [pattern for pattern in self.patterns if pattern.id in ids]
        return RuleSet(
            chosen, self.schema, self.hash, self.tests, self.warnings, policy=self.policy
        )

    def without(self, ids: Collection[str]) -> RuleSet:
        """The same rule set with some patterns left out."""
        return self.only({pattern.id for pattern in self.patterns}.difference(ids))
