"""The systemd unit: systemd understands all of it, and lets the worker do little."""

from __future__ import annotations

import sys
from pathlib import Path

from streams.cli import commands
from tests.deploy.files import DEPLOY, judged, program

UNIT = DEPLOY / "systemd" / "vigil@.service"
EXPOSED_AT_MOST = 20
"""Of 100, in `systemd-analyze security`'s own count; a unit without any hardening has 96."""


def unit(tmp_path):
    """The unit with the `vigil` of the tests, since systemd looks whether it can be run."""
    file = tmp_path / "vigil@1.service"
    ours = str(Path(sys.executable).with_name("vigil"))
    file.write_text(UNIT.read_text().replace("/opt/vigil/bin/vigil", ours))
    return file


def test_systemd_finds_nothing_wrong(tmp_path):
    said = judged(program("systemd-analyze", "systemd"), "verify", unit(tmp_path))
    assert "vigil@" not in said, "it warns with exit code 0"


def test_what_it_may_do_is_little(tmp_path):
    judged(
        program("systemd-analyze", "systemd"),
        "security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", unit(tmp_path),
    )  # fmt: skip


def test_the_command_it_starts_is_one():
    (line,) = [text for text in UNIT.read_text().splitlines() if text.startswith("ExecStart=")]
    program_, command, *arguments = line.removeprefix("ExecStart=").split()
    assert program_.endswith("/vigil")
    started = commands.load(command).make_context(
        command,
        [word.replace("%H", "host").replace("%i", "1") for word in arguments],
        default_map={"brokers": "k:9092"},
    )
    assert started.params["worker_id"] == "host-1"
    assert started.params["web"] == "127.0.0.1:8321"
