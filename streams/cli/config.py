"""`vigil config`: the settings in force and where each comes from."""

from __future__ import annotations

import click

from streams.cli import exits, options, output
from streams.config import Settings


@click.command()
@options.json_
@click.pass_obj
def config(settings: Settings, json_: bool) -> int:  # noqa: FBT001 - click's way
    """Show every setting, its value and its origin; secrets are masked.

    A flag beats the environment, which beats vigil.toml, which beats the default.

    \b
    vigil config
    VIGIL_BROKERS=127.0.0.1:9092 vigil config --json
    echo 'brokers = "127.0.0.1:9092"' > vigil.toml && vigil config
    """
    records = [
        {
            "setting": effective.setting.name,
            "value": effective.shown,
            "origin": effective.origin,
            "about": effective.setting.about,
        }
        for effective in settings.all()
    ]
    output.show(records, ["setting", "value", "origin", "about"], json_=json_)
    return exits.OK
