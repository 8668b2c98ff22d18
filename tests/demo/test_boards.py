"""The figures of the boards, as the demo shows them."""

from __future__ import annotations

from math import nan

from rich.console import Console

from dashboards import BOARDS
from streams.demo.boards import Board, Panel, Series, as_json, files, table

WORKERS = Panel("Workers up", "stat", "locale", [Series("", {}, 2.0)])
LATE = Panel("Late decisions", "stat", "percentunit", [Series("", {}, nan)])
LAG = Panel("Oldest waiting signal", "stat", "s", [Series("", {}, 0.25)])
HANDLED = Panel("Signals handled", "timeseries", "cps", [Series("accounts", {}, 5_000.0)])
MOVERS = Panel(
    "Movers", "table", "locale", [Series(title, {"title": title}, 1.0) for title in "abcd"]
)


def text(*boards):
    console = Console(width=120)
    with console.capture() as captured:
        console.print(table(list(boards)))
    return " ".join(captured.get().split())


def test_a_board_is_summed_up_by_its_numbers_and_a_share_of_nothing_is_a_dash():
    said = text(Board("Stream health", [WORKERS, LATE, HANDLED, LAG]))
    assert said == ("Stream health Workers up 2 · Late decisions – · Oldest waiting signal 250 ms")


def test_a_board_without_numbers_says_what_its_first_panel_has_most_of():
    assert text(Board("Pattern quality", [MOVERS, HANDLED])) == (
        "Pattern quality Movers: a 1, b 1, c 1"
    )


def test_programs_get_every_panel_and_null_for_a_share_of_nothing():
    assert as_json([Board("Stream health", [LATE, HANDLED])]) == {
        "Stream health": {
            "Late decisions": [{"labels": {}, "value": None}],
            "Signals handled": [{"labels": {}, "value": 5_000.0}],
        }
    }


def test_the_boards_shown_are_those_that_are_shipped():
    assert {file.stem for file in files()} == {board.name for board in BOARDS}
