"""``python -m streams.embedded`` fetches Kafka's jars, as `make` does before it needs them."""

import sys

from streams.embedded import ToolMissing, jars


def main() -> int:
    """Fetch the jars; exit code 3 with one line when a tool is missing."""
    try:
        jars.ensure()
    except ToolMissing as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
