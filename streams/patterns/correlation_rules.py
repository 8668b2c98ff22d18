"""The `correlation:` section of a rule, read and checked by itself; `assembly` resolves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sigma.correlations import (
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
)
from sigma.exceptions import SigmaError

from streams.patterns import correlation_types as types
from streams.patterns.block import MAX_DURATION_MS
from streams.patterns.correlation_conditions import (
    OPERATORS,
    read_percentile,
    read_threshold,
    words_of,
)
from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.findings import did_you_mean, one_of
from streams.patterns.thresholds import Threshold
from streams.signals.durations import format_duration

_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")


@dataclass(frozen=True, slots=True)
class CorrelationRule:
    """A correlation as written, its references not yet resolved. `timespan` is ms.

    `rules` are names or ids in the order written, a rule may stand twice; `threshold` is None
    where the type has none (temporal_ordered, and temporal without a condition), `words` is
    pySigma's tree of a condition in words. `percentile` counts for value_percentile and
    value_median only. `aliases` maps an alias to the field each reference means by it.
    """

    type: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    threshold: Threshold | None
    words: Any | None
    field: str | None
    percentile: float
    aliases: Mapping[str, Mapping[str, str]]
    generate: bool


def read_correlation(document: Document) -> CorrelationRule | None:
    """The section, or None with the mistakes noted in the document's report."""
    section = document.data.get("correlation")
    report = document.report
    if not isinstance(section, Lined):
        report.error(document.data.line_of("correlation"), "'correlation' must be a mapping")
        return None
    before = report.errors
    for key in section:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS, one_of(_KEYS))
            report.error(section.lines[key], f"unknown key '{key}' in a correlation", hint)
    kind = _type(document, section)
    condition = section.get("condition")
    words = words_of(document, section, kind) if isinstance(condition, str) else None
    rules = _rules(document, section, words)
    group_by = _names(document, section, "group-by")
    if "timespan" not in section:
        report.error(section.line, "a correlation needs a 'timespan'", "write, say, timespan: 10m")
    if condition is None and kind in types.WITH_CONDITION:
        what = "{gte: 5}" if kind == types.EVENT_COUNT else "{field: score, gte: 5}"
        report.error(section.line, f"{kind} needs a 'condition'", f"write 'condition: {what}'")
    if kind is None or report.errors > before:
        return None
    parsed = _parse(document, section, rules)
    if parsed is None:
        return None
    plain = words is None and condition is not None
    threshold = read_threshold(document, section, kind, parsed.condition) if plain else None
    timespan = parsed.timespan.seconds * 1000
    if timespan > MAX_DURATION_MS:
        report.error(
            section.lines["timespan"],
            f"'timespan' is longer than {format_duration(MAX_DURATION_MS)}",
            "nothing is remembered longer than that",
        )
    aliases = _aliases(document, section, rules)
    if report.errors > before:
        return None
    return CorrelationRule(
        type=kind,
        rules=rules,
        group_by=group_by,
        timespan=timespan,
        threshold=threshold,
        words=words.parsed if words is not None else None,
        field=parsed.condition.fieldref if plain else None,
        percentile=read_percentile(kind, parsed.condition) if plain else types.MEDIAN,
        aliases=aliases,
        generate=bool(section.get("generate", False)),
    )


def _type(document: Document, section: Lined) -> str | None:
    kind = section.get("type")
    line = section.line_of("type")
    if kind in types.TYPES:
        return str(kind)
    if kind is None:
        document.report.error(line, "a correlation needs a 'type'", one_of(types.TYPES))
    else:
        hint = did_you_mean(str(kind), types.TYPES, one_of(types.TYPES))
        document.report.error(line, f"'{kind}' is not a correlation type", hint)
    return None


def _rules(
    document: Document, section: Lined, words: SigmaExtendedCorrelationCondition | None
) -> tuple[str, ...]:
    """The references; a condition in words may stand for them."""
    if "rules" not in section and words is not None:
        return tuple(words.get_referenced_rules())
    return _names(document, section, "rules")


def _names(document: Document, section: Lined, key: str) -> tuple[str, ...]:
    value = section.get(key)
    names = value if isinstance(value, LinedList) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        hint = {
            "rules": "list the names or ids of the rules it is about",
            "group-by": "Vigil counts per account: write 'group-by: [account]'",
        }[key]
        document.report.error(section.line_of(key), f"a correlation needs '{key}'", hint)
        return ()
    return tuple(names)


def _parse(document: Document, section: Lined, rules: tuple[str, ...]) -> Any:
    data = {"title": document.data["title"], "correlation": {**section, "rules": list(rules)}}
    try:
        return SigmaCorrelationRule.from_dict(data)
    except SigmaError as error:
        message = str(error)
        about_condition = "ondition" in message or "field" in message
        key = "timespan" if "imespan" in message else "condition" if about_condition else "type"
        hint = "write 90s, 10m, 24h or 30d" if key == "timespan" else "write, say, gte: 5"
        condition = section.get("condition")
        if isinstance(condition, str):
            hint = f"the rules are {', '.join(rules)}; list and use each of them"
        elif isinstance(condition, Lined):
            bounds = [op for op in OPERATORS if op in condition]
            known = (*OPERATORS, "field", "percentile")
            unknown = [word for word in condition if word not in known]
            if "field" in message:
                hint = "name the 'field' it counts the values of"
            if len(bounds) > 1:
                hint = (
                    f"two bounds ({', '.join(bounds)}) in one condition are not supported; keep one"
                )
            elif unknown:
                hint = did_you_mean(unknown[0], known, hint)
        document.report.error(section.line_of(key), message, hint)
        return None


def _aliases(
    document: Document, section: Lined, rules: tuple[str, ...]
) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    aliases = section.get("aliases", Lined(section.line))
    if not isinstance(aliases, Lined):
        document.report.error(section.lines["aliases"], "'aliases' must be a mapping of aliases")
        return found
    for alias, mapping in aliases.items():
        line = aliases.lines[alias]
        if not isinstance(mapping, Lined) or not all(
            isinstance(field, str) for field in mapping.values()
        ):
            document.report.error(line, f"alias '{alias}' must map rules to field names")
            continue
        for rule in mapping:
            if rule not in rules:
                hint = did_you_mean(rule, rules, one_of(rules))
                document.report.error(
                    mapping.lines[rule],
                    f"alias '{alias}' names rule '{rule}', not one of its own",
                    hint,
                )
        missing = [rule for rule in rules if rule not in mapping]
        if missing:
            document.report.error(line, f"alias '{alias}' says nothing for rule '{missing[0]}'")
        found[alias] = MappingProxyType(dict(mapping))
    return MappingProxyType(found)
