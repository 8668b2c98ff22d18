"""Completion through the program itself, as a shell asks it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from streams.cli import main
from streams.cli.commands import COMMANDS
from streams.cli.completion import SHELLS

VIGIL = [sys.executable, "-c", "from streams.cli import main; main()"]


def completed(words):
    """What may stand where the last word does."""
    asked = {"_VIGIL_COMPLETE": "bash_complete", "COMP_WORDS": words}
    environment = {**os.environ, **asked, "COMP_CWORD": str(words.count(" "))}
    run = subprocess.run(VIGIL, env=environment, capture_output=True, text=True, check=True)
    return [line.removeprefix("plain,") for line in run.stdout.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_asks_vigil(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_VIGIL_COMPLETE={shell}_complete" in script
    assert "vigil" in script


def test_what_is_no_shell_is_told(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


def test_commands_options_and_their_values_are_completed():
    assert completed("vigil ") == list(COMMANDS)
    assert completed("vigil do") == ["doctor"]
    assert completed("vigil --log-l") == ["--log-level"]
    assert completed("vigil dlq ") == ["list", "requeue", "show"]
    assert completed("vigil dlq list --reason not") == ["not_json"]


def test_bash_takes_the_script(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    run = subprocess.run(
        ["bash", "-c", f"{script}\ncomplete -p vigil"], capture_output=True, text=True, check=True
    )
    assert "_vigil_completion vigil" in run.stdout
