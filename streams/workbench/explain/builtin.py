"""The rules that are in the code, in words: they stand in no rule file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from streams.agents.known_material import REMOVAL, ZERO_TOLERANCE, BuiltIn
from streams.records import Detection
from streams.workbench.explain.about import About


class Rule(NamedTuple):
    """A built-in rule, put into words."""

    rule: BuiltIn
    condition: str
    about: About


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        ZERO_TOLERANCE.id: Rule(
            ZERO_TOLERANCE,
            "one hit of category csam that a hash match confirmed, on content the account put there "
            "(input, output, upload, message) or in a set it ingested",
            About(
                why="known child sexual abuse material is acted on at once, whatever any pattern, "
                "budget or snooze says; the law has no rungs.",
                review="is it a match of the list itself, and is the list right? Each such hit has "
                "actions of its own, so that a wrong one can be overturned alone.",
                falsepositives=(
                    "A wrong entry of the list",
                    "Somebody else at the account: signs of a takeover turn the suspension into a lock",
                    "A set the account ingested without knowing: then it is no offence of its",
                ),
            ),
        ),
        REMOVAL.id: Rule(
            REMOVAL,
            "a hit on whomever confirmed content or a data set which this account holds",
            About(
                why="what is confirmed is removed wherever it is, also where it turns up later. It is no "
                "offence of who holds it, and no strike.",
                review="is what the hit says right? Overturning it here gives it back to this "
                "account alone.",
            ),
        ),
    }
)

TITLES = {id_: one.rule.title for id_, one in RULES.items()}


def rule_of(detection: Detection) -> Rule | None:
    """The built-in rule that found it, None where a pattern did, or another version of the rule."""
    rule = RULES.get(detection.pattern)
    return rule if rule is not None and rule.rule.version == detection.version else None
