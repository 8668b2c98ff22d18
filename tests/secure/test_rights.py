"""Who may do what follows from the table of topics, and nobody may do more."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streams.admin.rights import PRINCIPALS, Kind, Operation, commands, needed
from streams.cli.main import main
from streams.topics import TABLE, Party, Role, group_id, transactional_id, worker_group


def of(operation, kind=Kind.TOPIC, prefix=""):
    return {
        (right.party, right.name)
        for right in needed(prefix)
        if (right.operation, right.kind) == (operation, kind)
    }


def test_every_topic_has_one_writer_and_what_was_decided_is_written_by_workers_alone():
    assert of(Operation.WRITE) == {(topic.writer, topic.name) for topic in TABLE}
    for topic in TABLE:
        decided = topic.role in {Role.BETWEEN, Role.OUT, Role.STATE}
        assert (topic.writer is Party.WORKERS) is decided
    inputs = [topic.writer for topic in TABLE if topic.role is Role.IN]
    assert set(inputs) == {Party.PLATFORM, Party.MODERATION, Party.REVIEWERS, Party.OPERATORS}


def test_who_writes_signals_reads_none_and_who_watches_writes_nothing():
    readers = {party for party, _ in of(Operation.READ)}
    assert not readers & {Party.PLATFORM, Party.MODERATION}
    assert Party.WATCHERS not in {party for party, _ in of(Operation.WRITE)}
    state = {topic.name for topic in TABLE if topic.role is Role.STATE}
    assert {(p, name) for p, name in of(Operation.READ) if name in state} == {
        *((Party.WORKERS, name) for name in state),
        (Party.OPERATORS, "governor-state"),
    }


def test_only_workers_share_the_group_sign_names_and_commit_transactions():
    prefix = "t1."
    groups = of(Operation.READ, Kind.GROUP, prefix)
    reach = {
        party
        for party, name in groups
        if group_id(prefix).startswith(name) or worker_group("w", prefix).startswith(name)
    }
    assert reach == {Party.WORKERS}
    ids = of(Operation.WRITE, Kind.TRANSACTIONAL_ID, prefix)
    assert {party for party, _ in ids} == {Party.WORKERS}
    for agent in ("accounts", "entities", "governor"):
        assert any(transactional_id(agent, 11, prefix).startswith(name) for _, name in ids)


def test_no_right_is_on_everything():
    for right in needed():
        assert "*" not in right.name
        assert right.name
        assert not (right.prefixed and right.kind is Kind.TOPIC)


def test_the_commands_grant_each_right_once_and_quote_what_a_shell_would_read():
    principals = PRINCIPALS | {Party.PLATFORM: "User:CN=a b,O=$HOME"}
    lines = commands(needed("t1."), principals, "k:9093")
    granted = sum(line.count("--operation ") for line in lines)
    assert granted == len(needed("t1."))
    (line,) = [line for line in lines if "--topic t1.activity" in line and "Write" in line]
    assert "--allow-principal 'User:CN=a b,O=$HOME'" in line
    (line,) = [line for line in lines if "--group t1.vigil.worker." in line and "Read" in line]
    assert line.endswith("--resource-pattern-type prefixed")


def test_the_command_shows_them_without_a_kafka(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["topics", "acls", "--json", "--principal", "workers=User:CN=w"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown) == len(needed())
    assert {one["principal"] for one in shown if one["party"] == "workers"} == {"User:CN=w"}

    assert main(["topics", "acls"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert any(line.startswith("moderation\tUser:vigil-moderation\tWrite") for line in table)

    assert main(["topics", "acls", "--commands", "--prefix", "p."]) == 0
    assert "--topic p.moderation-hits" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["nobody=User:x", "workers=vigil", "workers", "workers=User:"])
def test_a_principal_that_is_none_is_told(given, capsys):
    assert main(["topics", "acls", "--principal", given]) == 2
    assert "is not PARTY=User:NAME" in capsys.readouterr().err


def test_the_page_tells_who_writes_and_reads_what():
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
    for party in Party:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {party.value} |")]
        principal, writes, reads = (cell.strip() for cell in row.split("|")[2:5])
        assert principal == f"`{PRINCIPALS[party]}`"
        if party is not Party.WORKERS:
            assert set(re.findall("`([^`]+)`", writes)) == names(Operation.WRITE, party)
        if party not in {Party.WORKERS, Party.WATCHERS}:
            assert set(re.findall("`([^`]+)`", reads)) == names(Operation.READ, party)


def names(operation, party):
    return {name for whose, name in of(operation) if whose is party}


def test_what_needs_a_kafka_says_that_it_does(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIGIL_BROKERS", raising=False)
    assert main(["topics", "acls", "--apply"]) == 2
    assert "no brokers" in capsys.readouterr().err
