"""docs/safety-by-design.md names commands, metrics, alerts and patterns that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "safety-by-design.md").read_text(encoding="utf-8")


def named(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, TEXT)))


def test_every_command_is_one():
    commands = named(r"`?vigil ([a-z]+)")
    assert len(commands) > 8
    assert set(commands) <= COMMANDS.keys()


def test_every_metric_is_served_and_every_alert_rings():
    metrics = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    alerts = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    for metric in named(r"vigil_[a-z_]+"):
        assert f"`{metric}`" in metrics
    for alert in named(r"Vigil[A-Z]\w+"):
        assert f"alert: {alert}\n" in alerts


def test_every_page_and_section_it_points_to_is_there():
    for page in named(r"\]\(([a-z0-9-]+\.md)\)"):
        assert (ROOT / "docs" / page).is_file()
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("## ")
    }
    assert set(named(r"\]\(#([^)]+)\)")) <= headings


@pytest.mark.parametrize("number", range(1, 12))
def test_every_commitment_says_its_path_or_that_there_is_none_and_its_limits(number):
    section = re.search(rf"^## {number}\. .*?(?=^## )", TEXT, re.DOTALL | re.MULTILINE)
    assert section is not None
    assert "**Path.**" in section[0] or "**✘ Not there yet:**" in section[0]
    assert "**Limits.**" in section[0]
