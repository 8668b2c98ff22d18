"""What a simulation is asked for, and the text form of its campaigns and look-alikes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from streams.simulate.campaigns import CAMPAIGNS, HOP, PAD, SPLIT, Campaign
from streams.simulate.personas import PERSONAS, Persona
from streams.simulate.rhythm import DAY_MS, MINUTE_MS

PLAIN = "plain"
"""The evasion of a campaign that doesn't evade."""

DEFAULT_START_MS = 1_767_571_200_000  # Monday 2026-01-05T00:00Z; a fixed one, for determinism


class UnknownCampaignError(Exception):
    """A list of campaigns or look-alikes that can't be read. Says which part, and what there is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One campaign instance to hide.

    `accounts` actors at a pace (1.0: as usual), each over `split` accounts, hopping over surfaces or
    not, under `pad` harmless records per record of the campaign.
    """

    campaign: Campaign
    accounts: int
    pace: float = 1.0
    split: int = 1
    hop: bool = False
    pad: float = 0.0

    @property
    def takes_ms(self) -> int:
        """How long it takes at most, from the first actor's beginning."""
        return int((self.campaign.lasts_ms + self.campaign.stagger_ms) / self.pace)


@dataclass(frozen=True, slots=True)
class Guest:
    """One instance of a persona, with so many accounts."""

    persona: Persona
    accounts: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole simulation; two equal plans play the same bytes.

    `signals` counts everything, campaigns included. `start_ms` is the first full day's midnight or
    any other minute, ms since the epoch; `days` may be a fraction.
    """

    accounts: int = 5_000
    signals: int = 200_000
    seed: int = 1
    days: float = 1.0
    start_ms: int = DEFAULT_START_MS
    wanted: tuple[Wanted, ...] = ()
    guests: tuple[Guest, ...] = ()

    @property
    def begin_ms(self) -> int:
        """The start, rounded down to the minute."""
        return self.start_ms - self.start_ms % MINUTE_MS

    @property
    def minutes(self) -> int:
        """How long, in whole minutes, at least one."""
        return max(1, round(self.days * DAY_MS / MINUTE_MS))


def parse_campaigns(text: str) -> tuple[Wanted, ...]:
    """Read a list such as ``refusal-ladder:accounts=3:pace=2,slow-drip``; also ``all``, ``none``.

    A setting that makes no sense for a campaign is passed over where it comes with ``all``.

    Raises:
        UnknownCampaignError: a part names no campaign or no setting of one.
    """
    wanted = []
    for part, name, settings in _parts(text, "campaign", CAMPAIGNS):
        changes = dict(_setting(part, setting, _CAMPAIGN_SETTINGS) for setting in settings)
        for campaign in CAMPAIGNS.values() if name == "all" else [CAMPAIGNS[name]]:
            idle = _senseless(campaign, changes)
            if idle and name != "all":
                raise UnknownCampaignError(
                    f"{part!r}: {idle[0]} makes no sense there; its evasions are: "
                    + ", ".join(("pace", *campaign.evasions))
                )
            sensible = {name: value for name, value in changes.items() if name not in idle}
            wanted.append(replace(Wanted(campaign, campaign.actors), **sensible))
    return tuple(wanted)


def evading(wanted: Wanted, evasion: str) -> Wanted | None:
    """The same campaign evading as asked: ``pace=0.5:hop``, or ``plain`` for not at all.

    None where that makes no sense for it.

    Raises:
        UnknownCampaignError: it is no evasion.
    """
    if evasion == PLAIN:
        return wanted
    changes = dict(_setting(evasion, one, _CAMPAIGN_SETTINGS) for one in evasion.split(":"))
    return None if _senseless(wanted.campaign, changes) else replace(wanted, **changes)


def _senseless(campaign: Campaign, changes: Mapping[str, Any]) -> list[str]:
    return [one for one in changes if one in (SPLIT, HOP, PAD) and one not in campaign.evasions]


def parse_lookalikes(text: str) -> tuple[Guest, ...]:
    """Read a list such as ``busy-agency,carrier-crowd:accounts=500``; also ``all``, ``none``.

    Raises:
        UnknownCampaignError: a part names no look-alike or no setting of one.
    """
    guests: list[Guest] = []
    for part, name, settings in _parts(text, "look-alike", PERSONAS):
        changes = dict(_setting(part, setting, _GUEST_SETTINGS) for setting in settings)
        guests += [
            replace(Guest(persona, persona.accounts), **changes)
            for persona in (PERSONAS.values() if name == "all" else [PERSONAS[name]])
        ]
    return tuple(guests)


def _parts(text: str, what: str, known: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """The (text, name, settings) of each part; names are of `known`, or ``all``."""
    for part in text.split(","):
        name, *settings = part.strip().split(":")
        if name == "none":
            continue
        if name != "all" and name not in known:
            raise UnknownCampaignError(
                f"no {what} {name!r}; there are: {', '.join(known)}, all, none"
            )
        yield part.strip(), name, settings


@dataclass(frozen=True, slots=True)
class _Setting:
    """How a setting is written, what reads its value, and the least it may be."""

    written: str
    read: Callable[[str], Any]
    least: float


_GUEST_SETTINGS = {"accounts": _Setting("accounts=N (1 or more)", int, 1)}
_CAMPAIGN_SETTINGS = {
    **_GUEST_SETTINGS,
    "pace": _Setting("pace=X (above 0, 1 is the usual speed)", float, 1e-6),
    SPLIT: _Setting("split=N (accounts for each actor, 1 or more)", int, 1),
    HOP: _Setting("hop", lambda value: value == "", 1),
    PAD: _Setting("pad=X (harmless records for each of its own, 0 or more)", float, 0),
}


def _setting(part: str, text: str, known: Mapping[str, _Setting]) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    setting = known.get(name)
    try:
        if setting is not None and (read := setting.read(value)) >= setting.least:
            return name, read
    except ValueError:
        pass
    written = ", ".join(one.written for one in known.values())
    raise UnknownCampaignError(f"{part!r}: {text!r} is no setting of it; write {written}")
