"""A line is one line, can be read back, and shows of a library what can't be part of a record."""

from __future__ import annotations

import ast
import json
import logging
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from mode import Service

from streams.logs import Event, muted, tell, tell_of_threads, where
from tests.logs.catching import caught

ROOT = Path(__file__).resolve().parents[2]
library = logging.getLogger("some.library")


def fields(line):
    """A line of key=value, read as others read it: quoted as JSON is, or bare."""
    found = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)(?: |\Z)', line))
    assert " ".join(f"{name}={value}" for name, value in found.items()) == line
    return {n: json.loads(v) if v.startswith('"') else v for n, v in found.items()}


def test_an_event_is_a_line_of_time_level_name_fields_and_from_warnings_on_its_words():
    with caught() as lines:
        tell(Event.CHECKPOINT, agent="accounts", partition=3, signals=12, seconds=0.012)
        tell(Event.READING_FAILED, error="NodeNotReadyError", reason="")
    first, second = map(fields, lines.plain())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "debug", "event": "checkpoint",
        "agent": "accounts", "partition": "3", "signals": "12", "seconds": "0.012",
    }  # fmt: skip
    del second["time"]
    assert second == {
        "level": "warning", "event": "reading_failed", "error": "NodeNotReadyError",
        "text": "reading met an error: trying again",
    }  # fmt: skip


@given(st.text())
def test_whatever_stands_in_it_a_line_is_one_printable_line_and_reads_back(text):
    with caught() as lines:
        tell(Event.RULES_FINDING, ruleset="abc", why=text)
    (line,) = lines.plain()
    assert line.isprintable()
    assert line.isascii()
    assert fields(line).get("why", "") == text
    (line,) = lines.json(ids=False)
    assert line.isprintable()
    assert json.loads(line).get("why", "") == text


def test_the_id_it_is_about_is_left_out_unless_asked_for():
    with caught() as lines:
        tell(Event.BREAKER_OPENED, key="account-1", pattern="p")
    assert "account-1" not in lines.text(ids=False)
    assert fields(lines.plain(ids=True)[0])["key"] == "account-1"


def test_of_a_librarys_line_are_shown_its_words_numbers_partitions_and_types_of_errors():
    with caught() as lines:
        library.warning(
            "%s failed for %s at %d, took %.1f s: %r (100 %%)",
            "secret", TopicPartition("activity", 3), 7, 0.25, ValueError("secret"),
        )  # fmt: skip
        library.error("no %(such)s thing", {"such": "secret"})
        library.info("nothing to fill in: 5 % of it")
    first, second, third = map(fields, lines.plain())
    assert first["text"] == "? failed for activity/3 at 7, took 0.25 s: ValueError (100 %)"
    assert (first["logger"], first["level"]) == ("some.library", "warning")
    assert re.fullmatch(r"test_lines\.py:\d+", first["where"])
    assert second["text"] == "no ? thing"
    assert third["text"] == "nothing to fill in: 5 % of it"


def test_a_ready_made_sentence_of_a_library_is_not_shown_only_its_place():
    secret = "".join(reversed("terces"))  # no literal of this code
    with caught() as lines:
        library.warning(f"about {secret}")
        library.warning(ValueError(secret))
        library.warning("about " + secret + " %s", 5)
    assert ["text" in fields(line) for line in lines.plain()] == [False] * 3


def test_a_service_of_fausts_has_its_words_shown_without_the_name_put_before_them():
    class Secret(Service):
        pass

    with caught() as lines:
        Secret().log.warning("stuck for %d s on %r", 5, "secret")
    assert fields(lines.plain()[0])["text"] == "stuck for 5 s on ?"


def test_an_error_is_its_type_and_the_places_it_came_through_and_never_its_message():
    def innermost():
        raise ValueError("secret")

    with caught() as lines:
        try:
            innermost()
        except ValueError:
            library.exception("it failed")
    line = fields(lines.plain()[0])
    assert line["error"] == "ValueError"
    assert re.fullmatch(
        r"test_lines\.py:\d+ < test_lines\.py:\d+ innermost < test_lines\.py:\d+ test_an_error\w+",
        line["where"],
    )
    assert where(None) == ""


@pytest.fixture
def own_hook():
    before = threading.excepthook
    yield
    threading.excepthook = before


@pytest.mark.usefixtures("own_hook")
def test_what_ends_a_thread_is_told_without_its_message(capfd):
    def fail():
        raise ValueError("secret")

    with caught() as lines:
        tell_of_threads()
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert fields(lines.plain()[0])["error"] == "ValueError"
    assert "secret" not in lines.text(ids=True) + "".join(capfd.readouterr())


def test_while_muted_a_library_is_not_heard_and_afterwards_it_is():
    with caught() as lines:
        with muted("some.library"):
            library.error("not heard")
        library.error("heard")
    assert [fields(line)["text"] for line in lines.plain()] == ["heard"]


SAYING = """
import logging
from streams import logs
from streams.cli import main
main(["config"])
for event in (logs.Event.CHECKPOINT, logs.Event.SERVING, logs.Event.BREAKER_OPENED):
    logs.tell(event, key="account-1")
for name in ("aiokafka.consumer", "aiokafka.conn"):
    for say in (logging.getLogger(name).debug, logging.getLogger(name).warning):
        say("words")
"""


@pytest.mark.parametrize(
    ("settings", "events", "said"),
    [
        ({"LOG_LEVEL": "error"}, [], 0),
        ({}, ["serving", "breaker_opened"], 2),
        ({"LOG_LEVEL": "debug", "LOG_IDS": "true"}, ["checkpoint", "serving", "breaker_opened"], 3),
    ],
    ids=["error", "info", "debug"],
)
def test_settings_say_what_is_logged_and_how_and_never_what_goes_over_the_wire(
    settings, events, said, tmp_path
):
    settings = {"LOG_FORMAT": "json", **settings}
    run = subprocess.run(
        [sys.executable, "-c", SAYING], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), **{f"VIGIL_{n}": value for n, value in settings.items()}},
    )  # fmt: skip
    lines = list(map(json.loads, run.stderr.splitlines()))
    assert [one["event"] for one in lines if "logger" not in one] == events
    assert len([one for one in lines if one.get("text") == "words"]) == said
    keys = [one["key"] for one in lines if "key" in one]
    assert keys == ["account-1"] * len(events) * ("LOG_IDS" in settings)


def test_every_event_is_told_somewhere_and_stands_in_the_table_of_operations():
    told = {
        node.attr
        for path in (ROOT / "streams").rglob("*.py")
        if path.parent.name != "logs" or path.name == "setting_up.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Event"
    }
    assert told | {"LIBRARY"} == {event.name for event in Event}
    page = (ROOT / "docs" / "operations.md").read_text().split("\n## Its log\n")[1]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", page.split("\n## ")[0], re.MULTILINE)
    assert rows == [(one.label, logging.getLevelName(one.level).lower()) for one in Event]
