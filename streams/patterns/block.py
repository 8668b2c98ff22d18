"""The `vigil:` block: what Sigma has no words for. See docs/patterns.md for each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.durations import format_duration, parse_duration_ms
from streams.patterns.findings import Report, did_you_mean, one_of
from streams.records import PROPOSABLE

DEFAULT_HARM = "policy_other"
"""The harm class of a rule that names none."""

KEYS = (
    *("harm", "action", "budget", "evidence", "cooldown", "unless", "rollout"),
    *("lateness", "tests"),
)
MAX_DURATION_MS = 400 * 86_400_000
"""400 days, as long as Vigil remembers anything about an account."""

ALL_ACCOUNTS_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Block:
    """A checked block. Durations are ms, None where the rule leaves them to their default.

    `budget` is the number of actions an hour the governor grants, None for no limit. `tests` are
    the inline tests as written.
    """

    harm: str = DEFAULT_HARM
    action: str | None = None
    budget: int | None = None
    cooldown: int | None = None
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
    _refuse_what_is_to_come(block, report)
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
        cooldown=_duration(block, "cooldown", report),
        lateness=_duration(block, "lateness", report),
        tests=tests,
    )
    return None if report.errors > before else found


def _refuse_what_is_to_come(block: Lined, report: Report) -> None:
    if "unless" in block:
        report.error(block.lines["unless"], "'unless' is not yet supported", "remove it for now")
    evidence = _whole(block, "evidence", 1, report)
    if evidence is not None and evidence > 1:
        report.error(
            block.lines["evidence"],
            "'evidence' above 1 (independent sources) is not yet supported",
            "leave it out for now",
        )
    percent = _whole(block, "rollout", 0, report)
    if percent is not None and percent != ALL_ACCOUNTS_PERCENT:
        report.error(
            block.lines["rollout"],
            "'rollout' below 100 is not yet supported",
            "use 'status: experimental' to try a pattern in shadow",
        )


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
