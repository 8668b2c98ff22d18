"""Holds what was decided against what was hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.signals.times import parse_ms
from streams.simulate.truth import Hidden, Lookalike

_LIVE = "live"


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


@dataclass(slots=True)
class Treatment:
    """What was said of and done to one look-alike."""

    lookalike: Lookalike
    detections: Counter[str] = field(default_factory=Counter)
    """How often, by the pattern's id, shadow detections included."""
    actions: Counter[str] = field(default_factory=Counter)

    @property
    def punished(self) -> bool:
        """Whether something was done to it that is wrong."""
        return any(self.actions[action] for action in self.lookalike.wrong)


class Score:
    """Counts decisions as they come; `outcomes` and `treatments` are in the order of the truth.

    Detections on accounts that are no part of the truth are false positives: live ones, from event
    time `since_ms` on, are counted as such, those of shadow patterns apart.
    """

    def __init__(self, truth: Iterable[Hidden | Lookalike], *, since_ms: int = 0) -> None:
        truth = list(truth)
        self.outcomes = [Outcome(one) for one in truth if isinstance(one, Hidden)]
        self.treatments = [Treatment(one) for one in truth if isinstance(one, Lookalike)]
        self.detections = 0
        self.false: Counter[str] = Counter()
        """Live detections on accounts that are harmless, by the pattern's id."""
        self.false_in_shadow: Counter[str] = Counter()
        """The same of patterns in shadow, of which nobody hears."""
        self.false_accounts: set[str] = set()
        """Whom the live ones are about."""
        self.titles: dict[str, str] = {}
        """Titles of the patterns met, by id."""
        self._since_ms = since_ms
        self._campaigns = {
            account: outcome for outcome in self.outcomes for account in outcome.hidden.accounts
        }
        self._lookalikes = {
            account: treated
            for treated in self.treatments
            for account in treated.lookalike.accounts
        }
        self._aside = {account for one in truth for account in one.aside}
        self.staged = frozenset({*self._campaigns, *self._lookalikes, *self._aside})
        """All accounts of the truth: those that are not simply harmless."""

    def note(self, detection: Mapping[str, Any]) -> None:
        """Count a detection (its JSON, decoded)."""
        self.detections += 1
        account, pattern = detection["account"], detection["pattern"]
        self.titles[pattern] = detection["title"]
        if account in self._campaigns:
            self._found(self._campaigns[account], detection)
        elif account in self._lookalikes:
            self._lookalikes[account].detections[pattern] += 1
        elif account not in self._aside and parse_ms(detection["at"]) >= self._since_ms:
            if detection["mode"] == _LIVE:
                self.false[pattern] += 1
                self.false_accounts.add(account)
            else:
                self.false_in_shadow[pattern] += 1

    def note_action(self, enforcement: Mapping[str, Any]) -> None:
        """Count what is to be done to an account (an enforcement's JSON, decoded)."""
        treated = self._lookalikes.get(enforcement["account"])
        if treated is not None:
            treated.actions[enforcement["action"]] += 1

    def _found(self, outcome: Outcome, detection: Mapping[str, Any]) -> None:
        if any(detection["pattern"] == pattern.id for pattern in outcome.hidden.patterns):
            at = parse_ms(detection["at"])
            known = outcome.found.get(detection["account"], at)
            outcome.found[detection["account"]] = min(at, known)

    @property
    def missed(self) -> list[Outcome]:
        """Campaigns marked detectable of which not every account was found."""
        return [one for one in self.outcomes if one.hidden.detectable and not one.complete]
