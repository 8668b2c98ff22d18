"""The pictures of the boards: there is one of each, and what draws them knows all they are made of.

Nothing here needs Node.js; `make pictures` does, and draws them anew.
"""

from __future__ import annotations

import json
import re

import pytest

from dashboards import BOARDS
from tests.watch.promql import ROOT

PROGRAM = ROOT / "pictures"
MADE = [json.loads((ROOT / "dashboards" / f"{board.name}.json").read_text()) for board in BOARDS]
PANELS = [panel for board in MADE for panel in board["panels"]]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_there_is_a_picture_of_a_board_and_it_is_small(board):
    picture = (ROOT / "docs" / "pictures" / f"{board.name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 250_000


def test_every_kind_of_panel_can_be_drawn():
    (known,) = re.findall(r"const Body = \{(.*)\}\[", (PROGRAM / "board.jsx").read_text())
    kinds = {panel["type"] for panel in PANELS} - {"row"}
    assert kinds == set(re.findall(r"(\w+):", known))


def test_nothing_is_asked_for_that_is_not_drawn():
    for panel in PANELS:
        assert not panel.get("fieldConfig", {}).get("overrides")
        assert [one["id"] for one in panel.get("transformations", ())] in ([], ["organize"])


def test_every_variable_of_an_expression_is_filled_in():
    lines = (PROGRAM / "queries.js").read_text().splitlines()
    filled = {
        name for line in lines if ".replaceAll(" in line for name in re.findall(r"\$(\w+)", line)
    }
    asked = {
        name
        for panel in PANELS
        for target in panel.get("targets", ())
        for name in re.findall(r"\$(\w+)", target["expr"])
    }
    assert asked <= filled


def test_packages_are_pinned_by_hash_and_no_registry_is_named():
    lock = json.loads((PROGRAM / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not [name for name, one in packages.items() if "resolved" in one]


def test_grafana_finds_nothing_but_boards_where_it_looks_for_them():
    found = {path.relative_to(ROOT) for path in (ROOT / "dashboards").rglob("*.json")}
    assert len(found) == len(BOARDS)
