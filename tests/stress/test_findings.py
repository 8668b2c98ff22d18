"""What is made of outcomes, with outcomes made by hand."""

from collections import Counter

from streams.patterns import load_rules
from streams.signals import Schema
from streams.simulate.score import Outcome, Treatment
from streams.simulate.truth import Hidden, Lookalike, Pattern
from streams.stress.findings import summed
from streams.stress.gate import Gate, judged
from streams.stress.trial import Trial

RULESET = load_rules(["catalogue"], Schema())
LADDER = next(one for one in RULESET.patterns if one.file.endswith("refusal_ladder.yml"))
DRIP = next(one for one in RULESET.patterns if one.file.endswith("slow_drip.yml"))
MINUTE_MS = 60_000
NOON_MS = 1_767_614_400_000


def outcome(campaign, minutes=None, *, detectable=True, accounts=("a1",), **evasion):
    """One instance; its accounts were found so many minutes after noon, None: not at all."""
    hidden = Hidden(
        campaign=campaign,
        instance=1,
        accounts=accounts,
        patterns=(Pattern("x", campaign.replace("-", "_"), campaign),),
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
        detectable=detectable,
        **{"pace": 1.0, **evasion},
    )
    at = {account: NOON_MS + found * MINUTE_MS for account, found in zip(accounts, minutes or ())}  # noqa: B905 - fewer are found than there are
    return Outcome(hidden, at)


def treatment(*actions, wrong=("restrict", "suspend"), detections=()):
    lookalike = Lookalike(
        lookalike="busy-agency",
        instance=1,
        accounts=("b1",),
        wrong=wrong,
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
    )
    return Treatment(lookalike, Counter(detections), Counter(actions))


def trial(*outcomes, treatments=(), false=(), benign=1_000_000, dead_letters=0):
    return Trial(
        signals=2 * benign,
        benign=benign,
        outcomes=list(outcomes),
        treatments=list(treatments),
        false=Counter(false),
        false_in_shadow=Counter(),
        dead_letters=dead_letters,
    )


def test_recall_is_over_what_had_to_be_found_and_only_what_was_found_whole():
    found = summed(
        [
            trial(
                outcome("refusal-ladder", [5]),
                outcome("refusal-ladder", [7], accounts=("a1", "a2")),
                outcome("refusal-ladder", detectable=False),
                outcome("refusal-ladder", [9], detectable=False),
            ),
            trial(outcome("refusal-ladder", [30])),
        ],
        RULESET,
    )
    (ladder,) = found.campaigns
    assert (ladder.total.instances, ladder.total.detectable, ladder.total.found) == (5, 3, 2)
    assert ladder.total.found_anyway == 1
    assert ladder.total.recall == 2 / 3
    assert (ladder.total.took_p50_ms, ladder.total.took_max_ms) == (30 * MINUTE_MS, 30 * MINUTE_MS)
    assert found.total == ladder.total


def test_evasions_are_told_apart_and_add_up():
    found = summed(
        [
            trial(
                outcome("slow-drip", [5]),
                outcome("slow-drip", [6], hop=True, pad=2.0),
                outcome("slow-drip", pace=0.1, detectable=False),
            )
        ],
        RULESET,
    )
    (drip,) = found.campaigns
    assert {name: one.found for name, one in drip.by_evasion.items()} == {
        "plain": 1,
        "hop:pad=2": 1,
        "pace=0.1": 0,
    }
    assert drip.by_evasion["pace=0.1"].recall is None, "nobody had to find it"
    assert found.by_evasion == drip.by_evasion


def test_false_positives_are_live_detections_per_million_benign_signals_by_pattern():
    found = summed(
        [
            trial(benign=1_500_000, false=[LADDER.id, LADDER.id, DRIP.id]),
            trial(benign=500_000, false=[LADDER.id]),
        ],
        RULESET,
    )
    assert found.false_per_million == 2.0
    assert found.false == {"refusal_ladder": 3, "slow_drip": 1}
    assert found.as_json()["false_positives"]["by_pattern"] == found.false


def test_look_alikes_are_punished_by_what_is_wrong_for_them():
    found = summed(
        [
            trial(treatments=[treatment("warn", detections=[LADDER.id])]),
            trial(treatments=[treatment("restrict", "warn")]),
        ],
        RULESET,
    )
    (agency,) = found.lookalikes
    assert (agency.instances, agency.punished) == (2, 1)
    assert agency.actions == {"warn": 2, "restrict": 1}
    assert agency.detections == {"refusal_ladder": 1}


STRICT = Gate(recall=0.95, campaign_recall=0.9, false_per_million=5, lookalikes_punished=0)


def test_findings_within_all_limits_pass():
    found = summed(
        [trial(outcome("slow-drip", [5]), treatments=[treatment("warn")], false=[LADDER.id] * 5)],
        RULESET,
    )
    assert judged(found, STRICT) == []


def test_each_limit_that_is_passed_is_named_with_its_figures():
    found = summed(
        [
            trial(
                outcome("slow-drip", [5]),
                outcome("refusal-ladder"),
                treatments=[treatment("suspend")],
                false=[LADDER.id] * 6,
                dead_letters=2,
            )
        ],
        RULESET,
    )
    total, campaign, false, punished, dead = judged(found, STRICT)
    assert total == "recall 0.500 is under 0.95: 1 of 2 detectable campaigns were found"
    assert campaign == "refusal-ladder: recall 0.000 is under 0.9: 0 of 1 were found"
    assert false.startswith("6.0 false live detections per million benign signals are over 5")
    assert false.endswith("refusal_ladder 6")
    assert punished.endswith("0 may be: busy-agency 1 of 1")
    assert dead.startswith("2 simulated records were dead-lettered")


def test_a_campaign_may_have_a_floor_of_its_own():
    found = summed([trial(outcome("slow-drip", [5]), outcome("slow-drip"))], RULESET)
    assert judged(found, Gate(campaign_recall=0.9, campaigns={"slow-drip": 0.5})) == []
    assert judged(found, Gate(campaign_recall=0.4, campaigns={"slow-drip": 0.6}))


def test_what_nobody_had_to_find_fails_no_gate():
    found = summed([trial(outcome("slow-drip", detectable=False))], RULESET)
    assert judged(found, STRICT) == []
