"""A short simulated day, cut in two, and the state it had left in between: as it was recorded.

    python -m tests.upgrades.recorded_day

records it anew in `recorded/`, and the shapes of today's records in `shapes.txt`. That is for after
a release: what lies there is the state of the version before, and the test is that today's code
goes on from it. Rules and policy are part of the recording, so that the catalogue may change.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from streams import __version__
from streams.agents.contract import NEVER, Agent
from streams.agents.entity_state import ENTITY, REMOVAL, EntityRecord, Removal
from streams.agents.governor_state import UNDO, VERSION, Undo, VersionRecord
from streams.agents.team import all_agents
from streams.engine.memory import MemoryDriver
from streams.engine.outbox import Output
from streams.engine.store import Store
from streams.patterns import RuleFile, load_files, read_files
from streams.policy.reading import DEFAULT
from streams.recording import Record
from streams.signals import Schema
from streams.signals.times import format_ms
from streams.simulate.lines import ts_of
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation
from tests.upgrades import shapes

FOLDER = Path(__file__).with_name("recorded")
"""`rules.json.gz`: file → text. `before` and `after.jsonl.gz`: signals as in every recording.
`state.jsonl.gz`: the records of the state topics after `before`. `VERSION`: who wrote them."""

CAMPAIGNS = (
    "refusal-ladder",
    "slow-drip",
    "confirmed-hash-match",
    "dataset-contamination",
    "sharing-ring:accounts=12",
    "account-farm-device",
    "api-end-user-abuse",
    "unreviewed-report",
    "brigaded-reports",
    "sextortion-sequence",
    "threshold-probing",
)
HOUR_MS = 3_600_000
AFTERWARDS_MS = 400 * 24 * HOUR_MS


class Kept(msgspec.Struct):
    """A record of a state topic."""

    agent: str
    key: bytes
    value: bytes


def agents() -> list[Agent]:
    """The three agents under the recorded rules."""
    return _agents(json.loads(_read("rules.json.gz")))


def signals(part: str) -> list[Record]:
    """The signals `before` or `after` the cut."""
    lines = map(json.loads, _read(f"{part}.jsonl.gz").splitlines())
    return [
        (one["topic"], one["key"].encode(), json.dumps(one["value"]).encode(), one["ts"])
        for one in lines
    ]


def state() -> Iterator[Kept]:
    """What was in the state topics at the cut."""
    return map(msgspec.json.Decoder(Kept).decode, _read("state.jsonl.gz").splitlines())


def go_on(driver: MemoryDriver) -> list[Output]:
    """Everything that is decided after the cut, also by time alone."""
    after = signals("after")
    return [*driver.feed(after), *driver.advance(after[-1][3] + AFTERWARDS_MS)]


def put_under_way(stores: dict[str, Store], now: int) -> None:
    """As in the middle of what takes many steps, and so more signals than a short day has.

    A removal goes in steps of 500 holders, an undo in steps of 200 actions. Afterwards the stores
    hold everything as a checkpoint writes it.
    """
    entities, governor = stores["entities"], stores["governor"]
    for store in stores.values():
        store.savepoint()
    confirmed = next(
        key for key, record in _all(entities, ENTITY.tag, EntityRecord) if record.confirmed
    )
    entities.put(REMOVAL, confirmed, Removal(now + 50, 1), NEVER)
    full, record = max(_all(governor, VERSION.tag, VersionRecord), key=lambda one: one[1].standing)
    pattern, version = full.split("\0")
    undo = Undo(version, record.granted, now, "rv-1", due=now + 100, bucket=1)
    governor.put(UNDO, pattern, undo, NEVER, "undo-1")
    for store in stores.values():
        store.savepoint()


def _all(store: Store, tag: bytes, struct: type[Any]) -> Iterator[tuple[str, Any]]:
    for full, data in sorted(store.items()):
        if full[:1] == tag:
            yield full[1:].decode(), msgspec.msgpack.decode(data[5:], type=struct)


def record() -> None:
    """Record everything anew. Raises ValueError for a shape that changed under its version."""
    rules = _rules()
    team = _agents(rules)
    shapes.keep(shapes.today(team))
    plan = Plan(signals=2_500, accounts=90, seed=5, wanted=parse_campaigns(",".join(CAMPAIGNS)))
    day = [
        (topic, key.encode(), value.encode(), ts_of(order))
        for order, topic, key, value in chain.from_iterable(Simulation(plan).chunks())
    ]
    cut = len(day) * 2 // 3
    now = day[cut][3]
    before, after = [*day[:cut], *_ring(now)], day[cut:]
    driver = MemoryDriver(team)
    said = list(driver.feed(before))
    first, second = _people(said, now)
    said += driver.feed(first)
    stores = {one.agent.name: one.store for one in driver.processors}
    put_under_way(stores, now)
    lines = [
        msgspec.json.encode(Kept(agent, full, data))
        for agent, store in stores.items()
        for full, data in sorted(store.items())
    ]
    FOLDER.mkdir(exist_ok=True)
    _write("rules.json.gz", [json.dumps(rules).encode()])
    _write("state.jsonl.gz", lines)
    _write("before.jsonl.gz", map(_line, before + first))
    _write("after.jsonl.gz", map(_line, sorted(after + second, key=lambda one: one[3])))
    (FOLDER / "VERSION").write_text(f"{__version__}\n")


def _rules() -> dict[str, str]:
    """The shipped rules with little budget, so that something is held, and the shipped policy."""
    files, _ = read_files(["catalogue"])
    texts = {Path(file.name).name: file.contents.decode() for file in files}
    tight = {name: re.sub(r"budget: \d+", "budget: 1", text) for name, text in texts.items()}
    return tight | {"policy.toml": DEFAULT.read_text()}


def _agents(rules: dict[str, str]) -> list[Agent]:
    files = [RuleFile(name, name, text.encode()) for name, text in rules.items()]
    return all_agents(load_files(files, Schema()))


def _ring(now: int) -> list[Record]:
    """More accounts share one content than stand in its record; then it is confirmed."""
    holders = [f"holder{number}" for number in range(12)]
    shared = [
        _record("activity", "account", now, id=f"s-{one}", account=one, kind="content.shared",
                content_ref="c-ring")
        for one in holders
    ]  # fmt: skip
    hit = _record("moderation-hits", "account", now, id="h-ring", account=holders[0],
                  source="hash_match", category="csam", verdict="confirmed", surface="upload",
                  content_ref="c-ring")  # fmt: skip
    return [*shared, hit]


def _people(said: list[Output], now: int) -> tuple[list[Record], list[Record]]:
    """What people do about what was decided: some of it before the cut, some of it after."""
    values = [(one.topic, msgspec.json.decode(one.value)) for one in said]
    done = [one for topic, one in values if topic == "enforcement"]
    held = [one for topic, one in values if topic == "review-queue" and one["reason"] == "held"]
    reviews: list[Record] = []
    for number, one in enumerate(done):
        outcome = "overturned" if number % 5 == 0 else "upheld"
        at = now + number
        reviews.append(
            _record("reviews", "account", at, id=f"rv{number}", account=one["account"],
                    decision=one["id"], stage="first", outcome=outcome, reviewer="rv-1")
        )  # fmt: skip
    orders = [
        _record("pattern-commands", "pattern", now + HOUR_MS + number, id=f"pc{number}",
                pattern=one["pattern"], kind="void" if number % 2 else "release",
                target=one["proposal"], reviewer="rv-2", reason="reviewed")
        for number, one in enumerate(held)
    ]  # fmt: skip
    half = len(reviews) // 2
    later = [(topic, key, value, ts + HOUR_MS) for topic, key, value, ts in reviews[half:]]
    return reviews[:half], later + orders


def _record(topic: str, key: str, at: int, **fields: str) -> Record:
    value = fields | {"at": format_ms(at)}
    return topic, value[key].encode(), json.dumps(value).encode(), at


def _line(record: Record) -> bytes:
    topic, key, value, ts = record
    assert key is not None
    assert value is not None
    line = {"topic": topic, "key": key.decode(), "value": json.loads(value), "ts": ts}
    return json.dumps(line).encode()


def _read(name: str) -> bytes:
    return gzip.decompress((FOLDER / name).read_bytes())


def _write(name: str, lines: Any) -> None:
    # Without the time, so that the same is the same.
    (FOLDER / name).write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0))


if __name__ == "__main__":
    record()
