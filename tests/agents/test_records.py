"""Output ids and the shape of output records."""

from __future__ import annotations

import base64
import hashlib

from streams.patterns.metadata import LEVELS
from streams.patterns.pattern import LIVE, SHADOW
from streams.records import (
    ACTIONS,
    AccountSignal,
    Detection,
    Enforcement,
    ReviewItem,
    output_id,
    undo_id,
)
from streams.reporting.report import Report
from streams.signals import Schema, records

PARTS = ("detection", "p", "v", ["a1", "d1"], "a1", ["e1", "e2"])


def test_an_output_id_is_the_hash_of_its_length_prefixed_parts():
    def prefixed(data):
        return len(data).to_bytes(4, "big") + data

    flat = [b"detection", b"p", b"v", prefixed(b"a1") + prefixed(b"d1"), b"a1"]
    data = b"".join(map(prefixed, [*flat, prefixed(b"e1") + prefixed(b"e2")]))
    wanted = base64.b32encode(hashlib.sha256(data).digest()).decode().lower()[:26]
    assert output_id(*PARTS) == wanted


def test_every_part_and_every_boundary_between_parts_counts():
    variants = [
        ("enforcement/warn", *PARTS[1:]),
        ("detectionp", "", *PARTS[2:]),
        (*PARTS[:3], ["a1d1"], *PARTS[4:]),
        (*PARTS[:3], ["a1", "d1", "a1"], "", PARTS[5]),
        (*PARTS[:5], ["e1e2"]),
        (*PARTS[:5], ["e2", "e1"]),
    ]
    assert len({output_id(*variant) for variant in [PARTS, *variants]}) == len(variants) + 1


def test_records_have_exactly_the_fields_of_the_contract():
    assert " ".join(Detection.__struct_fields__) == (
        "id pattern title version ruleset mode severity harm account entity end_user content_ref "
        "dataset_ref at window evidence values cause retracts derived"
    )
    assert " ".join(Enforcement.__struct_fields__) == (
        "id account action harm severity detections pattern version ruleset at expires_at end_user "
        "content_ref dataset_ref undoes strikes automated reviewer why policy"
    )
    assert " ".join(ReviewItem.__struct_fields__) == (
        "id account reason proposal detections pattern priority due_at end_user content_ref "
        "dataset_ref version action held_by"
    )

    assert " ".join(Report.__struct_fields__) == (
        "id kind account due_at preserve_until draft status amended at detections end_user "
        "dataset_ref confirmed_by confirmed_at doubted_by retracted_by"
    )


def test_an_undo_has_one_id_whoever_finds_that_it_must_be():
    undo = undo_id("p", "v", "a1", "e1")
    assert undo == output_id("enforcement/undo", "p", "v", ["a1"], "a1", ["e1"])
    assert undo != undo_id("p", "v", "a1", "e2")


def test_what_one_agent_writes_another_can_read():
    assert AccountSignal.__struct_fields__ == tuple(Schema().fields("account-signals"))
    assert records.ACTIONS == ACTIONS
    assert records.SEVERITIES == LEVELS
    assert set(records.MODES) == {LIVE, SHADOW}
