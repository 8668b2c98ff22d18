"""The restore job: how fast a fresh worker reads back the state of a million accounts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import msgspec

from streams.bench.agent import ACCOUNT, AGENT, Account
from streams.bench.engine import PARTITIONS, Run
from streams.bench.measure import INPUT_SETTINGS, create_topics, fresh_run, say
from streams.bench.preload import Record, partition_of, preload
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import START_MS, Stream
from streams.bench.vigil_engine import HEADER_BYTES, Vigil

PATIENCE_S = 120.0
_POLL_S = 0.2
_RESTORED = re.compile(r"^restored (\d+) records in ([\d.]+) s$", re.MULTILINE)


def states(run: Run, accounts: int) -> Iterator[Record]:
    """State records as the engine writes them: ids of 36 characters, about 160 bytes each."""
    topic = run.prefix + AGENT.state_topic
    header = ACCOUNT.version.to_bytes(1, "big") + bytes(HEADER_BYTES - 1)
    encode = msgspec.msgpack.Encoder().encode
    for number in range(accounts):
        name = f"{number:036d}"
        times = [START_MS + number + hour * 3_600_000 for hour in range(5)]
        devices = [f"device-{number:07d}-{which}" for which in range(3)]
        key = ACCOUNT.tag + name.encode()
        value = header + encode(Account(number % 100, times, devices))
        # As under a real worker, an account's state lies on the partition of the account.
        yield topic, partition_of(name.encode(), run.partitions), START_MS, key, value


def restore(brokers: str, sizes: Sizes, core: int) -> Iterator[Result]:
    """Accounts per second from the first partition's begin to the last one's end."""
    accounts = sizes.restore_accounts
    with fresh_run(brokers, "restore", Stream(0, accounts), core) as run:
        vigil = Vigil()
        inputs = dict.fromkeys(run.inputs.values(), INPUT_SETTINGS)
        create_topics(brokers, inputs | vigil.topics(run))
        say(f"restore: writing the state of {accounts:,} accounts")
        preload(brokers, states(run, accounts))
        say("restore: starting a worker")
        with vigil.start(run) as process:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                process.check()
                found = parse_restored(process.log.read_text(encoding="utf-8"))
                if len(found) >= PARTITIONS:
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nothing restored within {PATIENCE_S:.0f} s")
                time.sleep(_POLL_S)
            rss_mb = process.rss_mb()
        restored = sum(records for records, _ in found)
        if restored != accounts:
            raise ValueError(f"{restored} of {accounts} state records were restored")
        yield Result(
            job="restore",
            engine="vigil",
            accounts=accounts,
            # All partitions are read at the same time: the slowest one's time is the whole.
            restore_accounts_per_s=restored / max(seconds for _, seconds in found),
            rss_mb=rss_mb,
        )


def parse_restored(log: str) -> list[tuple[int, float]]:
    """(records, seconds) of each partition that `vigil_worker` says it restored."""
    return [(int(records), float(seconds)) for records, seconds in _RESTORED.findall(log)]
