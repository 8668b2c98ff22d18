"""Commands end to end on a real broker and real files: what they print and how they end."""

from __future__ import annotations

import json

import pytest

from streams.cli import main
from streams.topics import TABLE


def test_topics_create_check_list(kafka, prefix, capsys):
    where = ["--brokers", kafka, "--prefix", prefix]
    assert main(["topics", "check", *where]) == 1
    assert "is missing. Run: vigil topics create" in capsys.readouterr().out
    assert main(["topics", "create", *where, "--partitions", "2"]) == 0
    assert capsys.readouterr().out.split() == [prefix + topic.name for topic in TABLE]
    assert main(["topics", "create", *where, "--partitions", "2"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["topics", "create", *where, "--partitions", "3"]) == 1
    assert "has 2 partitions" in capsys.readouterr().err
    assert main(["topics", "check", *where]) == 0
    assert main(["topics", "check", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["topics", "list", *where, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["partitions"] for row in listed} == {2}


def test_kafka_status_without_a_node_is_1_and_stop_is_fine(tmp_path, capsys):
    where = ["--dir", str(tmp_path)]
    assert main(["kafka", "status", *where, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["running"] is False
    assert main(["kafka", "stop", *where]) == 0


def test_kafka_start_says_where_the_running_node_answers(kafka_node, capsys):
    where = ["--dir", str(kafka_node.directory)]
    assert main(["kafka", "start", *where]) == 0
    assert capsys.readouterr().out == kafka_node.address + "\n"
    assert main(["kafka", "start", *where, "--port", "1"]) == 3
    assert "already runs on" in capsys.readouterr().err
    assert main(["kafka", "status", *where]) == 0


RULE = """\
title: Many refusals
id: 8f1f6f0e-0e4e-4a53-9d53-4f1c2f0c4f7a
status: test
logsource: {product: vigil, service: activity}
detection:
  refused:
    kind: prompt.refused
  condition: refused
"""


def test_check_names_file_and_line_and_ends_with_1(tmp_path, capsys):
    (tmp_path / "rule.yml").write_text(RULE.replace("kind:", "knd:"))
    assert main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "rule.yml:7: error:" in out
    assert "did you mean" in out
    assert main(["check", str(tmp_path), "--json"]) == 1
    finding = next(f for f in json.loads(capsys.readouterr().out) if f["severity"] == "error")
    assert finding["line"] == 7


def test_check_prints_the_schema_editors_take_with_what_a_schema_file_adds(tmp_path, capsys):
    (tmp_path / "schema.toml").write_text('[activity]\nkinds = ["star.added"]')
    own = ["--schema", str(tmp_path / "schema.toml")]
    assert main(["check", "--print-schema", *own]) == 0
    definitions = json.loads(capsys.readouterr().out)["$defs"]
    assert definitions["activity.kind"]["enum"][-1] == "star.added"
    assert main(["check"]) == 2


def test_check_of_a_broken_schema_file_is_2(tmp_path, capsys):
    (tmp_path / "rule.yml").write_text(RULE)
    (tmp_path / "schema.toml").write_text("[activty]")
    assert main(["check", str(tmp_path), "--schema", str(tmp_path / "schema.toml")]) == 2
    assert "did you mean activity?" in capsys.readouterr().err


def test_doctor_tells_what_is_missing_as_json_too(kafka, prefix, capsys):
    where = ["--brokers", kafka, "--prefix", prefix]
    assert main(["doctor", *where, "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert any("vigil topics create" in finding["remedy"] for finding in findings)
    assert main(["topics", "create", *where, "--partitions", "1"]) == 0
    assert main(["doctor", *where]) == 0


@pytest.mark.parametrize("arguments", [["topics", "list"], ["config"]])
def test_data_go_to_stdout_and_nothing_to_stderr(arguments, capsys):
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out
    assert captured.err == ""
