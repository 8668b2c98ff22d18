"""`vigil stress` end to end: the shipped catalogue holds its gate, and a worse one does not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import streams
from streams.cli import main
from streams.cli.options import cores
from streams.simulate.campaigns import CAMPAIGNS
from streams.simulate.truth import shipped
from streams.stress.findings import summed
from streams.stress.gate import judged, read
from streams.stress.trials import Stress, try_all
from streams.stress.variations import EVASIONS

GATE = Path(__file__).parents[2] / "deploy" / "stress-gate.toml"
CATALOGUE = Path(streams.__file__).parent / "catalogue"
TINY = ("--seeds", "1", "--signals", "20000", "--lookalikes", "none")


def test_harmless_traffic_and_look_alikes_are_left_in_peace():
    stress = Stress(campaigns="none", seeds=10)
    found = summed(try_all(stress, cores(), lambda: None), stress.ruleset())
    assert found.benign > 1_500_000, "a few detections per million can be told from none"
    assert {one.instances for one in found.lookalikes} == {10}
    assert judged(found, read(GATE)) == []


def test_every_campaign_is_found_in_every_evasion_that_leaves_it_detectable():
    stress = Stress(lookalikes="none", seeds=3, signals=60_000)
    found = summed(try_all(stress, cores(), lambda: None), stress.ruleset())
    # Too few signals to count false detections in: the test above does that.
    assert judged(found, replace(read(GATE), false_per_million=None)) == []
    assert {one.campaign for one in found.campaigns} == set(CAMPAIGNS)
    asked = {one.campaign for one in found.campaigns if one.total.detectable}
    assert asked == set(CAMPAIGNS)
    assert found.total.detectable > 200


def test_every_campaign_points_to_a_shipped_pattern_and_every_pattern_has_one():
    assert {one.pattern for one in CAMPAIGNS.values()} == set(shipped())


def changed(tmp_path, slug, old, new):
    """A copy of the catalogue in which one pattern says something else."""
    rules = tmp_path / "rules"
    shutil.copytree(CATALOGUE, rules)
    text = (rules / f"{slug}.yml").read_text()
    assert text.count(old) == 1
    (rules / f"{slug}.yml").write_text(text.replace(old, new))
    return str(rules)


def test_a_threshold_nobody_reaches_falls_under_the_gate(tmp_path, capsys):
    rules = changed(tmp_path, "refusal_ladder", "    gte: 6", "    gte: 60")
    listed = ("--campaigns", "refusal-ladder,surface-hopping", "--rules", rules)
    assert main(["stress", *TINY, *listed, "--gate", str(GATE), "--json"]) == 1
    out, err = capsys.readouterr()
    assert "gate: refusal-ladder: recall 0.000 is under 0.8" in err
    assert "surface-hopping" not in err
    by_name = {one["campaign"]: one for one in json.loads(out)["campaigns"]}
    assert by_name["refusal-ladder"]["found"] == 0 < by_name["refusal-ladder"]["detectable"]
    assert by_name["surface-hopping"]["recall"] == 1


def test_a_threshold_everybody_reaches_falls_under_the_gate(tmp_path, capsys):
    rules = changed(tmp_path, "refusal_ladder", "    gte: 6", "    gte: 1")
    listed = ("--campaigns", "none", "--rules", rules)
    assert main(["stress", *TINY, *listed, "--gate", str(GATE)]) == 1
    err = capsys.readouterr().err
    assert "false live detections per million benign signals are over 5: refusal_ladder" in err


def test_a_pattern_that_restricts_on_doubtful_scores_punishes_a_look_alike(tmp_path, capsys):
    rules = changed(tmp_path, "threshold_probing", "  action: warn", "  action: restrict")
    options = ("--seeds", "1", "--signals", "20000", "--campaigns", "none", "--rules", rules)
    assert main(["stress", *options, "--lookalikes", "researcher", "--gate", str(GATE)]) == 1
    out, err = capsys.readouterr()
    assert "1 look-alikes were punished, 0 may be: researcher 1 of 1" in err
    assert "restrict 1" in out


def test_even_a_pattern_that_wants_to_restrict_on_reports_alone_restricts_nobody(tmp_path, capsys):
    rules = changed(
        tmp_path, "new_account_straight_to_abuse", "harm and not low and not report", "harm"
    )
    options = ("--seeds", "1", "--signals", "20000", "--campaigns", "none", "--rules", rules)
    assert main(["stress", *options, "--lookalikes", "brigaded-target"]) == 0
    out = capsys.readouterr().out
    assert "new_account_straight_to_abuse 1" in out
    assert "restrict" not in out


def test_it_finds_the_same_however_many_processes_try(capsys):
    options = ("--seeds", "2", "--signals", "20000", "--campaigns", "slow-drip,refusal-ladder")
    found = []
    for jobs in ("1", "2"):
        assert main(["stress", *options, "--lookalikes", "none", "--jobs", jobs, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
    assert found[0]["trials"] == 4, "what takes longer than a day is tried apart"


def test_the_table_has_a_column_for_each_evasion_and_a_line_for_each_campaign(capsys):
    assert main(["stress", *TINY, "--campaigns", "refusal-ladder,slow-drip:pace=2"]) == 0
    out = capsys.readouterr().out
    head, *rows = [line.split("\t") for line in out.split("\n\n")[0].splitlines()]
    assert head[:5] == ["campaign", "found", "recall", "p50", "max"]
    assert set(head[5:]) >= {"plain", "pace=0.4", "pace=2"}
    assert [row[0] for row in rows] == ["refusal-ladder", "slow-drip"]


def test_each_campaign_evades_in_the_ways_that_make_sense_for_it():
    (short, _) = Stress(seeds=1).plans()
    ways = {}
    for one in short.wanted:
        ways.setdefault(one.campaign.name, []).append((one.pace, one.split, one.hop, one.pad))
    assert len(ways["confirmed-hash-match"]) == len(EVASIONS)
    assert ways["minor-on-restricted-surface"] == [
        (1.0, 1, False, 0.0),
        (0.4, 1, False, 0.0),
        (0.1, 1, False, 0.0),
        (1.0, 1, False, 5.0),
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--campaigns", "slow-drop"], "no campaign 'slow-drop'"),
        (["--lookalikes", "agency"], "no look-alike 'agency'"),
        (["--evasions", "plain,jump"], "'jump' is no setting"),
        (["--signals", "1000", "--seeds", "1"], "ask for more than 1000 signals"),
        (["--rules", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_tried_is_said_at_once(capsys, options, says):
    assert main(["stress", *options]) == 2
    assert says in capsys.readouterr().err


def test_a_broken_gate_file_is_2(tmp_path, capsys):
    (tmp_path / "gate.toml").write_text("recal = 1\n")
    assert main(["stress", "--gate", str(tmp_path / "gate.toml")]) == 2
    assert "did you mean recall?" in capsys.readouterr().err
