"""The way out: one code per kind of error, one line, and nothing of a record in it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time

import aiokafka.errors
import click
import kafka.errors
import pytest

from streams.cli import exits, main
from streams.cli.commands import COMMANDS
from streams.signals import SchemaError


def test_every_error_in_the_table_exists_under_that_name():
    for name in exits.CODES:
        module, _, cls = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), cls), BaseException), name


def test_errors_below_a_listed_one_get_its_code():
    assert exits.code_of(kafka.errors.KafkaTimeoutError()) == exits.NO_KAFKA
    assert exits.code_of(aiokafka.errors.KafkaConnectionError()) == exits.NO_KAFKA
    assert exits.code_of(SchemaError("f", "k", "p")) == exits.WRONG_USE
    assert exits.code_of(ValueError()) is None


def test_an_unforeseen_error_is_5_and_its_message_is_not_printed(capsys):
    def fail():
        raise KeyError("free text of a record")

    assert exits.run(fail) == exits.INTERNAL
    err = capsys.readouterr().err
    assert "free text" not in err
    assert "KeyError at " in err
    assert "test_exits.py:" in err


def test_wrong_use_is_2_whether_click_or_vigil_finds_it(capsys):
    assert main(["nosuch"]) == 2
    assert main(["topics", "check", "--brokers"]) == 2
    assert main(["topics", "check", "--brokers", "nonsense"]) == 2
    assert main(["check", "no-such-directory"]) == 2
    assert main(["topics", "create", "--brokers", "a:1", "--partitions", "0"]) == 2
    assert "no such rule directory" in capsys.readouterr().err


def test_a_code_a_command_chose_is_passed_on_and_interrupts_are_130():
    assert exits.run(lambda: exits.NAME_TAKEN) == 4
    assert exits.run(lambda: None) == 0

    def interrupt():
        raise KeyboardInterrupt

    assert exits.run(interrupt) == 130

    def abort():
        raise click.Abort

    assert exits.run(abort) == 130


def test_no_kafka_is_3_within_the_timeout(capsys):
    began = time.monotonic()
    assert main(["topics", "check", "--brokers", "127.0.0.1:1"]) == 3
    assert time.monotonic() - began < 30
    assert "no Kafka answered at 127.0.0.1:1" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m streams.cli topics list | head -n 1; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0"
    assert run.stderr == ""


def test_help_imports_no_command():
    code = (
        "import sys; from streams.cli import main; main(['--help']); "
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('kafka', 'aiokafka', 'faust', 'sigma', 'msgspec', 'prometheus_client', 'rich')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name, capsys):
    assert main([name, "--help"]) == 0
    help_ = capsys.readouterr().out
    assert f"\n  vigil {name}" in help_.split("\n", 1)[1], "an example, on a line of its own"
    assert "\\b" not in help_


def test_main_returns_an_exit_code_of_0_for_help_and_version(capsys):
    assert main(["--version"]) == 0
    assert "vigil, version" in capsys.readouterr().out
