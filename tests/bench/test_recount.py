"""The truth the engines' committed results are held against, and its verdicts."""

import msgspec
import pytest

from streams.bench.agent import ACCOUNT, AGENT
from streams.bench.engine import WrongResult, check_counts, check_decisions, check_states
from streams.bench.peers import faust_peer, kafka_streams_peer
from streams.bench.stream import (
    ACTIVITY,
    HITS,
    AccountState,
    Recount,
    Stream,
    account_id,
    encode,
    recount,
)
from streams.bench.vigil_engine import decode_state
from streams.engine.memory import MemoryDriver

STREAM = Stream(signals=4_000, accounts=400)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    def first(stream):
        return [encode(signal) for signal in stream]

    assert first(STREAM) == first(Stream(4_000, 400))
    assert first(STREAM) != first(Stream(4_000, 400, seed=8))


def test_signals_have_the_size_the_peer_table_is_about():
    sizes = [len(encode(signal)) for signal in STREAM]
    assert sum(sizes) / len(sizes) == pytest.approx(139, abs=1)


def test_about_every_second_hit_decides_however_many_accounts_there_are():
    for accounts in (100, 1_000):
        signals = accounts * 20
        truth = recount(Stream(signals, accounts))
        assert 0.3 < len(truth.decisions) / (signals / 50) < 0.8


def test_the_vigil_agent_in_memory_comes_to_the_recount():
    driver = MemoryDriver([AGENT])
    records = (
        (HITS if signal[4] else ACTIVITY, account_id(signal[1]).encode(), encode(signal), signal[2])
        for signal in STREAM
    )
    decisions = [msgspec.json.decode(output.value)["id"] for output in driver.feed(records)]
    truth = recount(STREAM)
    check_decisions("vigil", decisions, truth)
    driver.processors[0].checkpoint()
    states = dict(
        decode_state(key, value)
        for key, value in driver.processors[0].store.items()
        if key.startswith(ACCOUNT.tag)
    )
    check_states("vigil", states, truth)


TRUTH = Recount({"a1": AccountState(2, [1, 2], ["d1"])}, {"s1", "s2"})


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"a1": AccountState(3, [1, 2], ["d1"])},
        {"a1": AccountState(2, [2, 1], ["d1"])},
        {"a1": AccountState(2, [1, 2], ["d1"]), "a2": AccountState(1, [1], [])},
    ],
)
def test_wrong_states_are_refused(found):
    with pytest.raises(WrongResult):
        check_states("engine", found, TRUTH)


def test_counts_alone_may_come_in_any_order_but_must_be_right():
    check_counts("engine", {"a1": AccountState(2, [2, 1], [])}, TRUTH)
    with pytest.raises(WrongResult):
        check_counts("engine", {"a1": AccountState(1, [1], ["d1"])}, TRUTH)


@pytest.mark.parametrize("found", [["s1"], ["s1", "s2", "s2"], ["s1", "s2", "s3"]])
def test_missing_doubled_and_superfluous_decisions_are_refused(found):
    with pytest.raises(WrongResult):
        check_decisions("engine", found, TRUTH)


def test_disorder_never_excuses_a_doubled_decision():
    check_decisions("engine", ["s1"], TRUTH, disorder=0.5)
    with pytest.raises(WrongResult):
        check_decisions("engine", ["s1", "s1"], TRUTH, disorder=1.0)


def test_the_peers_changelogs_are_read_as_they_are_written():
    java = (
        b"\x00\x00\x00\x07\x02"
        + (1_790_000_000_000).to_bytes(8, "big")
        + (1_790_000_000_001).to_bytes(8, "big")
        + b"\x02\x02d1\x03d22"
    )
    state = AccountState(7, [1_790_000_000_000, 1_790_000_000_001], ["d1", "d22"])
    assert kafka_streams_peer.decode_state(b"a1", java) == ("a1", state)
    packed = msgspec.msgpack.encode((7, state.times, state.devices))
    assert faust_peer.decode_state(b"a1", packed) == ("a1", state)
