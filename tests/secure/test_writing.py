"""Who may read a topic and not write to it is told which right is missing, and from whom to have it."""

from __future__ import annotations

import shutil
from importlib import resources

import pytest


@pytest.fixture
def few_rules(tmp_path):
    """Rules no other test publishes."""
    shutil.copy(str(resources.files("streams") / "catalogue" / "slow_drip.yml"), tmp_path)
    return tmp_path


@pytest.mark.parametrize("user", ["vigil-watchers", "vigil-workers"])
@pytest.mark.parametrize(
    ("command", "topic"),
    [
        ("snooze a1 --for 1h --reviewer rv-1 --reason appeal", "account-commands"),
        ("rules publish RULES", "rules"),
    ],
)
def test_without_the_right_to_write_a_command_says_so_in_one_line_that_names_the_topic(
    secured, granted, few_rules, *, user, command, topic
):
    """Watchers may write nowhere at all: an idempotent producer would not get as far as the topic."""
    words = command.replace("RULES", str(few_rules)).split()
    run = secured.vigil(user, *words, "--prefix", granted)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    assert f"denies User:{user} what it needs of the topic {granted}{topic}: have the" in line
    assert "run vigil topics acls --check" in line
