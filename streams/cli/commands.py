"""The table of commands.

Each module is imported when its command is used, so that `vigil --help` is quick and one broken
room doesn't lock the others.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

from streams.config import SETTINGS

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "demo": ("streams.cli.demo:demo", "A simulated day through a real Kafka, with a summary."),
        "run": ("streams.cli.run:run_command", "Run one worker with all agents."),
        "replay": ("streams.cli.replay:replay_command", "JSON lines in, decisions out; no Kafka."),
        "simulate": ("streams.cli.simulate:simulate", "Harmless traffic with hidden campaigns."),
        "stress": ("streams.cli.stress:stress", "Every campaign hidden and looked for; a gate."),
        "tap": ("streams.cli.tap:tap", "Follow what is decided, as it is committed."),
        "top": ("streams.cli.top:top", "Rates, lag, latency, holds: workers, live."),
        "dlq": ("streams.cli.dlq:dlq", "What was refused: count it, look, have it taken."),
        "queue": ("streams.cli.queue:queue", "What is held and waits for a person."),
        "release": ("streams.cli.orders:release", "Have held actions done."),
        "void": ("streams.cli.orders:void", "Drop held actions."),
        "undo": ("streams.cli.orders:undo", "Reverse all actions of a pattern's version, or one."),
        "resume": ("streams.cli.orders:resume", "Grant again what a breaker or an undo stopped."),
        "snooze": ("streams.cli.account_orders:snooze", "Pause actions against an account."),
        "erase": ("streams.cli.account_orders:erase", "Forget everything about an account."),
        "report": (
            "streams.cli.report:report",
            "Reports to the authorities, and what users are told.",
        ),
        "check": ("streams.cli.check:check", "Every mistake in rule directories."),
        "test": (
            "streams.cli.test:test",
            "The tests written beside patterns, on a synthetic clock.",
        ),
        "explain": ("streams.cli.explain:explain", "Why something was decided, from a recording."),
        "backtest": ("streams.cli.backtest:backtest", "Two rule sets against one recording."),
        "mine": ("streams.cli.mine:mine", "Candidate patterns out of what reviewers upheld."),
        "export": ("streams.cli.export:export", "Counts that tell of nobody; signals to share."),
        "import": ("streams.cli.import_:import_", "Signals of a partner in, as suspicions."),
        "rules": ("streams.cli.rules:rules", "Publish rule sets, compare them, roll them back."),
        "adapt": ("streams.cli.adapt:adapt", "Records of other tools in, decisions out to them."),
        "topics": ("streams.cli.topics:topics", "Create, list and check the topics."),
        "kafka": ("streams.cli.kafka:kafka", "A real single-node Kafka for development."),
        "doctor": ("streams.cli.doctor:doctor", "What is wrong with a deployment, and the remedy."),
        "completion": ("streams.cli.completion:completion", "The script that completes commands."),
        "config": ("streams.cli.config:config", "The settings in force, and where they come from."),
    }
)


def load(name: str) -> click.Command:
    """The command `name` of the table, its options bound to the settings of the same name."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    _bind(command)
    return command


def _bind(command: click.Command) -> None:
    for parameter in command.params:
        setting = SETTINGS.get(parameter.name or "")
        if isinstance(parameter, click.Option) and setting is not None:
            parameter.envvar = parameter.envvar or setting.variable
            parameter.show_envvar = True
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _bind(child)
