"""``python -m streams.drill [ALERT …]``: bring every failure about that has an alert, and see it fire.

Alerts come from the command line or from ``DRILL``; without either, all of them. The table goes to
stdout, progress to stderr. Exit codes: 0 all fired, 1 one did not, 2 wrong use, 3 Kafka or Prometheus
is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from streams.admin import KafkaUnreachable
from streams.drill.drill import Outcome, UnknownAlert, chosen, drill, say
from streams.drill.prometheus import ProgramMissing
from streams.drill.site import Stalled
from streams.drill.table import for_programs, table
from streams.embedded import KafkaNotStarted, ToolMissing

EXIT_OK, EXIT_PROBLEMS, EXIT_USAGE, EXIT_KAFKA = 0, 1, 2, 3


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if every alert fired."""
    return EXIT_OK if all(one.seconds is not None for one in outcomes) else EXIT_PROBLEMS


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        prog="python -m streams.drill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("alerts", nargs="*", metavar="ALERT", help="only these, by name")
    parser.add_argument("--json", action="store_true", help="a JSON array instead of the table")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="an empty directory where logs and data stay"
    )
    asked = parser.parse_args()
    try:
        faults = chosen(asked.alerts or os.environ.get("DRILL", "").split())
    except UnknownAlert as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="vigil-drill-") as fleeting:
            directory = asked.keep or Path(fleeting)
            directory.mkdir(parents=True, exist_ok=True)
            outcomes = drill(faults, directory.resolve())
    except (KafkaNotStarted, KafkaUnreachable, ProgramMissing, ToolMissing) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_KAFKA
    except Stalled as error:
        sys.stderr.write(f"the drill can't go on: {error}\n")
        return EXIT_PROBLEMS
    if asked.json:
        sys.stdout.write(json.dumps(for_programs(outcomes), indent=2) + "\n")
    else:
        sys.stdout.write(table(outcomes) + "\n")
    say(f"{time.monotonic() - began:.0f} s")
    return exit_code(outcomes)


if __name__ == "__main__":
    sys.exit(main())
