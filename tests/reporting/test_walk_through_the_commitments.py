"""A walk through every commitment of docs/safety-by-design.md, from signals to evidence.

By the commands that page names, as somebody would who doesn't believe it. `SECTIONS` says which
test walks which; that none is missing is a test, too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streams.cli import main
from streams.signals.times import format_ms

DOCS = Path(__file__).parents[2] / "docs" / "safety-by-design.md"
FIXTURES = Path(__file__).parents[1] / "adapters" / "fixtures"
START = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
KNOWN = {
    "source": "hash_match",
    "category": "csam",
    "verdict": "confirmed",
    "surface": "upload",
    "ai_generated": "yes",
}


class Walk:
    """Signals in a file, decisions beside it, and what the commands say of both."""

    def __init__(self, directory: Path, capsysbinary) -> None:
        self.directory = directory
        self.inputs = directory / "inputs.jsonl"
        self.outputs = directory / "outputs.jsonl"
        self._capsys = capsysbinary
        self._lines: list[str] = []

    def signal(self, topic: str, at: int, account: str = "a1", **fields: object) -> None:
        number = len(self._lines)
        value = {"id": f"s{number}", "account": account, "at": format_ms(START + at), **fields}
        self._lines.append(json.dumps({"topic": topic, "value": value}))
        self.inputs.write_text("\n".join(self._lines) + "\n")

    def decided(self) -> list[tuple[str, dict]]:
        self.outputs.write_bytes(self.says("replay", self.inputs))
        records = map(json.loads, self.outputs.read_text().splitlines())
        return [(record["topic"], record["value"]) for record in records]

    def done(self, account: str = "a1") -> list[str]:
        return [
            value["action"]
            for topic, value in self.decided()
            if topic == "enforcement" and value["account"] == account
        ]

    def says(self, *words: object, code: int = 0) -> bytes:
        self._capsys.readouterr()
        assert main([str(word) for word in words]) == code
        return bytes(self._capsys.readouterr().out)


@pytest.fixture
def walk(tmp_path, capsysbinary):
    return Walk(tmp_path, capsysbinary)


def refusals(walk: Walk, begin: int = 0, account: str = "a1") -> None:
    for number in range(6):
        walk.signal("activity", begin + number * MINUTE, account, kind="prompt.refused")


def test_known_material_in_training_data_is_removed_quarantined_and_reported(walk):
    about = {**KNOWN, "surface": "training_dataset", "dataset_ref": "set9", "content_ref": "c1"}
    walk.signal("moderation-hits", 0, **about)
    assert walk.done() == ["content.remove", "dataset.quarantine"]
    (draft,) = json.loads(walk.says("report", "list", "--from", walk.outputs, "--json"))
    assert (draft["account"], draft["status"]) == ("a1", "draft")


def test_known_material_becomes_a_draft_that_a_person_confirms_and_the_schema_takes(walk):
    walk.signal("moderation-hits", 0, content_ref="c1", **KNOWN)
    assert walk.done() == ["preserve", "content.remove", "suspend"]
    (draft,) = json.loads(walk.says("report", "list", "--from", walk.outputs, "--json"))
    orders = {"kind": "confirm", "target": draft["id"], "reviewer": "rv-17", "reason": "reviewed"}
    walk.signal("account-commands", HOUR, **orders)
    walk.decided()
    (report,) = json.loads(walk.says("report", "list", "--from", walk.outputs, "--json"))
    assert report["status"] == "confirmed"


def test_a_wrong_decision_is_taken_back_and_the_pattern_hears_of_it(walk):
    refusals(walk)
    (action,) = (value for topic, value in walk.decided() if topic == "enforcement")
    said = {"decision": action["id"], "stage": "appeal", "reviewer": "r1"}
    walk.signal("reviews", HOUR, outcome="overturned", **said)
    assert walk.done() == ["prevention.message", "undo"]
    compared = ("backtest", "--rules", "catalogue", "--against", "catalogue", walk.inputs, "--json")
    assert json.loads(walk.says(*compared))


def test_every_kind_of_conduct_can_be_played_against_the_rules(walk):
    listed = ("--campaigns", "refusal-ladder", "--lookalikes", "brigaded-target")
    found = json.loads(walk.says("stress", "--seeds", 1, "--signals", 20_000, *listed, "--json"))
    assert found["recall"] == 1
    assert all(one["punished"] == 0 for one in found["lookalikes"])


def test_conduct_is_recognised_and_the_answer_explained(walk):
    refusals(walk)
    (action,) = (value for topic, value in walk.decided() if topic == "enforcement")
    told = walk.says("explain", action["id"], "--from", walk.inputs).decode()
    assert "Refusal ladder" in told
    assert "prevention.message" in told


def test_prevention_comes_first_and_who_goes_on_is_warned(walk):
    refusals(walk)
    refusals(walk, 26 * HOUR)
    assert walk.done() == ["prevention.message", "warn"]


def test_what_is_confirmed_goes_from_everybody_who_holds_it_and_generated_is_told(walk):
    walk.signal("activity", 0, "a2", kind="upload.created", content_ref="c1")
    walk.signal("moderation-hits", HOUR, content_ref="c1", **KNOWN)
    walk.signal("activity", 2 * HOUR, "a3", kind="content.shared", content_ref="c1")
    assert walk.done("a2") == walk.done("a3") == ["content.remove"]
    (draft,) = json.loads(walk.says("report", "list", "--from", walk.outputs, "--json"))
    shown = json.loads(walk.says("report", "show", draft["id"], "--from", walk.outputs))
    assert [file["generativeAi"] for file in shown["draft"]["files"]] == [True]


def test_researchers_get_counts_that_name_nobody(walk):
    for number in range(8):
        refusals(walk, number * MINUTE, f"account-{number}")
    told = walk.says("export", "--aggregate", "--least", 5, walk.inputs)
    assert b"prompt.refused" in told
    assert b"account-" not in told


def test_a_suspected_minor_is_protected_where_an_adult_is_restricted(walk):
    for account, band in (("a1", "minor"), ("a2", "adult")):
        walk.signal("activity", 0, account, kind="account.age_signal", age_band=band)
        walk.signal("moderation-hits", HOUR, account, content_ref="c1", **KNOWN)
    assert walk.done("a1")[-1] == "protect"
    assert walk.done("a2")[-1] == "suspend"


def test_an_exact_match_of_another_tool_becomes_a_hit_that_is_acted_upon(walk, monkeypatch):
    monkeypatch.setenv("VIGIL_ADAPT_KEY", "a key of more than sixteen bytes")
    matches = FIXTURES / "hma-matches.jsonl"
    words = ("--dictionary", FIXTURES / "words.toml")
    walk.says("adapt", "hma-matches", "--from", matches, "--to", walk.inputs, *words)
    assert any(value.get("why") == "zero_tolerance" for _, value in walk.decided())


def test_the_year_is_told_in_figures_that_name_nobody(walk):
    for number in range(8):
        refusals(walk, number * MINUTE, f"account-{number}")
    walk.decided()
    told = walk.says("report", "transparency", "--year", 2026, walk.inputs, walk.outputs)
    assert b"prevention" in told
    assert b"account-" not in told


SECTIONS = {
    1: test_known_material_in_training_data_is_removed_quarantined_and_reported,
    2: test_known_material_becomes_a_draft_that_a_person_confirms_and_the_schema_takes,
    3: test_a_wrong_decision_is_taken_back_and_the_pattern_hears_of_it,
    4: test_every_kind_of_conduct_can_be_played_against_the_rules,
    5: test_conduct_is_recognised_and_the_answer_explained,
    6: test_prevention_comes_first_and_who_goes_on_is_warned,
    7: test_what_is_confirmed_goes_from_everybody_who_holds_it_and_generated_is_told,
    8: test_researchers_get_counts_that_name_nobody,
    9: test_a_suspected_minor_is_protected_where_an_adult_is_restricted,
    10: test_an_exact_match_of_another_tool_becomes_a_hit_that_is_acted_upon,
    11: test_the_year_is_told_in_figures_that_name_nobody,
}


def test_no_commitment_is_left_out_of_the_walk():
    numbers = [int(number) for number in re.findall(r"^## (\d+)\.", DOCS.read_text(), re.MULTILINE)]
    assert sorted(SECTIONS) == numbers
