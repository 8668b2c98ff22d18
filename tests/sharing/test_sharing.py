"""What partners tell each other: pseudonyms per partner, opinions, and nobody punished on hearsay.

That last one was seen failing: with the score of a positive opinion at 0.6, and with what comes in
entering as `confirmed` hash matches.
"""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.adapters.dictionary import Dictionary
from streams.adapters.door import Door
from streams.adapters.files import Count, come_in
from streams.adapters.making import Given
from streams.adapters.pseudonyms import Pseudonyms
from streams.agents.team import all_agents
from streams.cli import main
from streams.engine.memory import MemoryDriver
from streams.patterns import load_rules
from streams.recording import Record
from streams.sharing.incoming import incoming, known
from streams.sharing.outgoing import Opinions
from streams.sharing.shared import NEGATIVE, POSITIVE, SEED
from streams.signals import Schema
from streams.signals.records import CATEGORIES
from tests.research.days import day

DAY = 86_400_000
START = 1_767_571_200_000
KEY, OTHER_KEY = b"the key of a partner", b"the key of another one"
SCHEMA = Schema()
CATALOGUE = load_rules(["catalogue"], SCHEMA)
DAYS = [f"2026-01-{number:02}" for number in range(5, 30)]


def decision(id_: str, action: str, account: str = "a1", **more: object) -> Record:
    value = {"id": id_, "account": account, "action": action, "harm": "csam"}
    value |= {"at": "2026-01-07T10:00:00.000+00:00", "detections": [f"of-{id_}"], **more}
    return "enforcement", account.encode(), json.dumps(value).encode(), START


def word(of: str, outcome: str, account: str = "a1", at: int = START) -> Record:
    value = {"id": f"r{of}{at}", "account": account, "at": at, "decision": of}
    value |= {"stage": "first", "outcome": outcome, "reviewer": "lee"}
    return "reviews", account.encode(), json.dumps(value).encode(), at


def told(*records: Record, key: bytes = KEY, categories: tuple[str, ...] = CATEGORIES):
    opinions = Opinions(SCHEMA, categories)
    opinions.add(records)
    return list(opinions.told(Pseudonyms(key)))


def opinion(*records: Record) -> str:
    [signal] = told(*records)
    return signal.opinion


def come(lines: list[dict], partner: str = "acme", accounts: tuple[str, ...] = ("a1",)):
    """The input records of a partner's lines, and how many of these were refused."""
    pseudonyms = Pseudonyms(KEY)
    adapt = incoming(partner, known(accounts, pseudonyms))
    count = Count()
    door = Door(adapt, Given(pseudonyms, Dictionary(), SCHEMA))
    encoded = (json.dumps(line).encode() for line in lines)
    found = [json.loads(line) for line in come_in(encoded, door, _clock, count, _nobody)]
    return found, count


def _clock() -> int:
    return START + 60 * DAY


def _nobody(*_: object) -> None:
    pass


def line(account: str = "a1", **more: object) -> dict:
    signal = {"format": "vigil-shared-1", "account": Pseudonyms(KEY).made("account", account)}
    return signal | {"id": "s1", "category": "csam", "opinion": POSITIVE, "day": DAYS[0], **more}


def decide(records: list[dict]) -> tuple[list[dict], list[dict]]:
    """Detections and enforcement of the whole product, with the shipped catalogue and policy."""
    driver = MemoryDriver(all_agents(CATALOGUE))
    ordered = sorted(records, key=lambda one: one["ts"])
    feed = (
        (one["topic"], one["key"].encode(), json.dumps(one["value"]).encode(), one["ts"])
        for one in ordered
    )
    outputs = [*driver.feed(feed), *driver.advance(START + 400 * DAY)]
    assert not [one for one in outputs if one.topic in ("dead-letters", "reports")]
    by_topic = {
        topic: [json.loads(one.value) for one in outputs if one.topic == topic]
        for topic in ("detections", "enforcement", "proposals")
    }
    return by_topic["detections"], [*by_topic["enforcement"], *by_topic["proposals"]]


def test_opinions_are_what_reviewers_said():
    assert opinion(decision("d1", "warn")) == SEED
    assert opinion(decision("d1", "warn"), word("d1", "upheld")) == POSITIVE
    assert opinion(decision("d1", "warn"), word("of-d1", "upheld")) == POSITIVE
    assert opinion(decision("d1", "warn"), word("d1", "overturned")) == NEGATIVE
    assert opinion(decision("d1", "warn"), decision("u", "undo", undoes="d1")) == NEGATIVE
    later = word("d1", "overturned", at=START + DAY)
    assert opinion(decision("d1", "warn"), word("d1", "upheld"), later) == NEGATIVE
    one_of_two = (decision("d1", "warn"), decision("d2", "restrict"), word("d1", "overturned"))
    assert opinion(*one_of_two) == SEED
    assert opinion(decision("d1", "warn"), word("d1", "upheld", account="a2")) == SEED


def test_the_protected_the_locked_and_customers_of_end_users_are_not_told_of():
    assert told(decision("d1", "suspend"), decision("d2", "protect")) == []
    assert told(decision("d1", "credentials.lock"), decision("d2", "warn")) == []
    assert told(decision("d1", "suspend", end_user="e1")) == []
    assert told(decision("d1", "prevention.message")) == []
    assert told(decision("d1", "suspend"), categories=("spam",)) == []


