"""The shipped patterns about entities, found from raw signals by both agents together."""

from __future__ import annotations

import pytest

from tests.agents.pair import CATALOGUE, Pair
from tests.patterns.driving import DAY, HOUR, MINUTE, activity, hit, load, refused

FARM = "Account farm on one device"
EVASION = "New account on the device of a confirmed abuser"
RING = "Sharing ring"
CONTAMINATED = "Contaminated data set"
SILENT = "Detector gone silent"
CONFIRMED = {"source": "hash_match", "verdict": "confirmed", "surface": "upload"}


def created(at, account, **fields):
    return activity("account.created", at, account, **fields)


def login(at, account, **fields):
    return activity("login.succeeded", at, account, **fields)


def accounts(found):
    return sorted(one["account"] for one in found)


def farm(count=5, at=0, name="f"):
    return [
        created(at + n * HOUR, f"{name}{n}", id=f"made{name}{n}", device="d1") for n in range(count)
    ]


# What they find


def test_a_farm_is_told_to_each_of_its_accounts_with_the_whole_evidence():
    pair = Pair().feed(*farm())
    found = pair.found(FARM)
    assert accounts(found) == [f"f{n}" for n in range(5)]
    for one in found:
        assert one["entity"] == "device:d1"
        assert one["evidence"] == [f"madef{n}" for n in range(5)]
        assert (one["mode"], one["cause"]) == ("live", 0)
    assert len({one["id"] for one in found}) == 5
    (pattern,) = (pattern for pattern in CATALOGUE.patterns if pattern.title == FARM)
    assert accounts(pair.told) == accounts(found)
    for told, one in zip(pair.told, found, strict=True):
        assert told["account"] == one["account"]
        assert told["id"] != one["id"]
        assert {**told, "id": ""} == {
            "id": "",
            "account": one["account"],
            "at": one["at"],
            "kind": "entity",
            "harm": pattern.block.harm,
            "pattern": pattern.id,
            "version": pattern.version,
            "detection": one["id"],
            "entity": "device:d1",
            "severity": pattern.severity,
            "mode": "live",
        }
    assert pair.enforcement == []


def test_a_new_account_on_an_abusers_device_is_ban_evasion():
    pair = Pair().feed(
        login(0, "bad", device="d1"),
        hit(MINUTE, "bad", device="d1", content_ref="c1", **CONFIRMED),
        created(7 * DAY, "back", device="d1"),
    )
    assert accounts(pair.found(EVASION)) == ["back", "bad"]
    assert all("content_ref" not in one for one in pair.found(EVASION))


def test_a_ring_is_found_by_its_content_and_each_of_it_is_to_be_restricted():
    pair = Pair()
    for number in range(5):
        kind = "content.shared" if number else "upload.created"
        pair.feed(activity(kind, number * HOUR, f"r{number}", content_ref="c1"))
    pair.feed(hit(DAY, "r0", content_ref="c1", category="csem", score=0.9, detector="x"))
    assert accounts(pair.found(RING)) == [f"r{n}" for n in range(5)]
    told = [one for one in pair.told if one["kind"] == "entity"]
    assert {one["action"] for one in told} == {"restrict"}
    assert {one["content_ref"] for one in told} == {"c1"}


def test_a_contaminated_data_set_is_found_whoever_filled_it():
    pair = Pair()
    for number in range(10):
        pair.feed(
            hit(
                number * HOUR,
                f"u{number % 3}",
                source="hash_match",
                verdict="match",
                surface="training_dataset",
                dataset_ref="s1",
                content_ref=f"c{number}",
            )
        )
    assert accounts(pair.found(CONTAMINATED)) == ["u0", "u1", "u2"]
    told = [one for one in pair.told if one["kind"] == "entity"]
    assert {(one["action"], one["dataset_ref"]) for one in told} == {("dataset.quarantine", "s1")}


def test_whoever_joins_a_farm_later_is_told_alone_and_once():
    pair = Pair().feed(*farm(7))
    assert accounts(pair.found(FARM)) == [f"f{n}" for n in range(7)]
    pair.feed(created(8 * HOUR, "f6", device="d1"), created(8 * HOUR, "f0", device="d1"))
    assert len(pair.found(FARM)) == len(pair.told) == 7
    joined = pair.found(FARM)[5:]
    assert [one["account"] for one in joined] == ["f5", "f6"]
    assert [len(one["evidence"]) for one in joined] == [6, 7]
    assert {one["values"]["joined"] for one in joined} == {True}
    assert len({one["id"] for one in pair.detections}) == 7


