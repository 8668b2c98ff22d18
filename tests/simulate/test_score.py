from streams.simulate.score import Score
from streams.simulate.truth import Hidden, Lookalike, Pattern

LADDER = Pattern(id="p-ladder", slug="refusal_ladder", title="Refusal ladder")


def hidden(*accounts, detectable=True, aside=()):
    return Hidden(
        campaign="refusal-ladder",
        instance=1,
        accounts=accounts,
        aside=aside,
        patterns=(LADDER,),
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
        pace=1.0,
        detectable=detectable,
    )


def lookalike(*accounts, wrong=("restrict", "suspend"), aside=()):
    return Lookalike(
        lookalike="busy-agency",
        instance=1,
        accounts=accounts,
        aside=aside,
        wrong=wrong,
        started_at="2026-01-05T12:00:00.000Z",
        ended_at="2026-01-05T13:00:00.000Z",
    )


def detection(account, pattern="p-ladder", at="2026-01-05T12:05:00.000Z", mode="live"):
    return {
        "account": account,
        "pattern": pattern,
        "title": "Refusal ladder",
        "at": at,
        "mode": mode,
    }


def test_a_campaign_is_found_when_each_account_is_found_by_an_expected_pattern():
    score = Score([hidden("a1", "a2")])
    score.note(detection("a1"))
    assert [one.hidden.campaign for one in score.missed] == ["refusal-ladder"]
    score.note(detection("a2", pattern="p-another"))
    assert score.missed, "another pattern's detection doesn't count"
    score.note(detection("a2", mode="shadow"))
    assert not score.missed, "a shadow pattern's does"


def test_the_time_to_detect_is_event_time_from_the_first_act_to_the_earliest_detection():
    score = Score([hidden("a1", "a2")])
    score.note(detection("a1", at="2026-01-05T12:30:00.000Z"))
    score.note(detection("a2", at="2026-01-05T12:05:00.000Z"))
    assert score.outcomes[0].took_ms == 5 * 60_000


def test_live_detections_on_harmless_accounts_are_false_positives_and_shadow_ones_stand_apart():
    score = Score([hidden("a1")])
    for account in ("b1", "b1", "b2"):
        score.note(detection(account))
    score.note(detection("b3", mode="shadow"))
    assert score.false == {"p-ladder": 3}
    assert score.false_accounts == {"b1", "b2"}
    assert score.false_in_shadow == {"p-ladder": 1}


def test_false_positives_count_from_a_time_on_and_what_is_found_always():
    score = Score([hidden("a1")], since_ms=1_767_615_000_000)  # 12:10
    score.note(detection("a1"))
    score.note(detection("b1"))
    score.note(detection("b1", at="2026-01-05T12:10:00.000Z"))
    assert not score.missed
    assert score.false == {"p-ladder": 1}


def test_a_campaign_nobody_is_expected_to_find_is_never_missed():
    assert not Score([hidden("a1", detectable=False)]).missed


def test_what_happens_to_a_look_alike_is_no_false_positive_but_its_own_matter():
    score = Score([hidden("a1"), lookalike("b1", "b2")])
    score.note(detection("b1"))
    score.note_action({"account": "b1", "action": "warn"})
    (treated,) = score.treatments
    assert (treated.detections, treated.actions) == ({"p-ladder": 1}, {"warn": 1})
    assert not score.false
    assert not treated.punished
    score.note_action({"account": "b2", "action": "restrict"})
    assert treated.punished, "whichever of its accounts it is"


def test_a_victim_is_punished_by_a_warning_already():
    score = Score([lookalike("b1", wrong=("warn", "restrict", "suspend"))])
    score.note_action({"account": "b1", "action": "credentials.lock"})
    assert not score.treatments[0].punished
    score.note_action({"account": "b1", "action": "warn"})
    assert score.treatments[0].punished


def test_who_acts_aside_is_neither_found_nor_falsely_suspected():
    score = Score([hidden("a1", aside=("c1",)), lookalike("b1", aside=("c2",))])
    for account in ("c1", "c2"):
        score.note(detection(account))
    assert not score.false
    assert score.missed
    assert score.staged == {"a1", "b1", "c1", "c2"}
