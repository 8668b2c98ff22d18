"""The `vigil:` block: what Sigma has no words for. See docs/patterns.md for each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.findings import Report, did_you_mean, one_of
from streams.patterns.sources import CLASSES
from streams.records import PROPOSABLE
from streams.signals.durations import format_duration, parse_duration_ms

DEFAULT_HARM = "policy_other"
"""The harm class of a rule that names none."""

KEYS = (
    *("harm", "action", "budget", "evidence", "cooldown", "unless", "rollout"),
    *("lateness", "tests"),
)
MAX_DURATION_MS = 400 * 86_400_000
"""400 days, as long as Vigil remembers anything about an account."""

ALL_ACCOUNTS_PERCENT = 100
_UNLESS_KEYS = ("rules", "within")


@dataclass(frozen=True, slots=True)
class Unless:
    """Absence: what fired is told only if no record of one of `rules` comes within `within` ms."""

    rules: tuple[str, ...]
    within: int


@dataclass(frozen=True, slots=True)
class Block:
    """A checked block. Durations are ms, None where the rule leaves them to their default.

    `budget` is the number of actions an hour the governor grants, None for no limit. `evidence` is
    how many independent classes of source it takes, `rollout` the percentage of accounts for which
    a live pattern is live. `tests` are the inline tests as written.
    """

    harm: str = DEFAULT_HARM
    action: str | None = None
    budget: int | None = None
    evidence: int = 1
    cooldown: int | None = None
    unless: Unless | None = None
    rollout: int = ALL_ACCOUNTS_PERCENT
    lateness: int | None = None
    tests: Sequence[Any] = ()


def read_block(document: Document, harms: Sequence[str]) -> Block | None:
    """The block of a rule (an empty one where it has none); None with the mistakes noted."""
    if "vigil" not in document.data:
        return Block()
    block = document.data["vigil"]
    report = document.report
    if not isinstance(block, Lined):
        report.error(document.data.lines["vigil"], "'vigil' must be a mapping", one_of(KEYS))
        return None
    before = report.errors
    for key in block:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS, one_of(KEYS))
            report.error(block.lines[key], f"unknown key '{key}' in the vigil block", hint)
    harm = _listed(block, "harm", harms, report)
    action = _listed(block, "action", PROPOSABLE, report)
    if action is not None and "harm" not in block:
        report.error(
            block.lines["action"],
            "an action needs a 'harm': which harm class is it for?",
            one_of(harms),
        )
    tests = block.get("tests", LinedList(block.line))
    if not isinstance(tests, LinedList):
        report.error(
            block.lines["tests"], "'tests' must be a list of tests", "start with '- name:'"
        )
        tests = LinedList(block.line)
    found = Block(
        harm=harm or DEFAULT_HARM,
        action=action,
        budget=_whole(block, "budget", 0, report),
        evidence=_evidence(block, report),
        cooldown=_duration(block, "cooldown", report),
        unless=_unless(block, report),
        rollout=_rollout(block, report),
        lateness=_duration(block, "lateness", report),
        tests=tests,
    )
    return None if report.errors > before else found


def _evidence(block: Lined, report: Report) -> int:
    evidence = _whole(block, "evidence", 1, report) or 1
    if evidence > len(CLASSES):
        report.error(
            block.lines["evidence"],
            f"there are only {len(CLASSES)} independent classes of source",
            "they are " + ", ".join(CLASSES),
        )
    return evidence


def _rollout(block: Lined, report: Report) -> int:
    percent = _whole(block, "rollout", 0, report)
    if percent is None:
        return ALL_ACCOUNTS_PERCENT
    if percent > ALL_ACCOUNTS_PERCENT:
        report.error(block.lines["rollout"], "'rollout' is a percentage", "write 0 to 100")
    return percent


def _unless(block: Lined, report: Report) -> Unless | None:
    section = block.get("unless")
    if section is None:
        return None
    line = block.lines["unless"]
    hint = "write 'unless: {rules: [name], within: 24h}'"
    if not isinstance(section, Lined):
        report.error(line, "'unless' must be a mapping", hint)
        return None
    for key in section:
        if key not in _UNLESS_KEYS:
            report.error(
                section.lines[key],
                f"unknown key '{key}' in 'unless'",
                did_you_mean(key, _UNLESS_KEYS, hint),
            )
    names = section.get("rules")
    names = names if isinstance(names, LinedList) else [names]
    if not names or not all(isinstance(name, str) and name for name in names):
        report.error(section.line_of("rules"), "'unless' needs 'rules': what must not follow", hint)
        return None
    if "within" not in section:
        report.error(section.line, "'unless' needs 'within': how long to wait", hint)
        return None
    within = _duration(section, "within", report)
    if within == 0:
        report.error(section.lines["within"], "'within' must be longer than nothing", hint)
    return Unless(tuple(names), within) if within else None


def _listed(block: Lined, key: str, known: Sequence[str], report: Report) -> str | None:
    value = block.get(key)
    if value is None:
        return None
    if value in known:
        return str(value)
    hint = did_you_mean(str(value), known, one_of(known))
    report.error(block.lines[key], f"'{value}' is not a known {key}", hint)
    return None


def _whole(block: Lined, key: str, least: int, report: Report) -> int | None:
    value = block.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    report.error(block.lines[key], f"'{key}' must be a whole number from {least} on")
    return None


def _duration(block: Lined, key: str, report: Report) -> int | None:
    value = block.get(key)
    if value is None:
        return None
    ms = parse_duration_ms(value)
    if ms is None:
        report.error(
            block.lines[key], f"'{value}' is not a duration", "write 90s, 10m, 1h30m or 14d"
        )
    elif ms > MAX_DURATION_MS:
        report.error(
            block.lines[key],
            f"'{key}' is longer than {format_duration(MAX_DURATION_MS)}",
            "nothing is remembered longer than that",
        )
    return ms
