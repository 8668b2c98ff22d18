"""Look-alikes have the signs of abuse they are there for, and truth files tell them apart."""

from collections import defaultdict
from itertools import chain

import pytest
from msgspec import json

from streams.signals.times import parse_ms
from streams.simulate.personas import PERSONAS
from streams.simulate.plan import Plan, parse_campaigns, parse_lookalikes
from streams.simulate.play import Simulation
from streams.simulate.truth import Hidden, Lookalike, UnreadableTruthError, read, write


def lived(name):
    """A persona's truth, and its records by account: (topic, value)."""
    simulation = Simulation(Plan(signals=60_000, accounts=300, guests=parse_lookalikes(name)))
    (lookalike,) = simulation.lookalikes
    records = defaultdict(list)
    for _, topic, key, value in chain.from_iterable(simulation.chunks()):
        records[key].append((topic, json.decode(value)))
    return lookalike, records


def values(records, field, *, topic=None):
    return {value[field] for where, value in records if field in value and topic in (None, where)}


def count(records, **wanted):
    return sum(all(value.get(k) == v for k, v in wanted.items()) for _, value in records)


@pytest.mark.parametrize("name", PERSONAS)
def test_every_account_of_a_look_alike_lives_beside_harmless_traffic(name):
    lookalike, records = lived(name)
    assert len(lookalike.accounts) >= 1
    assert all(records[account] for account in lookalike.accounts)
    assert set(lookalike.wrong) >= {"restrict", "suspend"}
    world = {account for account in records if account not in lookalike.accounts}
    assert world, "there is harmless traffic beside it"


def test_a_busy_agency_is_one_account_on_many_devices_refused_often():
    lookalike, records = lived("busy-agency")
    (account,) = lookalike.accounts
    assert len(records[account]) > 1_000
    assert len(values(records[account], "device")) == 12
    assert count(records[account], kind="prompt.refused") > 10


def test_a_family_shares_a_device_and_a_teenager_is_among_them():
    lookalike, records = lived("family-device")
    mine = [records[account] for account in lookalike.accounts]
    assert len(set.union(*(values(one, "device") for one in mine))) == 1
    assert "teen" in set.union(*(values(one, "peer_age_band") for one in mine))
    assert sum(count(one, kind="account.created") for one in mine) == 4


def test_a_class_makes_its_accounts_within_an_hour_on_one_network():
    lookalike, records = lived("classroom-network")
    made = [
        value
        for account in lookalike.accounts
        for _, value in records[account]
        if value.get("kind") == "account.created"
    ]
    assert len(made) == 30
    assert len({value["network"] for value in made}) == 1
    times = [parse_ms(value["at"]) for value in made]
    assert max(times) - min(times) < 3_600_000
    assert (
        sum(count(records[account], kind="prompt.refused") for account in lookalike.accounts) > 10
    )


def test_a_researcher_stays_near_the_threshold_and_is_cleared():
    lookalike, records = lived("researcher")
    (account,) = lookalike.accounts
    near = [value["score"] for _, value in records[account] if value.get("category") == "csam"]
    assert len(near) >= 12
    assert all(0.45 <= score < 0.6 for score in near)
    assert count(records[account], outcome="overturned") >= 4


def test_a_takeover_victims_hits_come_from_a_device_that_is_not_theirs():
    lookalike, records = lived("takeover-victim")
    assert "warn" in lookalike.wrong
    for account in lookalike.accounts:
        mine = records[account]
        kinds = [value.get("kind") for _, value in mine]
        assert kinds.count("login.failed") >= 4
        first_hit = next(n for n, (_, value) in enumerate(mine) if value.get("category") == "csam")
        assert "credentials.changed" in kinds[:first_hit]
        assert "appeal.filed" in kinds[first_hit:]
        theirs = values(mine[:10], "device")
        assert not theirs & values([one for one in mine if "category" in one[1]], "device")


def test_a_carriers_crowd_is_thousands_on_one_network():
    lookalike, records = lived("carrier-crowd")
    networks = [values(records[account], "network") for account in lookalike.accounts]
    assert len(networks) == 2_000
    assert len(set.union(*networks)) == 1


def test_popular_content_is_one_reference_over_many_accounts_and_doubted_once():
    lookalike, records = lived("popular-content")
    held = [values(records[account], "content_ref") for account in lookalike.accounts]
    assert len(set.intersection(*held)) == 1
    (content,) = set.intersection(*held)
    hits = [
        value
        for account in lookalike.accounts
        for topic, value in records[account]
        if topic == "moderation-hits" and value.get("content_ref") == content
    ]
    assert [value["score"] < 0.6 for value in hits] == [True]


def test_a_brigaded_target_is_reported_by_fresh_accounts_of_one_device():
    lookalike, records = lived("brigaded-target")
    assert "warn" in lookalike.wrong
    for account in lookalike.accounts:
        reporters = values(records[account], "reporter")
        crowd = reporters & set(lookalike.aside)
        assert len(crowd) == 14
        assert len(set.union(*(values(records[one], "device") for one in crowd))) == 1
        assert all(count(records[one], kind="account.created") == 1 for one in crowd)


def test_a_truth_file_tells_campaigns_and_look_alikes_apart(tmp_path):
    wanted = parse_campaigns("slow-drip:split=2:pad=1,brigaded-reports")
    guests = parse_lookalikes("brigaded-target,family-device")
    simulation = Simulation(Plan(wanted=wanted, guests=guests))
    truth = [*simulation.truth, *simulation.lookalikes]
    path = tmp_path / "truth.jsonl"
    write(path, truth)
    assert read(path) == truth
    assert [type(one) for one in read(path)] == [Hidden, Hidden, Lookalike, Lookalike]
    assert simulation.truth[0].evasion == "split=2:pad=1"


def test_a_line_that_is_no_truth_is_named(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text('{"type":"campaign"}\n')
    with pytest.raises(UnreadableTruthError, match=r"truth\.jsonl:1: not a line of ground truth"):
        read(path)
