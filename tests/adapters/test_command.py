"""`vigil adapt` over lines: what it prints, what it says of mistakes, how it ends."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from streams.adapters.table import ADAPTERS
from streams.cli import main
from tests.adapters.formats import FIXTURES, KEY, expected
from tests.adapters.receiver import Receiver

SIGNED = {"VIGIL_WEBHOOK_SECRET": "a secret of at least 16 bytes"}
WORDS = ("--dictionary", str(FIXTURES / "words.toml"))


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("VIGIL_ADAPT_KEY", KEY.decode())


def test_the_list_has_a_line_for_each(capsys):
    assert main(["adapt", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(ADAPTERS)
    assert {one["way"] for one in listed} == {"in", "out"}


def test_the_page_has_every_adapter_and_its_way():
    page = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (in|out) \|", page, flags=re.MULTILINE)
    assert rows == [(one.name, one.way) for one in ADAPTERS.values()]


def test_what_comes_in_is_what_replay_reads(tmp_path, capfd):
    target = tmp_path / "signals.jsonl"
    assert main(["adapt", "osprey-results", "--from", str(FIXTURES / "osprey-results.jsonl"),
                 "--to", str(target), *WORDS]) == 0  # fmt: skip
    assert capfd.readouterr().err == (
        "osprey-results: 4 read, 5 written, 1 without meaning there, 0 refused\n"
    )
    assert main(["replay", str(target)]) == 0
    assert "dead-letters" not in capfd.readouterr().out


def test_a_mistake_is_named_by_its_line_and_the_others_go_on(tmp_path, capfd):
    good = (FIXTURES / "openai-safety.jsonl").read_text().splitlines()[:2]
    event = '{"id":"evt_1","object":"event","created_at":1787659200,"type":"safety.warning_issued","data":{"id":"C-1"}}'
    source = tmp_path / "cases.jsonl"
    source.write_text("\n".join([good[0], "", "{", '{"id": 7}', event, good[1]]))
    assert main(["adapt", "openai-safety", "--from", str(source)]) == 1
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 2
    assert err.splitlines() == [
        f"vigil adapt: {source}:3: not_json",
        f"vigil adapt: {source}:4: wrong_type: id",
        f"vigil adapt: {source}:5: missing_field: entity_identifier",
        "openai-safety: 5 read, 2 written, 0 without meaning there, 3 refused",
    ]


def test_what_vigil_would_refuse_is_refused_at_the_door(tmp_path, capfd):
    scan = json.loads((FIXTURES / "hma-matches.jsonl").open().readline())
    source = tmp_path / "scans.jsonl"
    wrong = [{"at": "2126-01-01T00:00:00Z"}, {"at": "2026-01-01T00:00:00"}, {"surface": "dreams"},
             {"answer": {"pdq": ["A_NEW_BANK"]}}]  # fmt: skip
    source.write_text("\n".join(json.dumps(scan | one) for one in wrong))
    assert main(["adapt", "hma-matches", "--from", str(source), *WORDS]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.rpartition(f"{source}:")[2] for line in err.splitlines()[:-1]] == [
        "1: in_future: at",
        "2: malformed_time: at",
        "3: undeclared_value: surface",
        "4: undeclared_value: bank",
    ]


def test_lines_of_other_topics_are_left_out_and_unknown_ones_are_mistakes(tmp_path, capfd):
    source = tmp_path / "out.jsonl"
    source.write_text('{"topic":"dead-letters","value":{}}\n{"topic":"nowhere","value":{}}\n')
    assert main(["adapt", "ocsf-findings", "--from", str(source)]) == 1
    assert capfd.readouterr().err.splitlines() == [
        f"vigil adapt: {source}:2: undeclared_value: topic",
        "ocsf-findings: 1 read, 0 written, 0 without meaning there, 1 refused",
    ]


@pytest.mark.parametrize(
    ("arguments", "environment", "problem"),
    [
        ([], {}, "vigil adapt --list shows them"),
        (["carrier-pigeon"], {}, "is not one of"),
        (["openai-safety", "--from", "nowhere.jsonl"], {}, "--from nowhere.jsonl: no such file"),
        (["openai-safety"], {"VIGIL_ADAPT_KEY": ""}, "no key: set VIGIL_ADAPT_KEY or give"),
        (["openai-safety"], {"VIGIL_ADAPT_KEY": "short"}, "shorter than 16 bytes"),
        (["openai-safety", "--key-file", "no.key"], {}, "no.key: can't be read"),
        (
            ["openai-safety", "--dictionary", "pyproject.toml"],
            {},
            "pyproject.toml: Object contains",
        ),
        (["webhook", "--to", "https://x.example"], {}, "no key: set VIGIL_WEBHOOK_SECRET"),
        (["webhook", "--to", "http://x.example"], SIGNED, "http://x.example: a webhook outside"),
        (
            ["webhook", "--to", "https://x.example", "--header-file", str(FIXTURES / "README.md")],
            SIGNED,
            "README.md:1: not a line 'Name: value'",
        ),
        (["xarf", "--from", str(FIXTURES / "decisions.jsonl")], {}, "XARF needs the dictionary's"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_to_do(
    arguments, environment, problem, monkeypatch, capfd
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["adapt", *arguments]) == 2
    assert problem in capfd.readouterr().err


def test_a_dictionary_with_a_word_that_is_none_of_ours_is_refused(tmp_path, capfd):
    words = tmp_path / "words.toml"
    words.write_text('[categories]\nspam = "junk"\n')
    assert main(["adapt", "openai-safety", "--dictionary", str(words)]) == 2
    assert "[categories] has 'junk', which is none of ours: one of csam," in capfd.readouterr().err


async def test_what_comes_through_a_pipe_goes_on_before_the_pipe_ends():
    command = (sys.executable, "-m", "streams.cli", "adapt", "openai-safety")
    pipe = asyncio.subprocess.PIPE
    run = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    line = (FIXTURES / "openai-safety.jsonl").open("rb").readline()
    run.stdin.write(line)
    await run.stdin.drain()
    came = await asyncio.wait_for(run.stdout.readline(), 30)
    assert json.loads(came) == expected("openai-safety")[0]
    run.stdin.close()
    await asyncio.wait_for(run.wait(), 30)
    assert run.returncode == 0


async def test_lines_are_delivered_with_the_headers_of_a_file_and_what_is_not_is_named(
    tmp_path, monkeypatch
):
    for name, value in SIGNED.items():
        monkeypatch.setenv(name, value)
    headers = tmp_path / "headers"
    headers.write_text("X-API-KEY: a key of theirs\n\n")
    async with Receiver([500]) as receiver:
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.cli", "adapt", "coop-decisions", *WORDS),
            *("--from", str(FIXTURES / "decisions.jsonl"), "--to", receiver.url, "--tries", "1"),
            *("--header-file", str(headers)),
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await run.communicate()
    assert run.returncode == 1
    assert "decisions.jsonl:4: undeliverable: cjdg4qw6av5b25t7wnhjzgsl5z" in err.decode()
    assert err.decode().endswith("5 read, 3 written, 1 without meaning there, 1 refused\n")
    assert [json.loads(got.body) for got in receiver.got] == expected("coop-decisions")
    assert {got.headers["x-api-key"] for got in receiver.got} == {"a key of theirs"}