def test_two_partners_can_not_tell_that_they_were_told_of_the_same_account():
    records = [decision(f"d{number}", "warn", f"account{number}") for number in range(20)]
    one, other = told(*records), told(*records, key=OTHER_KEY)
    assert len(one) == len(other) == 20
    for name in ("id", "account"):
        assert not {getattr(s, name) for s in one} & {getattr(s, name) for s in other}
    assert one == told(*reversed(records))  # but one partner knows it again
    assert not any("account" in signal.account for signal in one)


def test_what_comes_in_is_a_suspicion_with_a_low_score_about_an_account_of_ours():
    [record], count = come([line()])
    assert count.refused == 0
    value = record["value"]
    assert (record["topic"], value["account"]) == ("moderation-hits", "a1")
    assert (value["source"], value["verdict"]) == ("trusted_flagger", "suspected")
    assert value["score"] == 0.5
    assert set(value) == {"id", "account", "at", "source", "category", "verdict", "score"}
    assert come([line("nobody-here")])[0] == []
    assert come([line(opinion=NEGATIVE)])[0] == []
    [again], _ = come([line()])
    assert again == record
    [from_another], _ = come([line()], partner="other")
    assert from_another["value"]["id"] != value["id"]


def test_what_is_not_a_shared_signal_is_refused_and_free_text_is_dropped():
    bad = [
        line(format="v2"), line(day="tomorrow"), line(opinion="guilty"), line(category="bad"),
        line(day="2036-01-01"), line(day="2026-01-05T10:00:00Z, and more"),
    ]  # fmt: skip
    found, count = come(bad)
    assert (found, count.refused) == ([], len(bad))
    [record], _ = come([line(note="free text", verdict="confirmed", source="hash_match")])
    assert "free text" not in json.dumps(record)
    assert record["value"]["verdict"] == "suspected"


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.sampled_from([f"s{number}" for number in range(40)]),
                "category": st.sampled_from(CATEGORIES),
                "opinion": st.sampled_from([POSITIVE, SEED, NEGATIVE]),
                "day": st.sampled_from(DAYS),
                "partner": st.sampled_from(["acme", "other"]),
                "account": st.sampled_from(["a1", "a2"]),
                "source": st.sampled_from(["hash_match", "human"]),
                "verdict": st.just("confirmed"),
                "surface": st.just("upload"),
                "content_ref": st.just("c1"),
            }
        ),
        max_size=40,
    )
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_imported_alone_punishes_nobody(drawn):
    records = []
    for one in drawn:
        partner, account = one.pop("partner"), one.pop("account")
        records += come([line(account, **one)], partner, ("a1", "a2"))[0]
    detections, done = decide(records)
    assert done == []
    assert all(one["pattern"] for one in detections)


def test_a_flood_of_every_opinion_leads_to_a_look_and_to_nothing_else():
    lines = [
        line(account, id=f"{account}.{category}.{day}.{number}", category=category, day=day)
        for account in ("a1", "a2", "a3")
        for category in CATEGORIES
        for day in DAYS
        for number in range(2)
    ]
    records, count = come(lines, accounts=("a1", "a2", "a3"))
    assert count.written == len(lines)
    detections, done = decide(records)
    assert done == []
    titles = Counter(one["title"] for one in detections if one["mode"] == "live")
    assert set(titles) == {"Report that nobody has looked at"}


def test_from_one_platform_to_another_by_the_command_line(tmp_path, capsys):
    key, ours, theirs, decided = (
        tmp_path / name for name in ("key", "day.jsonl", "signals.jsonl", "decided.jsonl")
    )
    key.write_bytes(KEY)
    [account, *_] = day(ours, "refusal-ladder:accounts=2", accounts=100, signals=2000)
    decided.write_text(
        "".join(
            json.dumps({"topic": topic, "key": key_.decode(), "value": json.loads(value), "ts": ts})
            + "\n"
            for topic, key_, value, ts in (
                decision("d1", "warn", account),
                decision("d2", "warn", "somebody-else"),
                decision("d3", "warn", "nobody-looked"),
                word("d1", "upheld", account),
                word("d2", "upheld", "somebody-else"),
            )
        )
    )
    sharing = ["export", "--signals", "--key-file", str(key), str(decided)]
    assert main(sharing) == 2  # shared for what?
    assert "--category" in capsys.readouterr().err
    assert main([*sharing, "--category", "csam"]) == 0
    theirs.write_text(capsys.readouterr().out)
    assert main([*sharing, "--category", "csam", "--unreviewed"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert account not in theirs.read_text()
    assert "somebody-else" not in theirs.read_text()
    taking = ["import", str(theirs), "--partner", "acme", "--accounts", str(ours)]
    assert main(taking) == 2
    assert "VIGIL_SHARE_KEY" in capsys.readouterr().err
    assert main([*taking, "--key-file", str(key)]) == 0
    out = capsys.readouterr()
    [record] = [json.loads(text) for text in out.out.splitlines()]
    assert record["key"] == account
    assert "2 read, 1 written, 1 without meaning" in out.err
    theirs.write_text('{"free": "text"}\n')
    assert main([*taking, "--key-file", str(key)]) == 1
    err = capsys.readouterr().err
    assert "vigil import:" in err
    assert "text" not in err
