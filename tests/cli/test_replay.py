"""`vigil replay` as a program: forms of input, order, mistakes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

VIGIL = [sys.executable, "-m", "streams.cli"]
AT = 1_790_000_000_000


def hit(number: int, *, at: int = 0, ts: int | None = None) -> str:
    value = {"id": f"h{number}", "account": "a1", "at": AT + at, "source": "classifier",
             "category": "csam", "verdict": "suspected", "surface": "output"}  # fmt: skip
    line: dict[str, Any] = {"topic": "moderation-hits", "value": value}
    if ts is not None:
        line["ts"] = AT + ts
    return json.dumps(line)


HITS = [hit(number, at=number * 1_000) for number in range(3)]


def replay(
    *arguments: str, given: bytes = b"", code: int = 0
) -> subprocess.CompletedProcess[bytes]:
    run = subprocess.run(
        [*VIGIL, "replay", *arguments], input=given, capture_output=True, check=False
    )
    assert run.returncode == code, run.stderr.decode()
    return run


def outputs(run: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_key_and_ts_are_taken_from_account_and_at_where_they_are_absent(tmp_path: Path) -> None:
    path = tmp_path / "hits.jsonl"
    path.write_text("\n".join(HITS))
    found = outputs(replay(str(path)))
    assert [one["topic"] for one in found] == ["detections", "enforcement"]
    assert {(one["key"], one["ts"]) for one in found} == {("a1", AT + 2_000)}


def test_packed_files_and_standard_input_give_the_same_bytes(tmp_path: Path) -> None:
    text = "\n".join(HITS).encode()
    plain, packed, small = (tmp_path / name for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"))
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    small.write_bytes(zstandard.compress(text))
    expected = replay(str(plain)).stdout
    assert expected
    assert replay(str(packed)).stdout == expected
    assert replay(str(small)).stdout == expected
    assert replay("-", given=text).stdout == expected
    assert replay(str(plain)).stdout == expected, "always the same"


def test_files_are_merged_by_ts_whatever_their_order(tmp_path: Path) -> None:
    paths = []
    for number in (2, 0, 1):
        paths.append(tmp_path / f"{number}.jsonl")
        paths[-1].write_text(HITS[number])
    (one, _) = outputs(replay(*map(str, paths)))
    assert one["value"]["evidence"] == ["h0", "h1", "h2"]


def test_lines_out_of_order_are_sorted_by_ts(tmp_path: Path) -> None:
    path = tmp_path / "hits.jsonl"
    path.write_text("\n".join(HITS[number] for number in (2, 0, 1)))
    ordered = tmp_path / "ordered.jsonl"
    ordered.write_text("\n".join(HITS))
    assert replay(str(path)).stdout == replay(str(ordered)).stdout


def test_a_bad_record_prints_its_dead_letter_and_the_exit_is_0(tmp_path: Path) -> None:
    path = tmp_path / "hits.jsonl"
    bad = '{"topic": "activity", "key": "a1", "value": {"prompt": "secret"}, "ts": 5}'
    path.write_text("\n".join([bad, *HITS]))
    run = replay(str(path))
    letter, *rest = outputs(run)
    assert letter["topic"] == "dead-letters"
    assert letter["value"]["reason"] == "unknown_field"
    assert [one["topic"] for one in rest] == ["detections", "enforcement"]
    assert b"secret" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    "line",
    ["secret", '{"topic": "secret-topic", "value": {}}', '{"value": {}}', '["secret"]',
     '{"topic": "activity", "value": {}, "secret": 1}'],
)  # fmt: skip
def test_a_line_that_is_no_record_exits_2_naming_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "hits.jsonl"
    path.write_text("\n".join([*HITS, line]))
    run = replay(str(path), code=2)
    assert f"{path}:4: ".encode() in run.stderr
    assert b"secret" not in run.stderr.replace(str(path).encode(), b"")
    assert b"internal error" not in run.stderr


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_an_archive_that_was_cut_off_exits_2(tmp_path: Path, pack: Any) -> None:
    path = tmp_path / ("hits.jsonl.gz" if pack is gzip.compress else "hits.jsonl.zst")
    path.write_bytes(pack("\n".join(HITS).encode())[:-9])
    assert str(path).encode() in replay(str(path), code=2).stderr


def test_a_name_kafka_would_refuse_is_wrong_use(tmp_path: Path) -> None:
    run = subprocess.run(
        [*VIGIL, "run", "--brokers", "127.0.0.1:1", "--worker-id", "my worker"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert b"--worker-id" in run.stderr


def test_an_archive_of_several_frames_is_read_to_its_end(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl.zst"
    whole.write_text("\n".join(HITS))
    parts.write_bytes(b"".join(zstandard.compress(f"{line}\n".encode()) for line in HITS))
    assert replay(str(parts)).stdout == replay(str(whole)).stdout
