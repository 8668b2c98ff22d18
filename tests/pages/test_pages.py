"""What the pages say is what there is."""

import re
from pathlib import Path

import pytest

from streams.cli.commands import COMMANDS
from streams.signals.reasons import Reason
from streams.signals.records import INPUTS
from streams.topics import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SIGNALS = (ROOT / "docs" / "signals.md").read_text()


def section(heading):
    """The text of docs/signals.md below a heading, up to the next one."""
    return re.split(rf"^### {re.escape(heading)}$", SIGNALS, flags=re.MULTILINE)[1].split("\n#")[0]


def first_cells(text):
    """The names in back quotes in the first cell of each row of a table."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [name for cell in rows for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("topic", INPUTS)
def test_the_signals_page_has_every_field_and_no_other(topic):
    assert sorted(first_cells(section(topic))) == sorted(field.name for field in INPUTS[topic])


@pytest.mark.parametrize("topic", INPUTS)
def test_the_signals_page_marks_the_required_fields_and_names_every_value(topic):
    text = section(topic)
    for field in INPUTS[topic]:
        assert (f"**`{field.name}`**" in text) == field.required
        for value in field.values or ():
            assert f"`{value}`" in SIGNALS, f"{topic}.{field.name}: {value}"


def test_the_signals_page_explains_every_reason_of_a_dead_letter():
    rows = SIGNALS.split("## What is refused")[1].split("\n## ")[0]
    assert sorted(first_cells(rows)) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_topics_a_page_names_exist(page):
    text = page.read_text()
    for command in re.findall(r"(?:`|\$ |\| )(?:\.venv/bin/)?vigil ([a-z]+)", text):
        assert command in COMMANDS, f"{page.name}: vigil {command}"
    for topic in re.findall(r"vigil tap ([a-z][a-z-]*) ", text):
        assert topic in BY_NAME, f"{page.name}: {topic}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
