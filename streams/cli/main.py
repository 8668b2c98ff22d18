"""`vigil` itself: the group, its own options, and the one way out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from streams import __version__, logs
from streams.cli import commands, exits
from streams.config import SETTINGS, Settings, read_file


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(commands.COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        return commands.load(cmd_name) if cmd_name in commands.COMMANDS else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may come next: of commands the table's own words, as in help."""
        return [
            *(
                CompletionItem(name, help=commands.COMMANDS[name][1])
                for name in self.list_commands(ctx)
                if name.startswith(incomplete)
            ),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises `exits.ReaderGone` where click would end with code 1."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise exits.ReaderGone from None
        return result

    def format_commands(
        self,
        ctx: click.Context,
        formatter: click.HelpFormatter,
    ) -> None:
        """List the table's own words, so that help imports no command."""
        with formatter.section("Commands"):
            listed = self.list_commands(ctx)
            formatter.write_dl([(name, commands.COMMANDS[name][1]) for name in listed])


def _defaults(command: click.Command, in_file: dict[str, Any]) -> dict[str, Any]:
    """What `vigil.toml` says, for a command and those below it."""
    if isinstance(command, click.Group):
        return {name: _defaults(child, in_file) for name, child in command.commands.items()}
    return in_file


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 problems found, 2 wrong use or bad input file, 3 can't use Kafka,"
    " 4 the worker's name was taken by another, 5 internal error or unreadable state.",
)
@click.version_option(__version__, prog_name="vigil")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="VIGIL_CONFIG",
    help="Settings file instead of ./vigil.toml.",
)
@click.option(
    "--log-level",
    type=click.Choice(SETTINGS["log_level"].choices),
    help="What to log to stderr [default: info].",
)
@click.option(
    "--log-format",
    type=click.Choice(SETTINGS["log_format"].choices),
    help="key=value lines, or JSON for machines [default: logfmt].",
)
@click.option(
    "--log-ids",
    is_flag=True,
    default=None,
    help="Let lines name the account or entity they are about.",
)
@click.pass_context
def vigil(
    ctx: click.Context,
    config_file: Path | None,
    log_level: str | None,
    log_format: str | None,
    *,
    log_ids: bool | None,
) -> None:
    """Find abusive conduct in streams of account activity and moderation hits.

    \b
    vigil demo                               a simulated day through a real Kafka
    vigil replay signals.jsonl               the same decisions from a file, no Kafka
    vigil kafka start                        a Kafka to try things on
    vigil run --brokers 127.0.0.1:9092       a worker
    """
    in_file = read_file(config_file)
    settings = Settings.load(
        flags={"log_level": log_level, "log_format": log_format, "log_ids": log_ids},
        file=config_file,
    )
    ctx.obj = settings
    if ctx.invoked_subcommand is not None:
        command = commands.load(ctx.invoked_subcommand)
        ctx.default_map = {ctx.invoked_subcommand: _defaults(command, in_file)}
    logs.set_up(settings["log_level"], form=settings["log_format"], ids=settings["log_ids"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `vigil` with `arguments` (default: the process's own); returns the exit code."""
    return exits.run(lambda: vigil.main(arguments, prog_name="vigil", standalone_mode=False))
