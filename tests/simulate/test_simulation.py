from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.cli import main
from streams.engine.memory import MemoryRecord
from streams.signals import Schema
from streams.signals.times import parse_ms
from streams.simulate.campaigns import CAMPAIGNS
from streams.simulate.hiding import PlanTooSmallError
from streams.simulate.lines import ACTIVITY, HITS, REVIEWS, as_json_lines, read, ts_of
from streams.simulate.plan import Plan, UnknownCampaignError, parse_campaigns, parse_lookalikes
from streams.simulate.play import Simulation
from streams.simulate.rhythm import DAY_MS
from streams.simulate.truth import read as read_truth

DECODERS = {topic: Schema().decoder(topic) for topic in (ACTIVITY, HITS, REVIEWS)}

LISTS = ("none", "all", "slow-drip:pace=2", "all:split=2", "all:hop", "slow-drip:accounts=9:pad=3")
GUESTS = (
    "none",
    "busy-agency,researcher,takeover-victim",
    "brigaded-target,family-device,classroom-network,carrier-crowd:accounts=20",
)

plans = st.builds(
    Plan,
    accounts=st.integers(400, 3_000),
    signals=st.integers(8_000, 10_000),
    seed=st.integers(0, 2**40),
    days=st.floats(0.2, 3),
    wanted=st.sampled_from(LISTS).map(parse_campaigns),
    guests=st.sampled_from(GUESTS).map(parse_lookalikes),
)


def lines_of(plan):
    return list(chain.from_iterable(Simulation(plan).chunks()))


@settings(max_examples=8, deadline=None)
@given(plan=plans)
def test_the_same_plan_plays_the_same_bytes_and_hides_the_same_campaigns(plan):
    assert as_json_lines(lines_of(plan)) == as_json_lines(lines_of(plan))
    assert Simulation(plan).truth == Simulation(plan).truth
    assert Simulation(plan).lookalikes == Simulation(plan).lookalikes


def test_another_seed_plays_something_else():
    one, other = (lines_of(Plan(signals=2_000, seed=seed)) for seed in (1, 2))
    assert {line[2] for line in one}.isdisjoint({line[2] for line in other})


@settings(max_examples=8, deadline=None)
@given(plan=plans)
def test_records_are_as_many_as_asked_for_in_order_of_time_with_ids_of_their_own(plan):
    lines = lines_of(plan)
    assert len(lines) == plan.signals
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    ids = Counter(
        DECODERS[topic](MemoryRecord(key.encode(), value.encode(), 0, ts_of(order))).id
        for order, topic, key, value in lines
    )
    assert ids.most_common(1)[0][1] == 1


@settings(max_examples=8, deadline=None)
@given(plan=plans)
def test_the_decoders_refuse_none_and_agree_on_account_and_time(plan):
    for order, topic, key, value in lines_of(plan):
        signal = DECODERS[topic](MemoryRecord(key.encode(), value.encode(), 0, ts_of(order)))
        assert (signal.account, signal.at) == (key, ts_of(order))


@settings(max_examples=8, deadline=None)
@given(plan=plans)
def test_the_truth_names_accounts_that_act_and_times_within_the_simulation(plan):
    simulation = Simulation(plan)
    lines = list(chain.from_iterable(simulation.chunks()))
    acting = {line[2] for line in lines}
    end = plan.begin_ms + plan.minutes * 60_000
    hidden = [*simulation.truth, *simulation.lookalikes]
    named = [account for one in hidden for account in (*one.accounts, *one.aside)]
    assert len(named) == len(set(named)), "no account is in two campaigns"
    assert set(named) <= acting
    assert [one.campaign for one in simulation.truth] == [one.campaign.name for one in plan.wanted]
    assert [one.lookalike for one in simulation.lookalikes] == [
        one.persona.name for one in plan.guests
    ]
    for hidden in simulation.truth:
        started, ended = parse_ms(hidden.started_at), parse_ms(hidden.ended_at)
        assert simulation.begin_ms <= started <= ended < end


def test_no_record_says_who_is_abusive():
    plan = Plan(signals=300_000, wanted=parse_campaigns("all"))
    simulation = Simulation(plan)
    abusive = {one for hidden in simulation.truth for one in (*hidden.accounts, *hidden.aside)}
    values = {"abusive": set(), "benign": set()}
    fields = {"abusive": set(), "benign": set()}
    for order, topic, key, value in chain.from_iterable(simulation.chunks()):
        signal = DECODERS[topic](MemoryRecord(key.encode(), value.encode(), 0, ts_of(order)))
        who = "abusive" if key in abusive else "benign"
        present = {name for name in signal.__struct_fields__ if getattr(signal, name) is not None}
        fields[who] |= {(topic, name) for name in present}
        if topic == ACTIVITY:
            values[who].add(signal.kind)
            assert signal.labels == ()
    only_abusive = fields["abusive"] - fields["benign"]
    assert not only_abusive, "no field gives a campaign away"
    assert values["abusive"] <= values["benign"]


