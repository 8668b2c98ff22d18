"""How big the jobs are: as the targets are worded, or small enough for a smoke run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Sizes:
    """Every number can be set in the environment as ``BENCH_`` + its name in capitals."""

    signals: int = 2_000_000
    accounts: int = 200_000
    faust_signals: int = 60_000
    jvm_signals: int = 8_000_000
    catalogue_signals: int = 2_000_000
    latency_s: int = 60
    latency_rate: int = 0
    """Signals per second; 0: half of what the catalogue job measures."""
    recovery_s: int = 15
    """Seconds under load before the kill."""
    restore_accounts: int = 1_000_000
    soak_s: int = 600
    patterns_signals: int = 500_000


QUICK = Sizes(
    signals=400_000,
    accounts=20_000,
    faust_signals=9_000,
    jvm_signals=400_000,
    catalogue_signals=200_000,
    latency_s=10,
    latency_rate=5_000,
    recovery_s=5,
    restore_accounts=100_000,
    soak_s=30,
    patterns_signals=100_000,
)


def read_sizes(environment: Mapping[str, str], *, quick: bool) -> Sizes:
    """The sizes asked for. Raises `ValueError` naming the variable that isn't a number."""
    sizes = QUICK if quick else Sizes()
    for field in fields(sizes):
        variable = f"BENCH_{field.name.upper()}"
        text = environment.get(variable)
        if text:
            try:
                sizes = replace(sizes, **{field.name: int(text.replace("_", ""))})
            except ValueError:
                raise ValueError(f"{variable}={text!r} is no whole number") from None
    return sizes


def from_environment(*, quick: bool) -> Sizes:
    """`read_sizes` of this process's environment."""
    return read_sizes(os.environ, quick=quick)
