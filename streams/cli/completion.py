"""`vigil completion`: the script by which a shell completes commands and options."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_VIGIL_COMPLETE"
"""How the script asks for completions; click's own convention for a program called vigil."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, options and their values.

    \b
    vigil completion bash > ~/.local/share/bash-completion/completions/vigil
    vigil completion fish > ~/.config/fish/completions/vigil.fish
    vigil completion zsh  > "${fpath[1]}/_vigil"
    eval "$(vigil completion bash)"                     only in this shell

    It asks the vigil on the PATH each time, so it need not be printed again after an upgrade.
    """
    made = get_completion_class(shell)
    assert made is not None
    sys.stdout.write(made(ctx.find_root().command, {}, "vigil", _VARIABLE).source())