def test_traffic_follows_the_day_and_has_a_heavy_tail():
    lines = lines_of(Plan(accounts=4_000, signals=60_000))
    by_hour = Counter(ts_of(line[0]) % DAY_MS // 3_600_000 for line in lines)
    assert max(by_hour.values()) > 1.5 * min(by_hour.values())
    busiest = sorted(Counter(line[2] for line in lines).values(), reverse=True)
    assert sum(busiest[: len(busiest) // 10]) > 0.3 * len(lines)


def test_devices_and_networks_are_shared_as_households_and_carriers_share_them():
    devices, networks = {}, {}
    for order, topic, key, value in lines_of(Plan(accounts=2_000, signals=40_000)):
        if topic == ACTIVITY:
            record = MemoryRecord(key.encode(), value.encode(), 0, ts_of(order))
            signal = DECODERS[topic](record)
            if signal.device:
                devices.setdefault(signal.device, set()).add(key)
                networks.setdefault(signal.network, set()).add(key)
    most_on_a_device = max(len(accounts) for accounts in devices.values())
    assert 2 <= most_on_a_device <= 3
    sizes = [len(accounts) for accounts in networks.values()]
    assert max(sizes) > 15
    assert sorted(sizes)[len(sizes) // 2] <= 3


def test_a_slow_campaign_gets_thin_days_before_the_full_ones():
    plan = Plan(signals=30_000, wanted=parse_campaigns("slow-drip"))
    simulation = Simulation(plan)
    before = sum(
        ts_of(line[0]) < plan.begin_ms for line in chain.from_iterable(simulation.chunks())
    )
    assert simulation.begin_ms < plan.begin_ms
    assert 0 < before < 0.3 * plan.signals
    (hidden,) = simulation.truth
    assert hidden.detectable
    assert parse_ms(hidden.ended_at) > plan.begin_ms


def test_harmless_traffic_is_the_same_whatever_look_alikes_are_there_beside_it():
    wanted = parse_campaigns("slow-drip")
    without = Plan(signals=20_000, wanted=wanted)
    beside = Plan(signals=40_000, wanted=wanted, guests=parse_lookalikes("researcher"))
    assert Simulation(without).truth == Simulation(beside).truth


def test_unless_they_are_asked_for_as_many_campaigns_are_hidden_as_fit(tmp_path, capsys):
    small = ["simulate", "--signals", "1000", "--accounts", "50", "--truth", str(tmp_path / "t")]
    assert main(small) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1_000
    assert 1 <= len(read_truth(tmp_path / "t")) < len(CAMPAIGNS)
    assert main([*small, "--campaigns", "all"]) == 2
    assert "ask for more than 50 accounts" in capsys.readouterr().err


def test_a_recording_reads_back():
    lines = lines_of(Plan(signals=2_000))
    assert list(read(as_json_lines(lines).splitlines())) == lines


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("refusal-lader", "no campaign 'refusal-lader'; there are: refusal-ladder, "),
        ("slow-drip:pace=0", "pace=X (above 0"),
        ("slow-drip:accounts=many", "accounts=N (1 or more)"),
        ("slow-drip:speed=1", "'speed=1' is no setting of it; write accounts=N"),
        ("slow-drip:hop=2", "'hop=2' is no setting of it"),
        ("refusal-ladder:hop", "hop makes no sense there; its evasions are: pace, split, pad"),
        ("refusal-ladder:pad=-1", "pad=X (harmless records"),
    ],
)
def test_a_campaign_list_that_cannot_be_read_says_what_to_write(text, says):
    with pytest.raises(UnknownCampaignError) as caught:
        parse_campaigns(text)
    assert says in str(caught.value)


def test_a_campaign_may_come_several_times_evading_differently():
    wanted = parse_campaigns("slow-drip:pace=0.5:split=2, slow-drip:accounts=1:hop:pad=3,none")
    assert [(one.campaign.name, one.accounts, one.pace, one.split) for one in wanted] == [
        ("slow-drip", CAMPAIGNS["slow-drip"].actors, 0.5, 2),
        ("slow-drip", 1, 1.0, 1),
    ]
    assert [(one.hop, one.pad) for one in wanted] == [(False, 0.0), (True, 3.0)]


def test_a_setting_that_makes_no_sense_for_some_is_passed_over_for_all():
    assert {one.hop for one in parse_campaigns("all:hop")} == {True, False}


def test_a_look_alike_nobody_knows_is_named():
    with pytest.raises(UnknownCampaignError, match="no look-alike 'busy'; there are: busy-agency"):
        parse_lookalikes("busy")


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(accounts=5, wanted=parse_campaigns("all")), "ask for more than 5 accounts"),
        (Plan(signals=50, wanted=parse_campaigns("all")), "ask for more than 50 signals"),
        (Plan(signals=50, guests=parse_lookalikes("all")), "ask for more than 50 signals"),
    ],
)
def test_a_plan_too_small_for_its_campaigns_is_refused(plan, says):
    with pytest.raises(PlanTooSmallError, match=says):
        Simulation(plan)
