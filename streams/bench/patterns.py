"""The patterns job: what the number of patterns costs, without a broker.

One process per number of patterns, pinned to the workers' core: it loads the rules (`operator_rules`)
and handles simulated signals in one processor (`pattern_run`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from streams.bench.measure import say
from streams.bench.operator_rules import SCHEMA, write_rules
from streams.bench.results import Result
from streams.bench.sizes import Sizes

COUNTS = (1, 10, 50, 100, 250, 500)
SIGNALS_PER_ACCOUNT = 10


def patterns(sizes: Sizes, core: int) -> Iterator[Result]:
    """Signals per CPU-second, and the time it takes to load, by the number of patterns."""
    base = 0.0
    for count in COUNTS:
        measured = _run(count, sizes.patterns_signals, core)
        per_cpu_s = measured["signals"] / measured["cpu_s"]
        base = base or per_cpu_s
        say(
            f"patterns: {count} cost {base / per_cpu_s:.2f} times what {COUNTS[0]} costs; "
            f"{measured['detections']:,} detections"
        )
        yield Result(
            job="patterns",
            engine="vigil",
            signals=int(measured["signals"]),
            accounts=sizes.patterns_signals // SIGNALS_PER_ACCOUNT,
            signals_per_s=measured["signals"] / measured["wall_s"],
            signals_per_cpu_s=per_cpu_s,
            rss_mb=measured["rss_mb"],
            patterns=count,
            load_s=measured["load_s"],
        )


def _run(count: int, signals: int, core: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="vigil-bench-patterns-") as directory:
        rules, schema = Path(directory, "rules"), Path(directory, "schema.toml")
        rules.mkdir()
        write_rules(rules, count)
        schema.write_text(SCHEMA, encoding="utf-8")
        run = subprocess.run(
            ["taskset", "-c", str(core), sys.executable, "-m", "streams.bench.pattern_run",
             str(rules), str(schema), str(signals), str(signals // SIGNALS_PER_ACCOUNT)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if run.returncode:
        raise RuntimeError(f"the run with {count} patterns failed:\n{run.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(run.stdout)
    return measured
