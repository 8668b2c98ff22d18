"""The part of a rule about the rule: id, title, status, level, where its signals come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sigma.exceptions import SigmaError
from sigma.rule import SigmaRuleBase

from streams.patterns.documents import Document, Lined
from streams.patterns.findings import did_you_mean, one_of

LEVELS = ("informational", "low", "medium", "high", "critical")
DEFAULT_LEVEL = "medium"

MODES: Mapping[str, str | None] = MappingProxyType(
    {
        "stable": "live",
        "test": "shadow",
        "experimental": "shadow",
        "deprecated": None,
        "unsupported": None,
    }
)
"""Sigma status → mode; None: not loaded."""

_SECTIONS = ("detection", "correlation", "filter")
_COMMON = (
    *("title", "id", "name", "related", "taxonomy", "status", "description", "license", "author"),
    *("references", "date", "modified", "falsepositives", "level", "tags", "scope", "fields"),
    *("generate", "vigil"),
)
_KEYS = frozenset((*_COMMON, *_SECTIONS, "logsource", "action"))


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who a rule is. `mode` is live or shadow, or None where its status keeps it from loading.

    `generate` is the rule's own word that it reports although a correlation refers to it.
    """

    id: str
    name: str | None
    title: str
    description: str
    falsepositives: tuple[str, ...]
    mode: str | None
    level: str
    generate: bool


def read_metadata(document: Document) -> Metadata | None:
    """The metadata, or None with the mistakes noted in the document's report."""
    data, report = document.data, document.report
    before = report.errors
    _check_keys(document)
    identifier = _uuid(document)
    level = _choice(document, "level", LEVELS, DEFAULT_LEVEL)
    status = _choice(document, "status", tuple(MODES), "experimental")
    generate = data.get("generate", False)
    if not isinstance(generate, bool):
        report.error(data.line_of("generate"), "'generate' must be true or false")
    if identifier is not None and report.errors == before:
        _check_the_rest(document)
    if identifier is None or report.errors > before:
        return None
    mode = MODES[status]
    if mode is None:
        report.warning(
            data.line_of("status"),
            f"'{data['title']}' is {status} and therefore not loaded",
            "delete it, or set status to stable, test or experimental",
        )
    return Metadata(
        id=identifier,
        name=data.get("name"),
        title=data["title"],
        description=data.get("description") or "",
        falsepositives=tuple(data.get("falsepositives") or ()),
        mode=mode,
        level=level,
        generate=bool(generate),
    )


def read_topic(document: Document, topics: Mapping[str, Any]) -> str | None:
    """The topic a rule reads, from its log source; None with the mistakes noted."""
    data, report = document.data, document.report
    source = data.get("logsource")
    line = data.line_of("logsource")
    hint = "write 'logsource: {product: vigil, service: activity}'"
    if not isinstance(source, Lined):
        report.error(line, "a detection rule needs a 'logsource'", hint)
        return None
    before = report.errors
    for key in source:
        if key not in ("product", "service", "definition"):
            report.error(
                source.lines[key],
                f"logsource has no '{key}' in Vigil",
                did_you_mean(key, ("product", "service"), hint),
            )
    if source.get("product") != "vigil":
        report.error(source.line_of("product"), "logsource.product must be 'vigil'", hint)
    service = source.get("service")
    if service == "account-signals":
        report.error(
            source.line_of("service"),
            "rules on 'account-signals' are not yet supported",
            one_of(topics),
        )
    elif service not in topics:
        report.error(
            source.line_of("service"),
            f"there is no topic '{service}' to read" if service else "logsource has no 'service'",
            did_you_mean(str(service), topics, one_of(topics)),
        )
    return service if report.errors == before and isinstance(service, str) else None


def _check_keys(document: Document) -> None:
    data, report = document.data, document.report
    for key in data:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS)
            if hint:
                report.error(data.lines[key], f"unknown key '{key}'", hint)
            else:
                report.warning(data.lines[key], f"'{key}' is not part of Sigma and has no effect")
    if "action" in data:
        report.error(
            data.lines["action"],
            "collection actions (global, repeat, reset) are not supported",
            "write each rule out",
        )
    sections = [section for section in _SECTIONS if section in data]
    if len(sections) != 1:
        what = "has none of" if not sections else "has more than one of"
        report.error(
            data.line_of(*sections[1:2]),
            f"a rule {what} 'detection', 'correlation' and 'filter'",
            "it needs exactly one; separate two rules with '---'",
        )
    if sections == ["correlation"] and "logsource" in data:
        report.error(
            data.lines["logsource"],
            "a correlation has no log source of its own",
            "the rules it refers to name theirs",
        )


def _uuid(document: Document) -> str | None:
    data, report = document.data, document.report
    if not isinstance(data.get("title"), str) or not data["title"].strip():
        report.error(data.line_of("title"), "a rule needs a 'title'", "say what it finds")
    value = data.get("id")
    if value is None:
        report.error(
            data.line,
            "a rule needs an 'id'",
            "add a UUID: python -c 'import uuid; print(uuid.uuid4())'",
        )
        return None
    try:
        parsed = str(UUID(value))
    except (ValueError, TypeError, AttributeError):
        parsed = ""
    if parsed != str(value).lower():
        report.error(data.line_of("id"), f"'{value}' is not a UUID", "write one, with hyphens")
        return None
    return parsed


def _choice(document: Document, key: str, known: tuple[str, ...], default: str) -> str:
    value = document.data.get(key, default)
    if value in known:
        return str(value)
    hint = did_you_mean(str(value), known, one_of(known))
    document.report.error(document.data.line_of(key), f"'{value}' is not a {key}", hint)
    return default


def _check_the_rest(document: Document) -> None:
    """What pySigma thinks of the metadata Vigil itself doesn't look at."""
    data = document.data
    meta = {key: value for key, value in data.items() if key in _COMMON and key != "vigil"}
    errors: list[SigmaError]
    _, errors = SigmaRuleBase.from_dict_common_params(meta, collect_errors=True)
    for error in errors:
        message = str(error)
        key = next((key for key in meta if key in message.lower().split()), "title")
        document.report.error(data.line_of(key), message)
