"""Counts that are published tell of nobody, and of all of them what they say they do."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter
from fractions import Fraction
from math import exp

import pytest

from streams.cli import main
from streams.research.aggregate import Counting, anonymous, private
from streams.research.noise import geometric
from streams.signals import Schema
from tests.research.days import accounts_of, day

START = 1_767_571_200_000


def refusals(account: str, times: int = 1):
    for number in range(times):
        value = {"id": f"s{number}", "account": account, "at": START, "kind": "prompt.refused"}
        yield "activity", account.encode(), json.dumps(value).encode(), START


def counting(*records) -> Counting:
    found = Counting(Schema())
    found.add(records)
    return found


def test_the_noise_has_the_distribution_that_is_promised():
    source, scale, draws = random.Random(1), Fraction(3, 2), 40_000
    drawn = Counter(geometric(scale, source) for _ in range(draws))
    ratio = exp(-1 / scale)
    for value in range(-4, 5):
        expected = draws * (1 - ratio) / (1 + ratio) * ratio ** abs(value)
        assert abs(drawn[value] - expected) < 5 * expected**0.5


def test_an_account_counts_once_in_a_cell_however_often_it_did_it():
    counts = anonymous(counting(*refusals("a1", 50), *refusals("a2")), 1)
    assert [(one.named, one.accounts) for one in counts if one.accounts] == [
        ({"kind": "prompt.refused", "surface": "none"}, 2)
    ]


def test_an_account_counts_in_no_more_cells_than_is_stated():
    kinds = ("login.succeeded", "message.sent", "prompt.refused", "upload.created")
    records = [
        (
            "activity",
            b"a1",
            json.dumps({"id": kind, "account": "a1", "at": START, "kind": kind}).encode(),
            START,
        )
        for kind in kinds
    ]
    for most in (1, 2, 3, 4, 5):
        # So much epsilon that the noise is none.
        counts = private(counting(*records), Fraction(10**6), most, random.Random(most))
        assert sum(one.accounts for one in counts) == min(most, 4)


def test_the_noise_grows_with_what_an_account_may_change():
    def spread(most: int) -> float:
        counts = list(private(counting(), Fraction(1), most, random.Random(3)))
        return sum(abs(one.accounts) for one in counts) / len(counts)

    assert 0.6 < spread(1) < 1.2
    assert 6 < spread(8) < 10


def test_every_cell_is_told_of_whatever_was_recorded():
    empty = [one.cell for one in private(counting(), Fraction(1), 1, random.Random(1))]
    full = [
        one.cell for one in private(counting(*refusals("a1")), Fraction(1), 1, random.Random(1))
    ]
    assert empty == full
    assert len(empty) == len(set(empty)) > 500


def test_a_cell_of_too_few_is_not_told():
    nine = counting(*(one for number in range(9) for one in refusals(f"a{number}")))
    assert {one.accounts for one in anonymous(nine, 10)} == {None}
    ten = counting(*(one for number in range(10) for one in refusals(f"a{number}")))
    assert {one.accounts for one in anonymous(ten, 10)} == {None, 10}


@pytest.mark.parametrize("way", [["--epsilon", "1"], ["--least", "10"]])
def test_an_export_states_what_it_is_and_holds_no_id(tmp_path, capsys, way):
    path = tmp_path / "day.jsonl"
    day(path, "hits-after-refusals:accounts=4", accounts=200, signals=4000)
    ids = set(re.findall(r'"[a-z_]+":"([a-z0-9]{20,})"', path.read_text()))
    ids.update(accounts_of(path))
    assert main(["export", "--aggregate", str(path), *way, "--json"]) == 0
    text = capsys.readouterr().out
    told = json.loads(text)
    assert not [one for one in ids if one in text]
    assert told["statement"]["unit"] == "accounts"
    assert told["statement"]["method"] in ("differential privacy", "k-anonymity")
    assert main(["export", "--aggregate", str(path), *way]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert told["statement"]["method"] in " ".join(line for line in lines if line[0] == "#")
    rows = list(csv.DictReader(line for line in lines if line[0] != "#"))
    refused = [one for one in rows if one["kind"] == "prompt.refused" and one["surface"] == "input"]
    assert len(refused) == 1
    assert {key for row in rows for key in row} >= {"topic", "category", "accounts"}


def test_an_export_without_a_word_on_privacy_is_refused(tmp_path, capsys):
    path = tmp_path / "day.jsonl"
    path.write_text("")
    assert main(["export", "--aggregate", str(path)]) == 2
    assert "--epsilon" in capsys.readouterr().err
    assert main(["export", "--aggregate", str(path), "--epsilon", "1", "--least", "5"]) == 2
