"""`vigil check`: every mistake in rule directories."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli import exits, options, output


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="DIR...")
@options.schema
@options.json_
def check(paths: tuple[str, ...], schema: Path | None, json_: bool) -> int:  # noqa: FBT001
    """Find every mistake in rule files, with file:line, the reason and a suggestion.

    \b
    vigil check my-rules/
    vigil check catalogue                   the shipped patterns
    vigil check my-rules/ --schema schema.toml --json

    Errors keep a rule set from loading. Warnings load but are probably not meant, or keep a rule
    set from being published, as a missing inline test does. Either makes the exit code 1.
    """
    from streams.patterns import check_rules
    from streams.signals import Schema

    options.existing_rules(paths)
    findings = check_rules(paths, Schema.load(schema))
    if json_:
        output.as_json([asdict(finding) for finding in findings])
    for finding in findings if not json_ else ():
        place = f"{finding.file}:{finding.line}" if finding.line else finding.file
        hint = f"; {finding.suggestion}" if finding.suggestion else ""
        sys.stdout.write(f"{place}: {finding.severity.value}: {finding.message}{hint}\n")
    if not findings:
        sys.stderr.write("No mistakes found.\n")
    return exits.PROBLEMS if findings else exits.OK
