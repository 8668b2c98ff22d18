"""What a reader has to know of where an explanation comes from, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from streams.patterns import Pattern, RuleSet
from streams.records import Detection
from streams.workbench.explain import builtin
from streams.workbench.explain.recorded import History
from streams.workbench.explain.records import Chain


def of_the_rules(
    detection: Detection, pattern: Pattern | None, ruleset: RuleSet, *, reproduced: bool
) -> Iterator[str]:
    """How the rules at hand relate to those that decided.

    `pattern` is theirs, in whatever version; `reproduced`: it was found again.
    """
    rule = builtin.rule_of(detection)
    if pattern is None and rule is None:
        yield (
            f"The rules at hand have no pattern {detection.pattern}. What follows is what the "
            "recording says; name the rules of that time with --rules."
        )
    elif pattern is not None and pattern.version != detection.version:
        yield (
            f"This was decided by version {detection.version} of the pattern, and the rules at hand "
            f"have version {pattern.version}. Evidence and values are as recorded; name the rules "
            f"of that time (rule set {detection.ruleset}) with --rules to see which rule each "
            f"signal matched."
        )
    elif not reproduced:
        yield (
            "The signals recorded here don't lead to this very detection: some are missing, or "
            "they came in another order then. Evidence and values are as recorded."
        )
    elif rule is None and detection.ruleset != ruleset.hash:
        yield "The rules at hand are another rule set, but have the same version of this pattern."


def of_the_recording(history: History, behind: Chain, refused: int) -> Iterator[str]:
    """What the recording doesn't hold; `refused` records of the account were not accepted."""
    if behind.missing:
        yield (
            f"{behind.missing:,} of the derived signals it rests on can't be followed back: they are "
            "not recorded here, and the signals recorded here don't lead to them."
        )
    if not {"enforcement", "review-queue"} & history.topics:
        yield (
            "What was decided is not recorded here. What follows is what the rules and policy at hand "
            "make of these accounts alone: a budget may have held it then."
        )
    if history.left_out:
        yield (
            f"{history.left_out:,} more accounts share it, whose signals are not shown; those with "
            "evidence come first."
        )
    if refused:
        yield f"{refused:,} records of this account were refused and are not shown."
