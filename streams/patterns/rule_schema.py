"""The JSON Schema of rule files, so that editors complete and check them while they are written.

It is made from the lists the loader itself reads by; ``make docs`` writes it beside this module,
``vigil check --print-schema`` prints it, with the kinds and fields of a schema file if one is
given. It says less than `vigil check`: what hangs on another rule or on the state it would take,
only the loader sees.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from streams.patterns import correlation_types as types
from streams.patterns.block import ALL_ACCOUNTS_PERCENT, KEYS
from streams.patterns.correlation_conditions import OPERATORS
from streams.patterns.detections import MODIFIERS
from streams.patterns.inline_reader import CASES, MAX_SIGNALS, NEVER
from streams.patterns.metadata import LEVELS, MODES
from streams.records import PROPOSABLE
from streams.signals import Field, FieldType, Schema
from streams.signals.ids import MAX_ID_CHARS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_Json = dict[str, Any]

_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_DURATION = r"^(0|(\d+(ms|[smhdw]))+)$"
_TIMESPAN = r"^\d+[smhdwMy]$"
_WILDCARD: _Json = {"type": "string", "pattern": "[*?]"}
_WORD: _Json = {"type": "string", "minLength": 1}

_NULL: _Json = {"type": "null"}
_SCALAR: _Json = {"type": ["string", "number", "boolean", "null"]}


def rule_schema(schema: Schema) -> _Json:
    """The JSON Schema (2020-12) of one YAML document of a rule file."""
    return {
        "$schema": DIALECT,
        "title": "A Vigil rule: a Sigma detection or correlation",
        "type": "object",
        "required": ["title", "id"],
        "oneOf": [
            {"required": ["detection", "logsource"]},
            {"required": ["correlation"], "not": {"required": ["logsource"]}},
            {"required": ["filter", "logsource"]},
        ],
        "properties": {
            **_metadata(),
            "logsource": _logsource(schema),
            "detection": {"type": "object", "required": ["condition"]},
            "correlation": {"$ref": "#/$defs/correlation"},
            "filter": {"type": "object", "required": ["rules", "condition"]},
            "vigil": {"$ref": "#/$defs/vigil"},
        },
        "additionalProperties": False,
        "allOf": [_fields_of(topic) for topic in schema.topics],
        "$defs": {
            "duration": _duration("90s, 10m, 1h30m, 14d"),
            "words": {"anyOf": [_WORD, _list(_WORD)]},
            "correlation": _correlation(),
            "vigil": _block(schema),
            "test": _test(),
            "signal": _signal(schema),
            **{f"searches-{topic}": _searches(schema, topic) for topic in schema.topics},
            **_kinds(schema),
        },
    }


def _metadata() -> _Json:
    texts = ("taxonomy", "license", "author", "scope")
    return {
        "title": {"type": "string", "minLength": 1, "maxLength": 256},
        "id": {"type": "string", "pattern": _UUID, "description": "a UUID, the rule's for ever"},
        "name": {**_WORD, "description": "what correlations call the rule by"},
        "status": {"enum": list(MODES), "description": "stable is live; test and experimental are shadow"},
        "level": {"enum": list(LEVELS), "description": "the severity of its detections"},
        "description": {"type": "string"},
        "falsepositives": {"$ref": "#/$defs/words"},
        "references": {"$ref": "#/$defs/words"},
        "tags": _list({"type": "string", "pattern": r"^[a-z0-9_-]+\.[a-z0-9._-]+$"}),
        "fields": {"$ref": "#/$defs/words"},
        "related": {"type": "array", "items": {"type": "object", "required": ["id", "type"]}},
        "date": {"type": "string"},
        "modified": {"type": "string"},
        "generate": {"type": "boolean", "description": "report although a correlation refers to it"},
        **{name: {"type": "string"} for name in texts},
    }  # fmt: skip


def _logsource(schema: Schema) -> _Json:
    return {
        "type": "object",
        "required": ["product", "service"],
        "properties": {
            "product": {"const": "vigil"},
            "service": {"enum": list(schema.topics), "description": "the topic it reads"},
            "definition": {"type": "string"},
        },
        "additionalProperties": False,
    }


def _fields_of(topic: str) -> _Json:
    """Searches are checked against the fields of their topic."""
    service = {"properties": {"service": {"const": topic}}, "required": ["service"]}
    return {
        "if": {"properties": {"logsource": service}, "required": ["logsource"]},
        "then": {
            "properties": {
                "detection": {"$ref": f"#/$defs/searches-{topic}", "not": {"required": ["rules"]}},
                "filter": {"$ref": f"#/$defs/searches-{topic}"},
            }
        },
    }


def _searches(schema: Schema, topic: str) -> _Json:
    fields = schema.fields(topic)
    names = "|".join(map(re.escape, fields))
    search = {
        "type": "object",
        "minProperties": 1,
        "properties": {name: _searched(topic, field) for name, field in fields.items()},
        "patternProperties": {
            rf"^({names})(\|({'|'.join(MODIFIERS)}))+$": {"anyOf": [_SCALAR, _list(_SCALAR)]}
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "minProperties": 2,
        "required": ["condition"],
        "properties": {"condition": _WORD, "rules": {"$ref": "#/$defs/words"}},
        "additionalProperties": {"anyOf": [search, _list(search)]},
    }


def _searched(topic: str, field: Field) -> _Json:
    """What may stand beside a field name without modifiers."""
    return {"$ref": f"#/$defs/searched-{_kind(topic, field)}"}


def _recorded(topic: str, field: Field) -> _Json:
    """What may stand in a record."""
    one = {"$ref": f"#/$defs/{_kind(topic, field)}"}
    return _list(one) if field.type is FieldType.REFS else one


def _kind(topic: str, field: Field) -> str:
    """The name of the definition of one value: its closed list, bounds, or type."""
    bounded = field.type is FieldType.NUMBER and (field.low, field.high) != (None, None)
    return f"{topic}.{field.name}" if field.values or bounded else field.type.value


def _kinds(schema: Schema) -> _Json:
    """The definitions `_kind` names, each with what may be searched for."""
    found: dict[str, _Json] = {}
    for topic in schema.topics:
        for field in schema.fields(topic).values():
            one = _one_of(field)
            patterns = [_WILDCARD] if field.values else []
            any_ = {"anyOf": [one, *patterns, _NULL]}
            name = _kind(topic, field)
            found[name] = one
            found[f"searched-{name}"] = {"anyOf": [*any_["anyOf"], _list(any_)]}
    return found


def _one_of(field: Field) -> _Json:
    if field.values:
        return {"enum": list(field.values)}
    match field.type:
        case FieldType.NUMBER:
            bounds = {"minimum": field.low, "maximum": field.high}
            return {"type": "number", **{key: b for key, b in bounds.items() if b is not None}}
        case FieldType.BOOL:
            return {"type": "boolean"}
        case FieldType.TIME:
            return {"type": ["number", "string"]}
        case _:
            return {**_WORD, "maxLength": MAX_ID_CHARS}


def _correlation() -> _Json:
    return {
        "type": "object",
        "required": ["type", "group-by", "timespan"],
        "properties": {
            "type": {"enum": list(types.TYPES)},
            "rules": {"$ref": "#/$defs/words", "description": "names or ids; a step may stand twice"},
            "group-by": {"$ref": "#/$defs/words"},
            "timespan": {"type": "string", "pattern": _TIMESPAN},
            "condition": {"anyOf": [_WORD, _threshold()]},
            "aliases": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": _WORD},
            },
            "generate": {"type": "boolean"},
        },
        "additionalProperties": False,
        "allOf": [
            _where_type(
                types.WITH_CONDITION,
                {"required": ["condition"], "properties": {"condition": {"type": "object"}}},
            ),
            _where_type(
                types.WITH_FIELD, {"properties": {"condition": {"required": ["field"]}}}
            ),
            _where_type(
                [types.TEMPORAL_ORDERED], {"properties": {"condition": {"type": "string"}}}
            ),
            {
                "if": {"properties": {"condition": {"type": "string"}}, "required": ["condition"]},
                "else": {"required": ["rules"]},
            },
        ],
    }  # fmt: skip


def _where_type(kinds: Iterable[str], then: _Json) -> _Json:
    return {
        "if": {"properties": {"type": {"enum": list(kinds)}}, "required": ["type"]},
        "then": then,
    }


def _threshold() -> _Json:
    return {
        "type": "object",
        "properties": {
            **{name: {"type": "number"} for name in OPERATORS},
            "field": _WORD,
            "percentile": {"type": "number", "minimum": 0, "maximum": 100},
        },
        "oneOf": [{"required": [name]} for name in OPERATORS],
        "additionalProperties": False,
    }


def _block(schema: Schema) -> _Json:
    harms = schema.fields("moderation-hits")["category"].values or ()
    known: Mapping[str, _Json] = {
        "harm": {"enum": list(harms), "description": "harm class; required with an action"},
        "action": {"enum": list(PROPOSABLE), "description": "what to do; nothing: it only detects"},
        "budget": _whole(0, "actions an hour; what is over it is held for a person"),
        "evidence": _whole(1, "so many kinds of source must agree"),
        "cooldown": _duration("moments less apart than this are one episode"),
        "unless": {
            "type": "object",
            "required": ["rules", "within"],
            "properties": {
                "rules": {"$ref": "#/$defs/words", "description": "any of these holds it back"},
                "within": _duration("how long it waits for one of them"),
            },
            "additionalProperties": False,
        },
        "rollout": {**_whole(0, "percent of accounts for which it is live"),
                    "maximum": ALL_ACCOUNTS_PERCENT},
        "lateness": _duration("how far behind the account's newest signal a record may be"),
        "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
    }  # fmt: skip
    return {
        "type": "object",
        "properties": {key: known[key] for key in KEYS},
        "additionalProperties": False,
        "dependentRequired": {"action": ["harm"]},
    }


def _test() -> _Json:
    moments = {"anyOf": [{"$ref": "#/$defs/duration"}, _list({"$ref": "#/$defs/duration"})]}
    per_account = {"anyOf": [*moments["anyOf"], {"const": NEVER}]}
    return {
        "type": "object",
        "required": ["name", "signals", "fires"],
        "properties": {
            "name": {**_WORD, "description": "what happens, as a sentence"},
            "case": {"enum": list(CASES)},
            "given": {
                "$ref": "#/$defs/signal",
                "description": "fields for all signals of this test",
            },
            "signals": {"type": "array", "items": {"$ref": "#/$defs/signal"}},
            "fires": {
                "anyOf": [
                    {"const": NEVER},
                    *moments["anyOf"],
                    {"type": "object", "additionalProperties": per_account},
                ],
                "description": "when, counted from the start of the test: 5m, [5m, 2h], never",
            },
        },
        "additionalProperties": False,
    }


def _signal(schema: Schema) -> _Json:
    fields: dict[str, list[_Json]] = {}
    for topic in schema.topics:
        for name, field in schema.fields(topic).items():
            value = _recorded(topic, field)
            if value not in fields.setdefault(name, []):
                fields[name].append(value)
    timing = {
        "at": _duration("when it happens, from the start of the test"),
        "every": _duration("repeat it so far apart"),
        "times": {**_whole(1, "so often"), "maximum": MAX_SIGNALS},
        "late": _duration("it arrives so much after it happened"),
        "topic": {"enum": list(schema.topics), "description": "where its fields don't tell"},
    }
    told = {
        name: values[0] if len(values) == 1 else {"anyOf": values}
        for name, values in fields.items()
    }
    return {"type": "object", "properties": {**told, **timing}, "additionalProperties": False}


def _duration(description: str) -> _Json:
    return {
        "anyOf": [{"type": "string", "pattern": _DURATION}, {"const": 0}],
        "description": description,
    }


def _whole(least: int, description: str) -> _Json:
    return {"type": "integer", "minimum": least, "description": description}


def _list(items: _Json) -> _Json:
    return {"type": "array", "minItems": 1, "items": items}


def as_text(schema: Schema) -> str:
    """The schema as indented JSON, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(rule_schema(schema)), indent=1).decode() + "\n"


def main() -> None:
    """Write the schema without a schema file's additions to stdout."""
    sys.stdout.write(as_text(Schema.load(None)))


if __name__ == "__main__":
    main()
