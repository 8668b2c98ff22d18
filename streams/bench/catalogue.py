"""The catalogue job: what the product does per CPU-second, and what it keeps per account."""

from __future__ import annotations

import itertools
import re
import time
import urllib.request
from collections.abc import Iterator, Sequence

import msgspec

from streams.bench import product
from streams.bench.committed import read_committed
from streams.bench.engine import Run, WrongResult
from streams.bench.measure import STALLED_S, fresh_run, say
from streams.bench.progress import GroupProgress, rate_between, watch
from streams.bench.results import Result
from streams.bench.sizes import Sizes
from streams.bench.stream import Stream
from streams.engine.memory import MemoryDriver

ID_CHARS = 36
"""The length of an account's id DESIGN.md words the memory promise for."""

METRICS_ADDRESS = re.compile(r"http://\S+/metrics")
SCRAPE_EVERY_S = 1.0
"""Making the text of the metrics costs the worker a few milliseconds: not more often."""
SCRAPE_TIMEOUT_S = 10.0
_HANDLED = re.compile(
    rf'^vigil_signals_total\{{agent="accounts",topic="(?:{"|".join(product.INPUTS)})"\}} (\S+)$',
    re.MULTILINE,
)


class _Detection(msgspec.Struct):
    id: str
    pattern: str
    entity: str | None = None

    @property
    def name(self) -> str:
        """What is the same live and in a replay.

        In what order accounts of several partitions get to an entity is nobody's promise, and so
        which of them are in the evidence; that something is found about the entity is.
        """
        return f"{self.pattern} {self.entity}" if self.entity else self.id


class ProductProgress(GroupProgress):
    """Commits as the broker knows them, every two seconds; what is handled from `/metrics`."""

    def __init__(self, run: Run, topics: Sequence[str]) -> None:
        super().__init__(run.brokers, product.group(run), topics)
        self._log = product.log_of(run)

    def handled(self) -> int:
        """The sum of the worker's counters of handled signals; 0 until it serves them."""
        address = METRICS_ADDRESS.search(self._log.read_text(encoding="utf-8"))
        if address is None:
            return 0
        with urllib.request.urlopen(address[0], timeout=SCRAPE_TIMEOUT_S) as answer:  # noqa: S310 - it says http
            return parse_handled(answer.read().decode())


def parse_handled(metrics: str) -> int:
    """The signals that came in and were handled; what agents tell each other comes on top."""
    return sum(int(float(value)) for value in _HANDLED.findall(metrics))


def catalogue(brokers: str, sizes: Sizes, core: int) -> Iterator[Result]:
    """Signals per CPU-second through the shipped patterns; detections equal a replay's."""
    signals, accounts = sizes.catalogue_signals, sizes.accounts
    patterns = product.number_of_patterns()
    with fresh_run(brokers, "catalogue", Stream(signals, accounts), core) as run:
        loaded = product.preload_simulated(run, "catalogue")
        topics = tuple(run.prefix + name for name in product.INPUTS)
        progress = ProductProgress(run, topics)
        try:
            say("catalogue: running")
            with product.start_worker(run) as process:
                samples = watch(
                    progress, process, until=loaded, stalled_s=STALLED_S, every_s=SCRAPE_EVERY_S
                )
        finally:
            progress.close()
        say("catalogue: committed; replaying to compare")
        check_detections(run, signals, accounts)
        rate = rate_between(samples, 0, loaded)
        yield Result(
            job="catalogue",
            engine="vigil",
            signals=rate.signals,
            accounts=accounts,
            signals_per_s=rate.per_s,
            signals_per_cpu_s=rate.per_cpu_s,
            rss_mb=max(sample.rss_mb for sample in samples),
            patterns=patterns,
        )
        sizes_found = account_sizes(run)
        if sizes_found:
            yield Result(
                job="memory",
                engine="vigil",
                signals=loaded,
                accounts=len(sizes_found),
                bytes_per_account=sum(sizes_found) / len(sizes_found),
                rss_mb=samples[-1].rss_mb,
                patterns=patterns,
            )


def check_detections(run: Run, signals: int, accounts: int) -> None:
    """Raise `WrongResult` unless the committed detections are a replay's, each exactly once.

    What still waits when the recording ends (`unless`) is told once the worker is idle for long
    enough: it may be among them, or not yet.
    """
    found: list[_Detection] = []
    decode = msgspec.json.Decoder(_Detection).decode

    def visit(_key: bytes | None, value: bytes | None, _timestamp: int) -> None:
        if value is not None:
            found.append(decode(value))

    read_committed(run.brokers, run.prefix + "detections", visit)
    driver = MemoryDriver(product.shipped_agents())
    lines = product.simulated(signals, accounts)
    wanted, waiting = (
        {decode(output.value).name for output in outputs if output.topic == "detections"}
        for outputs in (driver.feed(lines), driver.advance(int(time.time() * 1000)))
    )
    ids, names = {one.id for one in found}, {one.name for one in found}
    if len(ids) < len(found) or not wanted <= names <= wanted | waiting:
        raise WrongResult(
            f"catalogue: {len(found)} detections committed, {len(names & wanted)} of them "
            f"among the {len(wanted)} of a replay, after which {len(waiting)} still waited"
        )
    say(f"catalogue: {len(found)} detections, the same as a replay's")


def account_sizes(run: Run) -> list[float]:
    """Encoded bytes (keys and values) of each account that has no open window.

    The simulator's ids are shorter than `ID_CHARS`; what is missing is added to each key.
    """
    newest: dict[bytes, bytes] = {}

    def visit(key: bytes | None, value: bytes | None, _timestamp: int) -> None:
        if key is None:
            return
        if value is None:
            newest.pop(key, None)
        else:
            newest[key] = value

    read_committed(run.brokers, run.prefix + "accounts-state", visit)
    # Keys are a tag byte, the account and, after a NUL, a sub-key; without a sub-key it is the
    # account's home record.
    by_account = itertools.groupby(
        sorted((key[1:].partition(b"\0")[0], key) for key in newest if key[:1] != b"O"),
        key=lambda pair: pair[0],
    )
    found = []
    for account, pairs in by_account:
        keys = [key for _, key in pairs]
        if any(b"\0" in key for key in keys):
            continue
        missing = ID_CHARS - len(account)
        found.append(float(sum(len(key) + len(newest[key]) + missing for key in keys)))
    return found
