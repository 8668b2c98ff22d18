"""Writes the boards' files beside this one."""

from pathlib import Path

from dashboards import BOARDS
from dashboards.render import render


def main() -> None:
    """Write all of them."""
    for board in BOARDS:
        (Path(__file__).parent / f"{board.name}.json").write_text(render(board))


if __name__ == "__main__":
    main()
