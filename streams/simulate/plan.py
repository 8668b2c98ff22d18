"""What a simulation is asked for, and the text form of its campaigns."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.simulate.campaigns import CAMPAIGNS, Campaign
from streams.simulate.rhythm import DAY_MS, MINUTE_MS

DEFAULT_START_MS = 1_767_571_200_000  # Monday 2026-01-05T00:00Z; a fixed one, for determinism


class UnknownCampaignError(Exception):
    """A campaign list that can't be read. Says which part, and what there is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One campaign instance to hide: how many accounts take part, and how fast (1.0: as usual)."""

    campaign: Campaign
    accounts: int
    pace: float = 1.0


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

    Raises:
        UnknownCampaignError: a part names no campaign or no setting of one.
    """
    wanted: list[Wanted] = []
    for part in text.split(","):
        name, *settings = part.strip().split(":")
        if name == "none":
            continue
        if name != "all" and name not in CAMPAIGNS:
            raise UnknownCampaignError(
                f"no campaign {name!r}; there are: {', '.join(CAMPAIGNS)}, all, none"
            )
        chosen = CAMPAIGNS.values() if name == "all" else [CAMPAIGNS[name]]
        wanted += [_set(Wanted(one, one.accounts), settings, part) for one in chosen]
    return tuple(wanted)


def _set(wanted: Wanted, settings: list[str], part: str) -> Wanted:
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            if name == "accounts" and int(value) > 0:
                wanted = replace(wanted, accounts=int(value))
                continue
            if name == "pace" and float(value) > 0:
                wanted = replace(wanted, pace=float(value))
                continue
        except ValueError:
            pass
        raise UnknownCampaignError(
            f"{part.strip()!r}: {setting!r} is no setting of a campaign; "
            "write accounts=N (1 or more) or pace=X (above 0, 1 is the usual speed)"
        )
    return wanted
