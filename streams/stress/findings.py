"""What many trials say together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from typing import Any

from streams.patterns import RuleSet
from streams.simulate.score import Outcome, Treatment
from streams.stress.trial import Trial

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Recall:
    """How many instances there were, how many a pattern had to find, how many it found.

    Found is an instance of which every account was detected by its pattern. `found_anyway` are
    those nobody had to find. Times are event time, ms, from the first abusive act to the first
    detection, over those found that had to be; None if there are none.
    """

    instances: int
    detectable: int
    found: int
    found_anyway: int
    took_p50_ms: int | None
    took_max_ms: int | None

    @property
    def recall(self) -> float | None:
        """Share of the detectable instances that were found; None without any."""
        return self.found / self.detectable if self.detectable else None


@dataclass(frozen=True, slots=True)
class Campaign:
    """One kind of campaign: the slug of its pattern (None: not shipped), and by evasion."""

    campaign: str
    pattern: str | None
    total: Recall
    by_evasion: Mapping[str, Recall]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """One persona: how often there, detected by which patterns, what was done, and done wrongly."""

    lookalike: str
    instances: int
    detections: Mapping[str, int]
    actions: Mapping[str, int]
    punished: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything a stress test found. Patterns go by the names of their files.

    `benign` are the signals false detections are counted over; `total` is over all campaigns.
    """

    trials: int
    signals: int
    benign: int
    total: Recall
    by_evasion: Mapping[str, Recall]
    campaigns: Sequence[Campaign]
    lookalikes: Sequence[Lookalike]
    false: Mapping[str, int]
    false_in_shadow: Mapping[str, int]
    dead_letters: int

    @property
    def false_per_million(self) -> float:
        """Live detections on harmless accounts per million of their signals."""
        return sum(self.false.values()) * _MILLION / max(1, self.benign)

    @property
    def punished(self) -> int:
        """How many look-alikes something was done to that is wrong."""
        return sum(one.punished for one in self.lookalikes)

    def as_json(self) -> dict[str, Any]:
        """The findings for programs; durations are event time in ms."""
        return {
            "trials": self.trials,
            "signals": self.signals,
            "benign_signals": self.benign,
            **_recall(self.total),
            "by_evasion": {name: _recall(one) for name, one in self.by_evasion.items()},
            "campaigns": [
                {
                    "campaign": one.campaign,
                    "pattern": one.pattern,
                    **_recall(one.total),
                    "by_evasion": {name: _recall(each) for name, each in one.by_evasion.items()},
                }
                for one in self.campaigns
            ],
            "false_positives": {
                "detections": sum(self.false.values()),
                "per_million": round(self.false_per_million, 3),
                "by_pattern": dict(self.false),
                "in_shadow_by_pattern": dict(self.false_in_shadow),
            },
            "lookalikes": [
                {
                    "lookalike": one.lookalike,
                    "instances": one.instances,
                    "detections": dict(one.detections),
                    "actions": dict(one.actions),
                    "punished": one.punished,
                }
                for one in self.lookalikes
            ],
            "dead_letters": self.dead_letters,
        }


def summed(trials: Sequence[Trial], ruleset: RuleSet) -> Findings:
    """Put trials together; `ruleset` is the one they ran with."""
    slugs = {pattern.id: Path(pattern.file).stem for pattern in ruleset.patterns}
    outcomes = [outcome for trial in trials for outcome in trial.outcomes]
    treatments = [treatment for trial in trials for treatment in trial.treatments]
    return Findings(
        trials=len(trials),
        signals=sum(trial.signals for trial in trials),
        benign=sum(trial.benign for trial in trials),
        total=_judged(outcomes),
        by_evasion=_by_evasion(outcomes),
        campaigns=_campaigns(outcomes),
        lookalikes=_lookalikes(treatments, slugs),
        false=_named((trial.false for trial in trials), slugs),
        false_in_shadow=_named((trial.false_in_shadow for trial in trials), slugs),
        dead_letters=sum(trial.dead_letters for trial in trials),
    )


def _campaigns(outcomes: Iterable[Outcome]) -> list[Campaign]:
    by_name: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_name[outcome.hidden.campaign].append(outcome)
    found = []
    for name, ours in by_name.items():
        patterns = [pattern.slug for outcome in ours for pattern in outcome.hidden.patterns]
        found.append(
            Campaign(name, patterns[0] if patterns else None, _judged(ours), _by_evasion(ours))
        )
    return found


def _by_evasion(outcomes: Iterable[Outcome]) -> dict[str, Recall]:
    by_evasion: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_evasion[outcome.hidden.evasion].append(outcome)
    return {evasion: _judged(some) for evasion, some in by_evasion.items()}


def _judged(outcomes: Sequence[Outcome]) -> Recall:
    detectable = [one for one in outcomes if one.hidden.detectable]
    found = [one for one in detectable if one.complete]
    anyway = sum(one.complete and not one.hidden.detectable for one in outcomes)
    took = [one.took_ms for one in found if one.took_ms is not None]
    return Recall(
        instances=len(outcomes),
        detectable=len(detectable),
        found=len(found),
        found_anyway=anyway,
        took_p50_ms=median_high(took) if took else None,
        took_max_ms=max(took, default=None),
    )


def _lookalikes(treatments: Iterable[Treatment], slugs: Mapping[str, str]) -> list[Lookalike]:
    by_name: defaultdict[str, list[Treatment]] = defaultdict(list)
    for treatment in treatments:
        by_name[treatment.lookalike.lookalike].append(treatment)
    return [
        Lookalike(
            name,
            len(ours),
            _named((one.detections for one in ours), slugs),
            _most(one.actions for one in ours),
            sum(one.punished for one in ours),
        )
        for name, ours in by_name.items()
    ]


def _named(counts: Iterable[Counter[str]], slugs: Mapping[str, str]) -> dict[str, int]:
    return {slugs.get(pattern, pattern): count for pattern, count in _most(counts).items()}


def _most(counts: Iterable[Counter[str]]) -> dict[str, int]:
    return dict(sum(counts, Counter()).most_common())


def _recall(one: Recall) -> dict[str, Any]:
    return {
        "instances": one.instances,
        "detectable": one.detectable,
        "found": one.found,
        "found_anyway": one.found_anyway,
        "recall": None if one.recall is None else round(one.recall, 4),
        "time_to_detect_ms": {"p50": one.took_p50_ms, "max": one.took_max_ms},
    }