def test_who_comes_after_the_episode_has_joined_nothing():
    pair = Pair().feed(*farm(), created(30 * HOUR, "late", device="d1"))
    assert accounts(pair.found(FARM)) == [f"f{n}" for n in range(5)]


def test_a_signal_that_arrives_late_joins_as_well():
    pair = Pair().feed(*farm(6), created(4 * HOUR + MINUTE, "late", device="d1"))
    assert "late" in accounts(pair.found(FARM))


def test_each_new_account_on_an_abusers_device_is_ban_evasion():
    pair = Pair().feed(hit(0, "bad", device="d1", **CONFIRMED))
    pair.feed(*(created(day * DAY, f"back{day}", device="d1") for day in (1, 2, 20)))
    assert accounts(pair.found(EVASION)) == ["back1", "back2", "back20", "bad"]


def test_who_was_on_the_device_before_the_abuse_is_not_drawn_in():
    pair = Pair().feed(created(0, "sister", device="d1"), hit(DAY, "bad", device="d1", **CONFIRMED))
    pair.feed(created(2 * DAY, "back", device="d1"), login(3 * DAY, "sister", device="d1"))
    assert accounts(pair.found(EVASION)) == ["back", "bad"]


def test_all_of_a_ring_are_concerned_and_who_shares_on_joins_it():
    def share(at, account):
        return activity("content.shared", at, account, content_ref="c1")

    pair = Pair().feed(*(share(n * HOUR, f"r{n}") for n in range(12)))
    pair.feed(hit(DAY, "r0", content_ref="c1", category="csem", score=0.9))
    assert accounts(pair.found(RING)) == sorted(f"r{n}" for n in range(12))
    pair.feed(share(26 * HOUR, "r12"), share(27 * HOUR, "r5"))
    assert [one["account"] for one in pair.found(RING)[12:]] == ["r12"]


def test_a_detector_that_falls_silent_is_told_and_held_against_nobody():
    pair = Pair().feed(*(hit(n * HOUR, "a1", detector="x1", category="spam") for n in range(5)))
    assert pair.found(SILENT) == []
    pair.until(11 * HOUR)
    (found,) = pair.found(SILENT)
    assert found["entity"] == "detector:x1"
    assert pair.told == []


def test_one_pattern_in_shadow_is_told_to_nobody():
    pair = Pair().feed(
        *(activity("upload.created", n, f"u{n}", content_ref="c1") for n in range(20))
    )
    assert len(pair.found("Uploads in lockstep")) == 20
    assert pair.told == []


# Crowds


def regulars(count, at=0, **where):
    return [login(at + n * MINUTE, f"p{n}", **where) for n in range(count)]


def test_a_farm_in_a_library_is_told_in_shadow_with_the_crowd_and_to_no_account():
    pair = Pair().feed(*regulars(30, device="d1"), *farm(at=HOUR))
    found = pair.found(FARM)
    assert len(found) == 5
    assert {one["mode"] for one in found} == {"shadow"}
    assert {one["values"]["crowd"] for one in found} == {30}
    assert pair.told == []


def test_the_network_of_a_school_drags_nobody_in():
    pair = Pair().feed(*regulars(100, network="n1"))
    pair.feed(*(created(3 * HOUR + n, f"new{n}", network="n1") for n in range(30)))
    found = pair.found("Many accounts made on one network")
    assert found
    assert {one["values"]["crowd"] for one in found} == {100}
    assert pair.told == []


def test_who_joins_a_crowd_is_not_told_at_all():
    pair = Pair().feed(*regulars(30, device="d1"), *farm(20, at=HOUR))
    assert len(pair.found(FARM)) == 5


def test_a_farm_is_no_crowd_however_large_it_is_and_whatever_it_does_next():
    pair = Pair()
    for n in range(60):
        pair.feed(
            created(n * MINUTE, f"f{n}", device="d1"), login(n * MINUTE, f"f{n}", device="d1")
        )
    pair.feed(
        *(login(DAY + n, f"f{n}", device="d1") for n in range(60)), *farm(at=3 * DAY, name="g")
    )
    assert {one["mode"] for one in pair.found(FARM)} == {"live"}


def test_accounts_made_elsewhere_just_before_make_no_crowd_but_older_ones_do():
    def lured(age):
        pair = Pair()
        for n in range(12):
            pair.feed(created(n, f"p{n}", network="n9"))
        pair.feed(*(login(age + n, f"p{n}", device="d1") for n in range(12)))
        return {one["mode"] for one in pair.feed(*farm(at=age + HOUR)).found(FARM)}

    assert lured(2 * DAY) == {"live"}
    assert lured(8 * DAY) == {"shadow"}


