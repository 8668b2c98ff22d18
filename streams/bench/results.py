"""What a job found: a line of ``bench-results.jsonl`` (field names are CONTRACT.md's) and a table row."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

TABLE_WIDTH = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured thing; what wasn't measured is None and stands in no line.

    `phase` tells the cold run of a JVM (the first 2M signals) from its warm second half.
    """

    job: str
    engine: str
    phase: str | None = None
    signals: int | None = None
    accounts: int | None = None
    signals_per_s: float | None = None
    signals_per_cpu_s: float | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    scrapes: int | None = None
    cpu_percent: float | None = None
    rss_mb: float | None = None
    rss_mb_per_min: float | None = None
    bytes_per_account: float | None = None
    restore_accounts_per_s: float | None = None
    recovery_s: float | None = None
    patterns: int | None = None
    load_s: float | None = None

    def as_line(self) -> str:
        """One JSON object, without a newline."""
        present = {name: value for name, value in asdict(self).items() if value is not None}
        rounded = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in present.items()
        }
        return json.dumps(rounded)


def machine() -> str:
    """The machine in a line: a figure without it means nothing."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} cores {model}, {pages / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release().partition('-')[0]}, "
        f"CPython {platform.python_version()}, load {os.getloadavg()[0]:.1f}, "
        f"{time.strftime('%Y-%m-%d')}"
    )


def write_lines(path: Path, results: Sequence[Result]) -> None:
    """Replace the file's contents with one line per result."""
    path.write_text("".join(result.as_line() + "\n" for result in results), encoding="utf-8")


def ratio(of: Result, to: Sequence[Result], engine: str, phase: str | None = None) -> str:
    """How many times the signals per CPU-second of `engine` in the same job, or nothing."""
    for other in to:
        if (
            (other.job, other.engine, other.phase) == (of.job, engine, phase)
            and other is not of
            and other.signals_per_cpu_s
            and of.signals_per_cpu_s
        ):
            return f"{of.signals_per_cpu_s / other.signals_per_cpu_s:.2f}"
    return ""


def show(results: Sequence[Result], console: Console) -> None:
    """Print the machine and the table."""
    console.print(machine(), soft_wrap=True, highlight=False)
    table = Table(width=TABLE_WIDTH)
    for name in ("job", "engine", "signals", "accounts"):
        table.add_column(name)
    for name in ("signals/s", "per CPU-s", "× Faust", "× KStreams cold", "× warm"):
        table.add_column(name, justify="right")
    table.add_column("RSS MB", justify="right")
    table.add_column("also")
    for one in results:
        table.add_row(
            one.job,
            f"{one.engine} {one.phase or ''}".strip(),
            _count(one.signals),
            _count(one.accounts),
            _count(one.signals_per_s),
            _count(one.signals_per_cpu_s),
            ratio(one, results, "faust"),
            ratio(one, results, "kafka-streams", "cold"),
            ratio(one, results, "kafka-streams", "warm"),
            _count(one.rss_mb),
            _also(one),
        )
    console.print(table)


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _also(one: Result) -> str:
    parts = []
    if one.p50_ms is not None and one.p99_ms is not None:
        p90 = "" if one.p90_ms is None else f"p90 {one.p90_ms:.0f} ms, "
        parts.append(f"p50 {one.p50_ms:.0f} ms, {p90}p99 {one.p99_ms:.0f} ms")
    if one.scrapes is not None:
        parts.append(f"{one.scrapes} scrapes")
    if one.cpu_percent is not None:
        parts.append(f"{one.cpu_percent:.2f} % of a core")
    if one.recovery_s is not None:
        parts.append(f"kill -9 → detection {one.recovery_s:.1f} s")
    if one.restore_accounts_per_s is not None:
        parts.append(f"{one.restore_accounts_per_s:,.0f} accounts/s restored")
    if one.bytes_per_account is not None:
        parts.append(f"{one.bytes_per_account:.0f} B per account")
    if one.rss_mb_per_min is not None:
        parts.append(f"RSS {one.rss_mb_per_min:+.2f} MB/min")
    if one.patterns is not None:
        parts.append(f"{one.patterns} patterns")
    if one.load_s is not None:
        parts.append(f"loaded in {one.load_s:.2f} s")
    return "; ".join(parts)
