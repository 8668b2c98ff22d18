"""Recorded formats through the adapters: what goes in is known, what comes out is written down."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from xarf import parse

from tests.adapters.formats import INCOMING, OUTGOING, came_in, expected, went_out


@pytest.mark.parametrize("name", INCOMING)
def test_a_recorded_format_comes_in_as_it_is_written_down(name):
    assert came_in(name) == expected(name)


@pytest.mark.parametrize("name", OUTGOING)
def test_decisions_go_out_as_it_is_written_down(name):
    assert went_out(name) == expected(name)


@pytest.mark.parametrize("name", INCOMING)
def test_ids_are_unique_within_topic_and_account(name):
    ids = [(one["topic"], one["key"], one["value"]["id"]) for one in came_in(name)]
    assert len(ids) == len(set(ids))


def test_every_finding_is_valid_by_the_schema_of_ocsf():
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    validator = Draft202012Validator(schema.get_class_schema(class_name="detection_finding"))
    findings = went_out("ocsf-findings")
    assert [list(validator.iter_errors(one)) for one in findings] == [[], [], []]
    broken = findings[0] | {"severity": 7, "more": 1}
    assert len(list(validator.iter_errors(broken))) == 2


def test_every_report_is_valid_by_the_schemas_of_xarf():
    reports = went_out("xarf")
    assert [(one["category"], one["type"]) for one in reports] == [
        ("content", "csam"),
        ("content", "csem"),
        ("messaging", "spam"),
        ("content", "fraud"),
    ]
    assert [parse(json.dumps(one)).errors for one in reports] == [[], [], [], []]
    assert parse(json.dumps(reports[0] | {"classification": "Z9"})).errors