def test_a_few_old_accounts_do_not_hide_a_large_farm():
    pair = Pair().feed(*regulars(12, device="d1"))
    pair.feed(*farm(20, at=HOUR), *farm(at=4 * DAY, name="g"))
    modes = [one["mode"] for one in pair.found(FARM)]
    assert modes[:5] == ["shadow"] * 5, "five of seventeen are new"
    assert set(modes[5:]) == {"live"}, "and then most are"


def test_a_family_and_its_device_are_no_crowd_and_no_farm():
    pair = Pair().feed(*regulars(3, device="d1"), created(HOUR, "teen", device="d1"))
    assert pair.found(FARM) == []
    pair.feed(*farm(at=2 * HOUR))
    assert {one["mode"] for one in pair.found(FARM)} == {"live"}


def test_a_suspicion_about_what_everybody_shares_restricts_nobody_until_it_is_confirmed():
    pair = Pair()
    for n in range(200):
        pair.feed(activity("content.shared", n * MINUTE, f"p{n}", content_ref="c1"))
    pair.feed(hit(4 * HOUR, "p7", content_ref="c1", score=0.7))
    assert {one["values"]["crowd"] for one in pair.found(RING)} == {200}
    assert pair.told == []
    pair.feed(hit(10 * DAY, "p8", content_ref="c1", **CONFIRMED))
    assert len([one for one in pair.told if one["kind"] == "content"]) == 200


# Guilt doesn't travel


WATCHED = """
title: Restless after its device was named
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b01
status: stable
correlation:
  type: temporal_ordered
  rules: [named, refused]
  group-by: [account]
  timespan: 7d
vigil: {harm: csam, action: warn}
---
title: Named
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b02
name: named
status: stable
logsource: {product: vigil, service: account-signals}
detection:
  it: {kind: entity, mode: live}
  condition: it
---
title: Refused
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b03
name: refused
status: stable
logsource: {product: vigil, service: activity}
detection:
  it: {kind: prompt.refused}
  condition: it
---
title: Company
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b04
status: stable
correlation:
  type: temporal
  rules: [confirmed, there]
  group-by: [device]
  timespan: 30d
vigil: {harm: csam, action: restrict}
---
title: Confirmed
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b05
name: confirmed
status: stable
logsource: {product: vigil, service: moderation-hits}
detection:
  it: {verdict: confirmed}
  condition: it
---
title: There
id: 6a0d1e8e-6f6e-4b0b-9a38-0f6f3f3d7b06
name: there
status: stable
logsource: {product: vigil, service: activity}
detection:
  it: {kind: [login.succeeded, prompt.refused]}
  condition: it
"""


@pytest.fixture
def chain(tmp_path):
    """a0 on d0, d0 and d1 with a1, d1 and d2 with a2, …: each device has two neighbours on it."""
    pair = Pair(load(tmp_path, WATCHED))
    for number in range(8):
        for device in {max(0, number - 1), number}:
            pair.feed(login(number * MINUTE, f"a{number}", device=f"d{device}"))
    return pair


def test_one_offender_in_a_chain_of_shared_devices_reaches_only_those_who_share_its_own(chain):
    chain.feed(hit(HOUR, "a3", device="d3", **CONFIRMED))
    assert accounts(chain.told) == ["a3", "a4"]
    for round_ in range(3):
        for number in range(8):
            for device in {max(0, number - 1), number}:
                at = 2 * HOUR + round_ * HOUR + number * MINUTE
                chain.feed(refused(at, f"a{number}", device=f"d{device}"))
    assert {one["account"] for one in chain.told} == {"a3", "a4"}
    watched = chain.found("Restless after its device was named")
    assert accounts(watched) == ["a3", "a4"]
    for one in watched:
        (signal,) = (told for told in chain.told if told["account"] == one["account"])
        assert (one["cause"], one["derived"]) == (1, [signal["id"]])
        assert len(one["evidence"]) == 1, "what came in, and nothing derived"
    assert {one["topic"] for one in chain.met} == {"activity", "moderation-hits"}


def test_what_is_derived_is_never_told_on_as_a_meeting(chain):
    before = len(chain.met)
    (offence,) = [hit(HOUR, "a3", device="d3", **CONFIRMED)]
    chain.feed(offence)
    ids = {one["id"] for one in chain.met[before:]}
    assert ids == {offence[1]["id"]}
