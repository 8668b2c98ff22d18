from streams.tap.follow import Wanted
from streams.tap.show import brief, duration, line, redacted

DETECTION = {
    "id": "6wdg4qw6av5b25t7wnhjzgsl5y",
    "pattern": "3b1fab72-4adc-477b-9181-826082fa98ed",
    "title": "Refusal ladder",
    "mode": "live",
    "severity": "medium",
    "account": "aea956ffe6c466a7c3da3daad",
    "at": "2026-01-05T21:59:27.554Z",
    "window": {"start": "2026-01-05T21:52:00.401Z", "end": "2026-01-05T21:59:27.554Z"},
    "evidence": ["e1", "e2", "e3", "e4", "e5"],
    "values": {"event_count": 5, "threshold": 5},
}


def test_a_detection_tells_when_how_bad_what_who_why_and_on_what():
    assert line("detections", DETECTION).plain == (
        "01-05 21:59:27  MEDIUM    Refusal ladder  aea956ffe6c466a7c3da3daad"
        "  event_count 5 of 5 in 7 min 27 s  5 signals of evidence"
    )


def test_a_shadow_detection_of_an_entity_says_so():
    text = line("detections", DETECTION | {"mode": "shadow", "entity": "device:d42"}).plain
    assert "Refusal ladder (shadow)" in text
    assert "via device:d42" in text


def test_a_condition_in_words_a_wait_and_a_cap_are_told_in_words():
    words = {"rules": 2, "condition": "a and b and not c"}
    assert "rules 2 in 7 min 27 s" in line("detections", DETECTION | {"values": words}).plain
    waited = line("detections", DETECTION | {"values": {"waited_s": 7200}}).plain
    assert "nothing followed for 2 h 0 min" in waited
    capped = {"value_sum": 4.5, "threshold": 4, "capped": True}
    text = line("detections", DETECTION | {"values": capped, "retracts": "x"}).plain
    assert "(taken back)" in text
    assert "value_sum 4.5 of 4 in 7 min 27 s (capped)" in text


def test_an_enforcement_tells_what_to_do_to_whom_until_when():
    value = {
        "account": "a1",
        "action": "warn",
        "severity": "high",
        "at": "2026-01-05T21:59:27.554Z",
        "expires_at": "2026-02-05T21:59:27.554Z",
        "detections": ["x"],
    }
    assert line("enforcement", value).plain == (
        "01-05 21:59:27  HIGH      warn                a1  until 02-05 21:59:27  on 1 detection"
    )


def test_a_dead_letter_tells_its_address_and_reason_and_nothing_else_even_if_there_were():
    value = {
        "topic": "activity",
        "partition": 3,
        "offset": 17,
        "reason": "unknown_field",
        "fields": ["?"],
        "at": "2026-01-05T21:59:27.554Z",
        "payload": "secret words",
    }
    text = line("dead-letters", value).plain
    assert text == "01-05 21:59:27  REFUSED   unknown_field (?)  activity/3 offset 17"
    assert "payload" not in redacted("dead-letters", value)
    assert redacted("detections", DETECTION) == DETECTION


def test_control_characters_of_a_title_do_not_reach_the_terminal():
    text = line("detections", DETECTION | {"title": "Refusal\x1b[2J\x07 ladder"}).plain
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_brief_line_has_columns_and_a_note():
    assert brief(DETECTION, ("refusal-ladder", "green")).plain == (
        "01-05 21:59:27  MEDIUM    Refusal ladder                 aea956ffe…"
        "  refusal-ladder           5 of 5 in 7 min 27 s"
    )


def test_wanted_matches_account_and_pattern_by_id_or_part_of_the_title():
    assert Wanted()(DETECTION)
    assert Wanted(account=DETECTION["account"])(DETECTION)
    assert not Wanted(account="a1")(DETECTION)
    assert Wanted(pattern=DETECTION["pattern"])(DETECTION)
    assert Wanted(pattern="LADDER")(DETECTION)
    assert not Wanted(pattern="drip")(DETECTION)


def test_durations_are_written_with_their_two_largest_units():
    second, minute, hour, day = 1_000, 60_000, 3_600_000, 86_400_000
    assert duration(0) == "0 s"
    assert duration(4 * second) == "4 s"
    assert duration(12 * minute + 5 * second) == "12 min 5 s"
    assert duration(3 * hour + 20 * minute + second) == "3 h 20 min"
    assert duration(7 * day + 4 * hour + minute) == "7 d 4 h"
