"""Holds what was detected against what was hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.signals.times import parse_ms
from streams.simulate.truth import Hidden


@dataclass(slots=True)
class Outcome:
    """What became of one campaign instance."""

    hidden: Hidden
    found: dict[str, int] = field(default_factory=dict)
    """Account → event time (ms) of its first detection by an expected pattern."""

    @property
    def complete(self) -> bool:
        """Whether every account taking part was found by an expected pattern."""
        return len(self.found) == len(self.hidden.accounts)

    @property
    def took_ms(self) -> int | None:
        """Event time from the first abusive act to the first detection; None if none was found."""
        if not self.found:
            return None
        return min(self.found.values()) - parse_ms(self.hidden.started_at)


class Score:
    """Counts detections as they come; `outcomes` is in the order of the truth."""

    def __init__(self, truth: Iterable[Hidden]) -> None:
        self.outcomes = [Outcome(hidden) for hidden in truth]
        self.detections = 0
        self.false_titles: Counter[str] = Counter()
        """Detections on accounts that belong to no campaign, by the pattern's title."""
        self.false_accounts: set[str] = set()
        self._by_account = {
            account: outcome for outcome in self.outcomes for account in outcome.hidden.accounts
        }

    def note(self, detection: Mapping[str, Any]) -> None:
        """Count a detection (its JSON, decoded)."""
        self.detections += 1
        outcome = self._by_account.get(detection["account"])
        if outcome is None:
            self.false_titles[detection["title"]] += 1
            self.false_accounts.add(detection["account"])
            return
        if any(detection["pattern"] == pattern.id for pattern in outcome.hidden.patterns):
            at = parse_ms(detection["at"])
            known = outcome.found.get(detection["account"], at)
            outcome.found[detection["account"]] = min(at, known)

    @property
    def missed(self) -> list[Outcome]:
        """Campaigns marked detectable of which not every account was found."""
        return [one for one in self.outcomes if one.hidden.detectable and not one.complete]
