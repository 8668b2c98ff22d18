"""Simulated days whose hidden campaigns were reviewed, as `vigil mine` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from streams.simulate.lines import as_json_lines
from streams.simulate.plan import Plan, parse_campaigns
from streams.simulate.play import Simulation

DAY_END = 1_767_571_200_000 + 86_400_000


def day(path: Path, campaigns: str, *, accounts: int = 800, signals: int = 16_000) -> list[str]:
    """Write a day to `path`; the accounts of its campaigns, those of each after the other's."""
    plan = Plan(accounts=accounts, signals=signals, wanted=parse_campaigns(campaigns))
    simulation = Simulation(plan)
    path.write_text("".join(map(as_json_lines, simulation.chunks())))
    return [account for hidden in simulation.truth for account in hidden.accounts]


def review(path: Path, accounts: Iterable[str], outcome: str = "upheld") -> None:
    """Add a review of each account, after everything else."""
    with path.open("a") as file:
        for number, account in enumerate(accounts):
            value = {"id": f"r{outcome}{number}", "account": account, "at": DAY_END}
            value |= {"decision": f"d{account}", "stage": "first", "outcome": outcome}
            value |= {"reviewer": "lee"}
            line = {"topic": "reviews", "key": account, "value": value, "ts": DAY_END}
            file.write(json.dumps(line) + "\n")


def accounts_of(path: Path) -> list[str]:
    """Every account of a recording, sorted."""
    return sorted({json.loads(line)["key"] for line in path.read_text().splitlines()})
