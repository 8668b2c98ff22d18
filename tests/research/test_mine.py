"""What was planted is found, what chance brings is not, and what is proposed is a rule that works."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from streams.agents.accounts import INPUTS
from streams.cli import main
from streams.patterns import check_rules, load_rules
from streams.recording import Recording
from streams.research import mine as room
from streams.research import trial
from streams.research.mine import Mined, TooFew, mine
from streams.research.sample import draw
from streams.signals import Schema
from streams.workbench.inline import outcomes as inline_outcomes
from tests.research.days import accounts_of, day, review

MOST = 5


def mined(path: Path) -> Mined:
    return mine([path], Schema(), MOST, lambda _: None, lambda _: None)


@pytest.mark.parametrize("campaign", ["refusal-ladder", "hits-after-refusals"])
def test_a_planted_campaign_is_found_again_among_accounts_that_were_held_out(tmp_path, campaign):
    path = tmp_path / "day.jsonl"
    review(path, day(path, f"{campaign}:accounts=24"))
    found = mined(path)
    assert found.proposed
    best = min(found.proposed, key=lambda one: one.log_p)
    assert best.hits >= 0.9 * best.upheld
    assert best.precision > 0.8
    kinds = {value for item in best.candidate.items for _, value in item.fields}
    assert kinds & {"prompt.refused", "csam"}


def test_the_order_of_a_campaign_is_found_and_not_only_how_often(tmp_path):
    path = tmp_path / "day.jsonl"
    review(path, day(path, "hits-after-refusals:accounts=24"))
    sequences = [one for one in mined(path).proposed if not one.candidate.at_least]
    best = min(sequences, key=lambda one: one.log_p)
    assert best.hits >= 0.9 * best.upheld
    assert best.precision > 0.8


def test_with_shuffled_labels_nothing_is_proposed(tmp_path):
    path = tmp_path / "day.jsonl"
    planted = len(day(path, "refusal-ladder:accounts=24,hits-after-refusals:accounts=24"))
    signals, accounts = path.read_bytes(), accounts_of(path)
    for seed in range(12):
        path.write_bytes(signals)
        review(path, random.Random(seed).sample(accounts, planted))
        assert not mined(path).proposed


def test_rules_that_find_a_campaign_stand_no_trial_by_shuffled_labels(tmp_path):
    path = tmp_path / "day.jsonl"
    planted = day(path, "refusal-ladder:accounts=24,hits-after-refusals:accounts=24")
    signals, accounts = path.read_bytes(), accounts_of(path)
    review(path, planted)
    candidates = [one.candidate for one in mined(path).proposed]
    assert candidates
    for seed in range(12):
        path.write_bytes(signals)
        review(path, random.Random(seed).sample(accounts, len(planted)))
        recordings = [Recording(path, INPUTS)]
        sample = draw(recordings, Schema(), lambda _: None)
        outcomes = trial.run(candidates, sample, recordings, Schema(), lambda _: None)
        assert sum(one.others for one in outcomes) > 0  # they do find somebody
        assert not any(one.stands for one in outcomes)


def test_what_an_account_did_after_its_review_proves_nothing(tmp_path):
    path = tmp_path / "day.jsonl"
    planted = day(path, "refusal-ladder:accounts=24")
    lines = path.read_text().splitlines()
    review(path, planted)
    reviews = [json.loads(line) for line in path.read_text().splitlines()[len(lines) :]]
    begin = json.loads(lines[0])["ts"]
    for one in reviews:
        one["ts"] = one["value"]["at"] = begin
    path.write_text("\n".join([*map(json.dumps, reviews), *lines]) + "\n")
    assert not mined(path).outcomes


def test_an_overturned_decision_makes_nobody_an_example(tmp_path):
    path = tmp_path / "day.jsonl"
    review(path, day(path, "refusal-ladder:accounts=24"), "overturned")
    # The one there is stands in the harmless traffic.
    with pytest.raises(TooFew, match=r"^1 account with an upheld review"):
        mined(path)


def test_the_same_recording_gives_the_same_files_in_whatever_order_its_lines_are(tmp_path):
    path, other = tmp_path / "day.jsonl", tmp_path / "other.jsonl"
    review(path, day(path, "hits-after-refusals:accounts=24"))
    lines = path.read_text().splitlines()
    random.Random(7).shuffle(lines)
    other.write_text("\n".join(lines) + "\n")
    first, second = mined(path), mined(other)
    assert first.outcomes == second.outcomes
    names = [[one.name for one in room.write(first, tmp_path / "a")] for _ in range(2)]
    assert names[0] == names[1]


def test_what_is_written_passes_check_and_test_is_in_shadow_and_names_nobody(tmp_path, capsys):
    path, out = tmp_path / "day.jsonl", tmp_path / "out"
    planted = day(path, "hits-after-refusals:accounts=24")
    review(path, planted)
    assert main(["mine", str(path), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"]
    assert told["method"]["correction"] == "Holm"
    assert not check_rules([out], Schema())
    ruleset = load_rules([out], Schema())
    assert len(ruleset.patterns) == told["proposed"]
    assert {pattern.mode for pattern in ruleset.patterns} == {"shadow"}
    assert {pattern.block.action for pattern in ruleset.patterns} == {None}
    for outcome in inline_outcomes(ruleset):
        assert {result.test.case for result in outcome.results} == {"firing", "near miss", "benign"}
        assert not outcome.failures
    written = "".join(file.read_text() for file in out.iterdir())
    assert not [account for account in planted if account in written]


def test_too_few_reviews_end_with_a_sentence_and_exit_code_2(tmp_path, capsys):
    path = tmp_path / "day.jsonl"
    review(path, day(path, "refusal-ladder:accounts=4"))
    assert main(["mine", str(path)]) == 2
    assert "each half needs 4" in capsys.readouterr().err
