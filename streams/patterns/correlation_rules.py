"""The `correlation:` section of a rule, read and checked by itself; `assembly` resolves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError

from streams.patterns.block import MAX_DURATION_MS
from streams.patterns.documents import Document, Lined, LinedList
from streams.patterns.durations import format_duration
from streams.patterns.findings import did_you_mean, one_of
from streams.patterns.thresholds import Threshold

EVENT_COUNT = "event_count"
VALUE_COUNT = "value_count"
TEMPORAL = "temporal"
TEMPORAL_ORDERED = "temporal_ordered"
TYPES = (EVENT_COUNT, VALUE_COUNT, TEMPORAL, TEMPORAL_ORDERED)

_TO_COME = ("value_sum", "value_avg", "value_percentile", "value_median")
_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")
_OPERATORS = ("gte", "gt", "lte", "lt", "eq", "neq")


@dataclass(frozen=True, slots=True)
class CorrelationRule:
    """A correlation as written, its references not yet resolved. `timespan` is ms.

    `rules` are names or ids in the order written, a rule may stand twice; `threshold` is None
    where the type has none (temporal_ordered, and temporal without a condition). `aliases` maps
    an alias to the field each reference means by it.
    """

    type: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    threshold: Threshold | None
    field: str | None
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
    rules = _words(document, section, "rules")
    group_by = _words(document, section, "group-by")
    if "timespan" not in section:
        report.error(section.line, "a correlation needs a 'timespan'", "write, say, timespan: 10m")
    condition = section.get("condition")
    if condition is None and kind in (EVENT_COUNT, VALUE_COUNT):
        report.error(section.line, f"{kind} needs a 'condition'", "write 'condition: {gte: 5}'")
    if isinstance(condition, str):
        report.error(
            section.lines["condition"],
            "conditions in words (and, or, not over rules) are not yet supported",
            "leave it out to need all the rules",
        )
    if kind is None or report.errors > before:
        return None
    parsed = _parse(document, section)
    if parsed is None:
        return None
    threshold = _threshold(document, section, kind, parsed)
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
        field=parsed.condition.fieldref,
        aliases=aliases,
        generate=bool(section.get("generate", False)),
    )


def _type(document: Document, section: Lined) -> str | None:
    kind = section.get("type")
    line = section.line_of("type")
    if kind in TYPES:
        return str(kind)
    if kind in _TO_COME:
        document.report.error(
            line, f"correlation type '{kind}' is not yet supported", one_of(TYPES)
        )
    elif kind is None:
        document.report.error(line, "a correlation needs a 'type'", one_of(TYPES))
    else:
        hint = did_you_mean(str(kind), TYPES, one_of(TYPES))
        document.report.error(line, f"'{kind}' is not a correlation type", hint)
    return None


def _words(document: Document, section: Lined, key: str) -> tuple[str, ...]:
    value = section.get(key)
    words = value if isinstance(value, LinedList) else [value]
    if not words or not all(isinstance(word, str) and word for word in words):
        hint = {
            "rules": "list the names or ids of the rules it is about",
            "group-by": "Vigil counts per account: write 'group-by: [account]'",
        }[key]
        document.report.error(section.line_of(key), f"a correlation needs '{key}'", hint)
        return ()
    return tuple(words)


def _parse(document: Document, section: Lined) -> Any:
    data = {"title": document.data["title"], "correlation": dict(section)}
    try:
        return SigmaCorrelationRule.from_dict(data)
    except SigmaError as error:
        message = str(error)
        key = (
            "timespan" if "imespan" in message else "condition" if "ondition" in message else "type"
        )
        hint = "write 90s, 10m, 24h or 30d" if key == "timespan" else "write, say, gte: 5"
        bounds = [op for op in _OPERATORS if op in (section.get("condition") or ())]
        if len(bounds) > 1:
            hint = f"two bounds ({', '.join(bounds)}) in one condition are not supported; keep one"
        elif isinstance(section.get("condition"), Lined):
            unknown = [word for word in section["condition"] if word not in (*_OPERATORS, "field")]
            hint = did_you_mean(unknown[0], (*_OPERATORS, "field"), hint) if unknown else hint
        document.report.error(section.line_of(key), message, hint)
        return None


def _threshold(document: Document, section: Lined, kind: str, parsed: Any) -> Threshold | None:
    report, line = document.report, section.line_of("condition")
    if "condition" not in section:
        return None
    condition = parsed.condition
    if kind == TEMPORAL_ORDERED:
        report.error(
            line,
            "temporal_ordered needs all its rules in order: it has no condition",
            "remove 'condition', or list fewer rules",
        )
    if condition.percentile is not None:
        report.error(line, f"'percentile' means nothing in a {kind}", "remove it")
    if kind == VALUE_COUNT:
        if not isinstance(condition.fieldref, str):
            report.error(line, "value_count needs one 'field' whose values it counts")
    elif condition.fieldref is not None:
        report.error(line, f"{kind} counts no field", "remove 'field', or use value_count")
    threshold = Threshold(condition.op.name.lower(), condition.count)
    most = len(set(parsed_rules(section))) if kind == TEMPORAL else None
    if not threshold.possible(most):
        report.error(
            line,
            f"'{threshold.op}: {threshold.bound}' can never hold",
            "a window is judged at a record, so it counts at least 1"
            + (f", and at most its {most} rules" if most else ""),
        )
    return threshold


def parsed_rules(section: Mapping[str, Any]) -> list[str]:
    """The references of a checked section as a list."""
    rules = section["rules"]
    return [rules] if isinstance(rules, str) else list(rules)


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
