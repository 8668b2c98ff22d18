"""One look at a worker: what it serves on `/metrics` now."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S = 2.0
_MAX_BYTES = 8 << 20

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels, in order."""


class NoAddress(ValueError):
    """A text that is not host:port."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one worker said; without an answer `why` tells why, and there are no samples.

    `at` is in seconds, of the clock that was given.
    """

    address: str
    at: float
    samples: Mapping[Series, float] = field(default_factory=dict)
    why: str = ""


def look(
    addresses: Sequence[str],
    *,
    timeout_s: float = TIMEOUT_S,
    clock: Callable[[], float] = time.monotonic,
) -> list[Look]:
    """Look at workers, all at once, so that one that hangs holds up nobody else."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        return list(pool.map(lambda address: _one(address, timeout_s, clock), addresses))


def insist_on_address(address: str) -> None:
    """Raise `NoAddress` unless it is host:port."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise NoAddress(f"{address!r} is not host:port")


def _one(address: str, timeout_s: float, clock: Callable[[], float]) -> Look:
    host, _, port = address.rpartition(":")
    client = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout_s)
    try:
        client.request("GET", "/metrics")
        answer = client.getresponse()
        body = answer.read(_MAX_BYTES)
    except TimeoutError:
        return Look(address, clock(), why=f"no answer within {timeout_s:g} s")
    except (OSError, http.client.HTTPException, OverflowError) as error:
        return Look(address, clock(), why=getattr(error, "strerror", "") or type(error).__name__)
    finally:
        client.close()
    if answer.status != http.client.OK:
        return Look(address, clock(), why=f"answers {answer.status}")
    try:
        samples = {
            (sample.name, tuple(sorted(map(_printable, sample.labels.items())))): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }
    except (ValueError, UnicodeError):
        return Look(address, clock(), why="answers something else than metrics")
    if not any(name == "vigil_build_info" for name, _ in samples):
        return Look(address, clock(), why="is no worker of Vigil's")
    return Look(address, clock(), samples)


def _printable(label: tuple[str, str]) -> tuple[str, str]:
    """A rule's title is anybody's text: it must not steer the reader's terminal."""
    name, value = label
    if not value.isprintable():
        value = "".join(one if one.isprintable() else "�" for one in value)
    return name, value
