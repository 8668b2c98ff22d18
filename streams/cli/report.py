"""`vigil report`: what goes to others."""

from __future__ import annotations

import click

from streams.cli.transparency import transparency


@click.group()
def report() -> None:
    """What goes to others.

    \b
    vigil report transparency --from 2026-01-01 --to 2026-02-01 day.jsonl decided.jsonl
    """


report.add_command(transparency)
