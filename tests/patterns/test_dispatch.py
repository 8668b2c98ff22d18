"""Looking up which patterns to ask finds those that match, and the same of them, as asking all."""

from __future__ import annotations

import json
import uuid
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.memory import MemoryRecord
from streams.patterns import RuleErrors, load_rules
from streams.patterns.conditions import needs, needs_say_all
from streams.patterns.dispatch import dispatch
from streams.signals import Schema

KIND = "prompt.submitted"
WORDS = ("d", "da", "Da", "dab", "dabb", "e", "eb")
PATTERNS = ("d", "da", "DA", "da*", "d*", "*b", "d*b", "d?b", "*", "?a*", "dab", "e*", "E")
SURFACES = ("input", "output")
BANDS = ("minor", "adult")
LABELS = ("new", "trial", "bulk")


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> Schema:
    path = tmp_path_factory.mktemp("schema") / "schema.toml"
    path.write_text(f"[activity]\nlabels = {json.dumps(LABELS)}\n")
    return Schema.load(path)


def one_or_more(values) -> st.SearchStrategy:
    return st.one_of(values, st.lists(values, min_size=2, max_size=3, unique=True))


words = one_or_more(st.sampled_from(PATTERNS))
asked = st.one_of(
    *(
        st.tuples(st.just(field + modifier), words)
        for field in ("device", "model", "network")
        for modifier in ("", "", "|startswith", "|contains", "|cased", "|startswith|cased", "|neq")
    ),
    st.tuples(st.sampled_from(("device|re", "model|re")), st.sampled_from(("^d.b", "b$", "a"))),
    st.tuples(st.sampled_from(("device|exists", "surface|exists")), st.booleans()),
    st.tuples(st.sampled_from(("device", "age_band", "labels")), st.none()),
    st.tuples(st.just("surface"), one_or_more(st.sampled_from((*SURFACES, "in*")))),
    st.tuples(st.just("age_band"), one_or_more(st.sampled_from(BANDS))),
    st.tuples(st.just("labels"), one_or_more(st.sampled_from((*LABELS, "*l*")))),
    st.just(("device|fieldref", "network")),
)
searches = st.lists(asked, min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(dict)
detections = st.tuples(
    searches,
    searches,
    st.sampled_from(("a", "a", "a and b", "a or b", "a and not b", "not a", "1 of them")),
)
optional = st.one_of(st.none(), st.sampled_from(WORDS))
signals = st.fixed_dictionaries(
    {
        "device": optional,
        "network": optional,
        "model": optional,
        "surface": st.sampled_from((None, *SURFACES)),
        "age_band": st.sampled_from((None, *BANDS)),
        "labels": st.lists(st.sampled_from(LABELS), unique=True, max_size=2),
    }
)


def rule(number: int, detection) -> dict:
    first, second, condition = detection
    names = {"a": first} if condition in ("a", "not a") else {"a": first, "b": second}
    return {
        "title": f"Rule {number}",
        "name": f"rule_{number}",
        "id": str(uuid.UUID(int=number, version=4)),
        "status": "stable",
        "logsource": {"product": "vigil", "service": "activity"},
        "detection": {**names, "kind": {"kind": KIND}, "condition": f"kind and ({condition})"},
    }


def loadable(rules, schema, directory) -> list[dict]:
    """Those that say something a signal can be."""
    found = []
    for one in rules:
        path = directory / "one.yml"
        path.write_text(json.dumps(one))
        try:
            load_rules([path], schema)
        except RuleErrors:
            continue
        found.append(one)
    return found


def correlations(rules, *, count: int) -> list[dict]:
    """Patterns of two rules each, so that some have several searches."""
    return [
        {
            "title": f"Correlation {number}",
            "id": str(uuid.UUID(int=1_000 + number, version=4)),
            "status": "stable",
            "correlation": {
                "type": "event_count",
                "rules": [one["name"] for one in pair],
                "group-by": ["account"],
                "timespan": "1h",
                "condition": {"gte": 2},
                "generate": True,
            },
        }
        for number, pair in enumerate(list(combinations(rules, 2))[:count])
    ]


@given(st.lists(detections, min_size=4, max_size=12), st.lists(signals, min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_what_is_looked_up_is_what_asking_every_pattern_finds(
    schema, tmp_path_factory, found, fields
) -> None:
    directory = tmp_path_factory.mktemp("rules")
    rules = loadable([rule(n, detection) for n, detection in enumerate(found)], schema, directory)
    path = directory / "rules.yml"
    path.write_text("\n---\n".join(map(json.dumps, [*rules, *correlations(rules, count=3)])))
    ruleset = load_rules([path], schema)
    plans = ruleset.plans["activity"].get(KIND, ())
    find = dispatch({KIND: plans}, schema.fields("activity"))[KIND]
    decode = schema.decoder("activity")
    for number, given_fields in enumerate(fields):
        value = {"id": f"s{number}", "account": "a", "at": 0, "kind": KIND} | {
            name: value for name, value in given_fields.items() if value
        }
        signal = decode(MemoryRecord(b"a", json.dumps(value).encode(), number, 0))
        expected = [(plan.pattern.id, result) for plan in plans if (result := plan.find(signal))]
        # Twice, because combinations are remembered.
        for _ in range(2):
            looked_up = [
                (plan.pattern.id, result) for plan in find(signal) if (result := plan.find(signal))
            ]
            assert looked_up == expected


def test_most_of_what_rules_ask_is_answered_by_the_tables_alone(schema, tmp_path) -> None:
    answered = {
        "device: da": True,
        "device: [da, e]": True,
        "device: da*": True,
        "device|startswith: [da, e]": True,
        "surface: input": True,
        "age_band: null": True,
        "device|exists: true": True,
        "device: null": True,
        "device: d*b": False,
        "device|cased: da": False,
        "device: '*b'": False,
        "device: [da, e*]": False,
        "device|re: ^d": False,
        "device: [da, db], device|startswith: d": False,
        "labels: new": False,
    }
    for line, expected in answered.items():
        path = tmp_path / "rule.yml"
        search = f"{{kind: {KIND}, {line}}}"
        path.write_text(json.dumps(rule(0, ({}, {}, "a"))).replace('"a": {}', f'"a": {search}'))
        (plan,) = load_rules([path], schema).plans["activity"][KIND]
        (condition,) = plan.conditions
        assert needs_say_all(condition) is expected, line
        assert needs(condition) or line == "device: [da, e*]", line
