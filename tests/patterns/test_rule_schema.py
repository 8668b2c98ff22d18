"""The JSON Schema of rule files: what editors say agrees with what the loader says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import streams
from streams.patterns import check_rules, correlation_rules, inline_reader, metadata, rule_schema
from streams.patterns.block import KEYS
from streams.signals import Schema
from tests.patterns.driving import SCHEMA

SHIPPED = Path(streams.__file__).parent / "patterns" / "rule.schema.json"
RULE = json.loads(SHIPPED.read_text())
VALIDATOR = jsonschema.Draft202012Validator(RULE)
CATALOGUE = sorted((SHIPPED.parent.parent / "catalogue").glob("*.yml"))


class _Editor(yaml.SafeLoader):
    """YAML as editors read it: version 1.2, where a date is a word."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents(text: str) -> list[Any]:
    return list(yaml.load_all(text, _Editor))


def mistakes(document: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_it_is_a_valid_schema_of_2020_12():
    assert RULE["$schema"] == rule_schema.DIALECT
    jsonschema.Draft202012Validator.check_schema(RULE)


def test_the_shipped_file_is_the_one_made_from_the_code():
    assert SHIPPED.read_text() == rule_schema.as_text(SCHEMA), "run: make docs"


def test_it_knows_every_key_the_loader_knows():
    definitions = RULE["$defs"]
    known = metadata._KEYS - {"action"}  # known in order to be refused
    assert set(RULE["properties"]) == known
    assert set(definitions["vigil"]["properties"]) == set(KEYS)
    assert set(definitions["correlation"]["properties"]) == set(correlation_rules._KEYS)
    assert set(definitions["test"]["properties"]) == set(inline_reader._TEST_KEYS)
    fields = {name for topic in SCHEMA.topics for name in SCHEMA.fields(topic)}
    assert set(definitions["signal"]["properties"]) == fields | set(inline_reader._SIGNAL_KEYS)


@pytest.mark.parametrize("path", CATALOGUE, ids=lambda path: path.stem)
def test_the_catalogue_is_valid_and_names_the_schema(path):
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=../patterns/rule.schema.json\n")
    for document in documents(text):
        assert mistakes(document) == []


DETECTION = """
title: Refused
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7a01
name: refused
status: stable
logsource: {product: vigil, service: activity}
detection:
  it: {kind: prompt.refused}
  condition: it
vigil:
  harm: csam
  action: warn
  tests:
    - name: one
      signals: [{kind: prompt.refused, at: 0s}]
      fires: 0s
"""
CORRELATION = """
title: Many
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7aff
status: stable
correlation:
  type: event_count
  rules: [refused]
  group-by: [account]
  timespan: 10m
  condition: {gte: 3}
"""


def changed(text: str, *path: Any, to: Any = None) -> dict[str, Any]:
    """A rule with the value at a path replaced, or removed where there is none."""
    (rule,) = documents(text)
    here = rule = copy.deepcopy(rule)
    for key in path[:-1]:
        here = here[key]
    if to is None:
        del here[path[-1]]
    else:
        here[path[-1]] = to
    return rule


BROKEN = {
    "no title": changed(DETECTION, "title"),
    "no id": changed(DETECTION, "id"),
    "an id that is no UUID": changed(DETECTION, "id", to="refused-1"),
    "a key that isn't Sigma's": changed(DETECTION, "stauts", to="stable"),
    "a status there isn't": changed(DETECTION, "status", to="live"),
    "a level there isn't": changed(DETECTION, "level", to="severe"),
    "neither detection nor correlation": changed(DETECTION, "detection"),
    "no log source": changed(DETECTION, "logsource"),
    "another product": changed(DETECTION, "logsource", "product", to="windows"),
    "no such topic": changed(DETECTION, "logsource", "service", to="activities"),
    "no condition": changed(DETECTION, "detection", "condition"),
    "nothing searched": changed(DETECTION, "detection", "it"),
    "no such field": changed(DETECTION, "detection", "it", to={"knd": "prompt.refused"}),
    "a field of another topic": changed(DETECTION, "detection", "it", to={"category": "csam"}),
    "no such kind": changed(DETECTION, "detection", "it", to={"kind": "prompt.refussed"}),
    "no such modifier": changed(DETECTION, "detection", "it", to={"kind|begins": "prompt"}),
    "a keyword search": changed(DETECTION, "detection", "it", to=["refused"]),
    "an unknown key in the block": changed(DETECTION, "vigil", "harms", to="csam"),
    "a harm there isn't": changed(DETECTION, "vigil", "harm", to="csma"),
    "an action there isn't": changed(DETECTION, "vigil", "action", to="ban"),
    "an action nobody may propose": changed(DETECTION, "vigil", "action", to="undo"),
    "an action without its harm": changed(DETECTION, "vigil", "harm"),
    "a budget below nothing": changed(DETECTION, "vigil", "budget", to=-1),
    "no kinds of source": changed(DETECTION, "vigil", "evidence", to=0),
    "a duration in words": changed(DETECTION, "vigil", "cooldown", to="a day"),
    "a number for a duration": changed(DETECTION, "vigil", "cooldown", to=30),
    "over a hundred percent": changed(DETECTION, "vigil", "rollout", to=101),
    "nothing to wait for": changed(DETECTION, "vigil", "unless", to={"within": "1h"}),
    "no time to wait": changed(DETECTION, "vigil", "unless", to={"rules": ["refused"]}),
    "tests that are no list": changed(DETECTION, "vigil", "tests", to={"name": "one"}),
    "a test without a name": changed(DETECTION, "vigil", "tests", 0, "name"),
    "a test that expects nothing": changed(DETECTION, "vigil", "tests", 0, "fires"),
    "a case there isn't": changed(DETECTION, "vigil", "tests", 0, "case", to="odd"),
    "a test of no signals": changed(DETECTION, "vigil", "tests", 0, "signals"),
    "a time in words": changed(DETECTION, "vigil", "tests", 0, "fires", to="later"),
    "a signal with no such field": changed(
        DETECTION, "vigil", "tests", 0, "signals", 0, to={"knd": "prompt.refused"}
    ),
    "no type": changed(CORRELATION, "correlation", "type"),
    "a type there isn't": changed(CORRELATION, "correlation", "type", to="events"),
    "no timespan": changed(CORRELATION, "correlation", "timespan"),
    "a timespan in words": changed(CORRELATION, "correlation", "timespan", to="ten minutes"),
    "no rules": changed(CORRELATION, "correlation", "rules"),
    "no group": changed(CORRELATION, "correlation", "group-by"),
    "an unknown key in a correlation": changed(CORRELATION, "correlation", "groupby", to=["x"]),
    "a count without a threshold": changed(CORRELATION, "correlation", "condition"),
    "an operator there isn't": changed(CORRELATION, "correlation", "condition", to={"min": 3}),
    "two bounds": changed(CORRELATION, "correlation", "condition", to={"gte": 3, "lte": 9}),
    "a value_count of no field": changed(CORRELATION, "correlation", "type", to="value_count"),
    "an order that compares": changed(CORRELATION, "correlation", "type", to="temporal_ordered"),
    "a count in words": changed(CORRELATION, "correlation", "condition", to="refused"),
    "words and no rule": changed(CORRELATION, "correlation", "rules", to=[]),
    "a correlation with a log source": changed(
        CORRELATION, "logsource", to={"product": "vigil", "service": "activity"}
    ),
}


def test_the_rules_that_get_broken_are_valid_before():
    for text in (DETECTION, CORRELATION):
        assert mistakes(documents(text)[0]) == []


@pytest.mark.parametrize("rule", BROKEN.values(), ids=BROKEN)
def test_what_the_loader_refuses_the_schema_refuses(rule, tmp_path):
    assert mistakes(rule)
    rules = [rule] if "correlation" not in rule else [rule, documents(DETECTION)[0]]
    (tmp_path / "rule.yml").write_text(yaml.safe_dump_all(rules))
    assert [
        f for f in check_rules([tmp_path], SCHEMA) if f.severity == "error" or "Sigma" in f.message
    ]


@pytest.mark.parametrize(
    "search",
    [
        {"kind": ["prompt.refused", "image.generated"]},
        {"kind": "image.*"},
        {"kind|endswith": ".generated"},
        {"kind|re|i": "^IMAGE"},
        {"device": None},
        {"device|exists": False},
        {"labels|all": ["a", "b"]},
        {"at|hour": 3},
    ],
)
def test_what_sigma_allows_it_allows(search):
    assert mistakes(changed(DETECTION, "detection", "it", to=search)) == []


def test_a_schema_file_adds_its_kinds_and_fields(tmp_path):
    (tmp_path / "schema.toml").write_text(
        '[activity]\nkinds = ["star.added"]\n[activity.attributes]\n'
        'repo = {type = "ref"}\n[moderation-hits]\ncategories = ["impersonation"]\n'
    )
    own = rule_schema.rule_schema(Schema.load(tmp_path / "schema.toml"))
    rule = changed(DETECTION, "detection", "it", to={"kind": "star.added", "repo": "r1"})
    rule["vigil"]["harm"] = "impersonation"
    assert mistakes(rule)
    jsonschema.Draft202012Validator(own).validate(rule)
