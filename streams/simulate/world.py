"""Who lives in the simulated platform: accounts, and the devices, networks, payments they share.

An account is derived from a keyed hash of its number, so that a million of them cost nothing until
they are met. All ids have the shape of a platform's pseudonyms (a letter and 24 hex digits of a
keyed hash); they mean nothing outside the run.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from itertools import accumulate

from streams.simulate.rhythm import ZONES

_PSEUDONYM_DIGITS = 24  # not 32, 40 or 64: a pseudonym must not look like a content hash

_HOUSEHOLD = 3  # accounts behind one home network
_CARRIERS_PER_ZONE = 12  # carriers whose address translation puts thousands on one network
_PARETO_SHAPE = 1.25
_HEAVIEST = 60.0  # no account is more than this many times as busy as the quietest

_BYTE = 256
_SHARED_DEVICE = int(0.06 * _BYTE)  # a family computer
_SECOND_DEVICE = int(0.45 * _BYTE)
_PAYS = int(0.28 * _BYTE)
_SHARES_PAYMENT = int(0.20 * _BYTE)
_OFTEN_REFUSED = int(0.02 * _BYTE)
_THROUGH_API = int(0.012 * _BYTE)
_NEWCOMER = int(0.015 * _BYTE)
_DEVELOPER = int(0.02 * _BYTE)
YOUNG = ("minor", "teen")
_AGE_BANDS = ((0.02, "minor"), (0.12, "teen"), (0.72, "adult"), (1.0, "unknown"))

REFUSAL_RATE = 0.004
OFTEN_REFUSED_RATE = 0.03
"""Share of prompts refused: for most accounts, and for those whose honest work trips filters."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account and the references its signals carry. `refusal_rate` is per benign prompt."""

    number: int
    id: str
    zone: int
    devices: tuple[str, ...]
    networks: tuple[str, ...]
    payment: str | None
    age_band: str
    refusal_rate: float
    through_api: bool
    newcomer: bool
    """Its `account.created` falls into the simulated time."""
    developer: bool
    """Builds data sets and fine-tunes models; no minor does."""

    @property
    def young(self) -> bool:
        """Whether it is known to be a child's or a teenager's."""
        return self.age_band in YOUNG


class World:
    """All accounts of a run: `size` of them, the same ones for the same seed.

    Numbers from `size` on are strangers: accounts that have no part in harmless traffic.
    """

    def __init__(self, seed: int, size: int) -> None:
        self.size = size
        self._key = hashlib.sha256(b"vigil simulate %d" % seed).digest()
        self._met: dict[int, Account] = {}
        draw = random.Random(f"weights {seed}").paretovariate
        rank = [min(_HEAVIEST, draw(_PARETO_SHAPE)) for _ in range(size)]
        homes = random.Random(f"zones {seed}").choices(
            range(len(ZONES)), weights=[zone.share for zone in ZONES], k=size
        )
        self._homes = homes
        self.members: list[list[int]] = [[] for _ in ZONES]
        """Account numbers by zone."""
        for number, zone in enumerate(homes):
            self.members[zone].append(number)
        self.cumulative: list[list[float]] = [
            list(accumulate(rank[number] for number in members)) for members in self.members
        ]
        """Running sums of how busy the members of each zone are (for `random.choices`)."""

    def pseudonym(self, letter: str, what: str) -> str:
        """Return the opaque id that stands for `what`, beginning with `letter`."""
        digest = hashlib.blake2b(what.encode(), key=self._key, digest_size=_PSEUDONYM_DIGITS // 2)
        return letter + digest.hexdigest()

    def account(self, number: int) -> Account:
        """Return the account of that number; from `size` on a stranger's."""
        met = self._met.get(number)
        if met is None:
            met = self._met[number] = self._make(number)
        return met

    def _make(self, number: int) -> Account:
        digest = hashlib.blake2b(b"%d" % number, key=self._key, digest_size=24).digest()
        household = number // _HOUSEHOLD
        stranger = number >= self.size
        zone = digest[21] % len(ZONES) if stranger else self._homes[number]
        if digest[12] < _SHARED_DEVICE:
            devices = [self.pseudonym("d", f"family {household}")]
        else:
            devices = [self.pseudonym("d", f"first {number}")]
        if digest[13] < _SECOND_DEVICE:
            devices.append(self.pseudonym("d", f"second {number}"))
        home = self.pseudonym("n", f"home {household}")
        carrier = self.pseudonym("n", f"carrier {zone} {digest[14] % _CARRIERS_PER_ZONE}")
        payment = None
        if digest[15] < _PAYS:
            owner = f"family {household}" if digest[16] < _SHARES_PAYMENT else f"own {number}"
            payment = self.pseudonym("p", owner)
        age = digest[17] / _BYTE
        band = next(band for upto, band in _AGE_BANDS if age < upto)
        often = digest[18] < _OFTEN_REFUSED
        return Account(
            number=number,
            id="a" + digest[:12].hex(),
            zone=zone,
            devices=tuple(devices),
            networks=(home, carrier),
            payment=payment,
            age_band=band,
            refusal_rate=OFTEN_REFUSED_RATE if often else REFUSAL_RATE,
            through_api=digest[19] < _THROUGH_API,
            newcomer=digest[20] < _NEWCOMER and not stranger,
            developer=digest[22] < _DEVELOPER and band != "minor",
        )
