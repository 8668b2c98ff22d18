"""The same-job on stock Faust: an agent, its Table with changelog, a topic it sends to.

Run as ``python -m streams.bench.peers.faust_worker BROKERS APP ACTIVITY HITS DECISIONS DIR``.
As fast as stock Faust lets it be: raw serialisers and msgspec instead of Faust's own codecs, no
web server, no broker-side checks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import faust
import msgspec

from streams.bench.engine import COMMIT_EVERY_S, PARTITIONS
from streams.bench.stream import LAST, WITHIN_MS, remember_device


class Signal(msgspec.Struct, forbid_unknown_fields=True):
    """One signal as it stands on the wire, activity or hit."""

    id: str
    account: str
    at: int
    device: str
    kind: str = ""
    surface: str = ""
    model: str = ""
    source: str = ""
    category: str = ""
    verdict: str = ""


class Account(msgspec.Struct, array_like=True):
    """The Table's value, as msgpack."""

    count: int
    times: list[int]
    devices: list[str]


class Decision(msgspec.Struct):
    """What the agent sends on a hit after five signals within 24 h."""

    id: str
    account: str
    at: int
    count: int


def build(arguments: Sequence[str]) -> faust.App:
    """The application, ready to be run by a `faust.Worker`; `arguments` as on the command line."""
    brokers, name, activity, hits, decisions, directory = arguments
    app = faust.App(
        name,
        broker=f"kafka://{brokers}",
        store="memory://",
        datadir=directory,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        broker_commit_interval=COMMIT_EVERY_S,
        topic_disable_leader=True,
    )
    source = app.topic(activity, hits, key_type=bytes, value_type=bytes)
    sink = app.topic(decisions, key_type=bytes, value_type=bytes)
    accounts = app.Table("accounts", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
    decode_signal = msgspec.json.Decoder(Signal).decode
    decode_account = msgspec.msgpack.Decoder(Account).decode
    encode_account = msgspec.msgpack.Encoder().encode
    encode_decision = msgspec.json.Encoder().encode

    @app.agent(source)
    async def decide(stream: faust.StreamT[Any]) -> None:
        async for key, value in stream.items():
            signal = decode_signal(value)
            stored = accounts.get(key)
            account = decode_account(stored) if stored else Account(0, [], [])
            account.count += 1
            times = account.times
            times.append(signal.at)
            if len(times) > LAST:
                del times[0]
            remember_device(account.devices, signal.device)
            accounts[key] = encode_account(account)
            if signal.verdict and len(times) == LAST and signal.at - times[0] <= WITHIN_MS:
                decision = Decision(signal.id, signal.account, signal.at, account.count)
                await sink.send(key=key, value=encode_decision(decision))

    return app


if __name__ == "__main__":
    faust.Worker(build(sys.argv[1:]), loglevel="warning").execute_from_commandline()
