"""Reading recordings: whatever a file looks like, the records are those of its lines."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from streams import recording
from streams.recording import LineError, OutOfOrder, Recording, merged

TOPICS = ("activity", "reviews")


def line(ts: int, **fields: object) -> bytes:
    return json.dumps(
        {"topic": "activity", "key": "a1", "value": {"n": ts}, "ts": ts} | fields
    ).encode()


def read(path: Path, data: bytes) -> list[recording.Record]:
    path.write_bytes(data)
    return [record for batch in Recording(path, TOPICS).batches() for record in batch]


@given(
    texts=st.lists(
        st.one_of(st.integers(0, 10**13).map(line), st.sampled_from([b"", b"  ", b"\r"])),
        max_size=40,
    ),
    ends=st.booleans(),
    block=st.integers(1, 400),
)
def test_wherever_the_blocks_are_cut_every_line_is_one_record(texts, ends, block):
    data = b"\n".join(texts) + (b"\n" if ends else b"")
    chunks = (data[at : at + block] for at in range(0, len(data), block))
    blocks = list(recording._blocks(chunks))
    assert b"".join(blocks) == data
    assert all(one.endswith(b"\n") for one in blocks[:-1])
    made = [record for one in blocks for record in Recording(Path("x"), TOPICS)._read(one, 0, None)]
    assert [record[3] for record in made] == [
        json.loads(text)["ts"] for text in texts if text.strip()
    ]


@pytest.mark.parametrize(
    ("bad", "number"),
    [
        (line(1) + b" " + line(2) + b"\n" + line(3), 1),
        (line(1) + b"\n" + line(2).replace(b",", b",\n", 1), 2),
        (line(1) + b"\n\n" + line(2, topic="detections"), 3),
        (line(1) + b"\n" + b"[]", 2),
        (line(1) + b"\n" + b'{"topic": "activity", "value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 2),
    ],
)  # fmt: skip
def test_what_is_no_line_is_named_by_its_number(tmp_path, bad, number):
    path = tmp_path / "bad.jsonl"
    with pytest.raises(LineError, match=rf"bad.jsonl:{number}: "):
        read(path, bad)


def test_lines_of_ignored_topics_are_checked_and_left_out(tmp_path):
    path = tmp_path / "both.jsonl"
    path.write_bytes(b"\n".join([line(1), line(2, topic="detections"), line(3)]))
    found = Recording(path, TOPICS, ignored=("detections",)).batches()
    assert [record[3] for batch in found for record in batch] == [1, 3]


def test_only_the_keys_asked_for_are_given(tmp_path):
    path = tmp_path / "keys.jsonl"
    path.write_bytes(b"\n".join(line(ts, key=f"a{ts % 3}") for ts in range(9)))
    found = Recording(path, TOPICS).batches(lambda key: key == b"a1")
    assert [record[3] for batch in found for record in batch] == [1, 4, 7]


def test_a_file_out_of_order_is_told_when_streamed_and_may_be_sorted(tmp_path):
    path = tmp_path / "order.jsonl"
    path.write_bytes(b"\n".join([line(2, key="a"), line(1), line(2, key="b")]))
    disordered = Recording(path, TOPICS)
    assert not disordered.is_ordered()
    with pytest.raises(OutOfOrder):
        list(disordered.streamed())
    assert [record[1] for record in disordered.sorted()] == [b"a1", b"a", b"b"]


def test_sources_are_merged_by_time_and_ties_go_to_the_first(tmp_path):
    paths = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    paths[0].write_bytes(b"\n".join([line(1, key="x"), line(3, key="x")]))
    paths[1].write_bytes(b"\n".join([line(1, key="y"), line(2, key="y")]))
    found = merged([Recording(path, TOPICS).streamed() for path in paths])
    assert [(record[1], record[3]) for record in found] == [
        (b"x", 1),
        (b"y", 1),
        (b"y", 2),
        (b"x", 3),
    ]


def test_an_absent_key_is_the_account_or_where_the_topic_is_keyed_so_the_pattern(tmp_path):
    value = {"account": "a1", "pattern": "p1"}
    lines = [
        json.dumps({"topic": topic, "value": value, "ts": 1}).encode()
        for topic in ("reviews", "pattern-commands", "proposals")
    ]
    path = tmp_path / "keys.jsonl"
    path.write_bytes(b"\n".join(lines))
    topics = (*TOPICS, "pattern-commands", "proposals")
    found = [record for batch in Recording(path, topics).batches() for record in batch]
    assert [record[1] for record in found] == [b"a1", b"p1", b"p1"]


def test_the_position_reaches_the_size_of_the_packed_file(tmp_path):
    for name, pack in (("a.jsonl", bytes), ("a.gz", gzip.compress), ("a.zst", zstandard.compress)):
        path = tmp_path / name
        path.write_bytes(pack(b"\n".join(line(ts) for ts in range(9_000))))
        one = Recording(path, TOPICS)
        assert sum(map(len, one.batches())) == 9_000
        assert one.position == one.size


@given(
    frames=st.lists(st.binary(max_size=300), max_size=5),
    cut=st.integers(0, 20),
    step=st.integers(1, 50),
)
def test_frames_are_joined_and_a_cut_in_the_last_one_is_noticed(frames, cut, step):
    packed = [zstandard.compress(frame) for frame in frames]
    whole = b"".join(packed)
    cut = min(cut, len(packed[-1]) if packed else 0)

    class Steps(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return super().read(step)

    given_ = Steps(whole[: len(whole) - cut])
    if cut and cut < len(packed[-1]):
        with pytest.raises(EOFError):
            list(recording._unzstd(given_))
    else:
        expected = b"".join(frames[:-1] if cut else frames)
        assert b"".join(recording._unzstd(given_)) == expected
