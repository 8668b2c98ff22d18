"""The same-job's traffic, and the job itself written down once, as the recount every engine faces.

The job, per signal: decode it, count it for its account, keep the account's last `LAST` times and
its `NEWEST` newest devices; when the signal is a hit and the last five times lie within 24 h,
decide. Traffic is uniform over the accounts, which is the hardest case for a state cache, and the
time between signals scales with the number of accounts, so that about every second hit decides
whether there are ten thousand accounts or a million.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ACTIVITY = "activity"
HITS = "moderation-hits"

LAST = 5
NEWEST = 3
WITHIN_MS = 24 * 3_600_000

START_MS = 1_790_000_000_000
GAP_PER_ACCOUNT_MS = 6 * 3_600_000
SIGNALS_PER_HIT = 50
DEVICES_PER_ACCOUNT = 5

Signal = tuple[int, int, int, int, bool]
"""(number, account number, at in ms, device number, is a hit)."""


@dataclass(frozen=True, slots=True)
class Stream:
    """`signals` signals over `accounts` accounts; the same `seed` gives the same bytes."""

    signals: int
    accounts: int
    seed: int = 7

    def __iter__(self) -> Iterator[Signal]:
        uniform = random.Random(self.seed).random
        accounts = self.accounts
        step_ms = GAP_PER_ACCOUNT_MS / accounts
        for number in range(self.signals):
            draw = uniform() * accounts
            account = int(draw)
            device = int((draw - account) * DEVICES_PER_ACCOUNT)
            at_ms = START_MS + int(number * step_ms)
            yield number, account, at_ms, device, number % SIGNALS_PER_HIT == SIGNALS_PER_HIT - 1


def account_id(account: int) -> str:
    """The id of an account, which is its records' key."""
    return f"a{account:07d}"


def signal_id(number: int) -> str:
    """The id of a signal; a decision carries the id of the hit it was taken on."""
    return f"s{number:08d}"


def device_ref(account: int, device: int) -> str:
    """The ref of one of an account's devices."""
    return f"d{account:07d}-{device}"


def encode(signal: Signal) -> bytes:
    """The record's value: JSON of 139 bytes (a hit: 142), fields as in CONTRACT.md."""
    number, account, at_ms, device, is_hit = signal
    if is_hit:
        return (
            b'{"id":"s%08d","account":"a%07d","at":%d,"source":"classifier",'
            b'"category":"spam","verdict":"suspected","device":"d%07d-%d"}'
            % (number, account, at_ms, account, device)
        )
    return (
        b'{"id":"s%08d","account":"a%07d","kind":"image.generated","at":%d,'
        b'"surface":"output","device":"d%07d-%d","model":"m123"}'
        % (number, account, at_ms, account, device)
    )


@dataclass(slots=True)
class AccountState:
    """What an engine must have stored for an account: times oldest first, devices newest first."""

    count: int
    times: list[int]
    devices: list[str]


@dataclass(slots=True)
class Recount:
    """What the whole stream must come to: a state per account id, and decisions by hit id."""

    states: dict[str, AccountState]
    decisions: set[str]


def recount(signals: Iterable[Signal]) -> Recount:
    """Do the job in plain Python, as the truth the engines' committed results are held against."""
    states: dict[int, AccountState] = {}
    decisions: set[str] = set()
    for number, account, at_ms, device_number, is_hit in signals:
        state = states.get(account)
        if state is None:
            state = states[account] = AccountState(0, [], [])
        state.count += 1
        times = state.times
        times.append(at_ms)
        if len(times) > LAST:
            del times[0]
        remember_device(state.devices, device_ref(account, device_number))
        if is_hit and len(times) == LAST and at_ms - times[0] <= WITHIN_MS:
            decisions.add(signal_id(number))
    return Recount({account_id(n): state for n, state in states.items()}, decisions)


def remember_device(devices: list[str], device: str) -> None:
    """Move `device` to the front of the `NEWEST` newest."""
    if devices and devices[0] == device:
        return
    if device in devices:
        devices.remove(device)
    devices.insert(0, device)
    del devices[NEWEST:]
